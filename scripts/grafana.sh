#!/usr/bin/env bash
# Prints what checks envoy/dashboard.json, one line each, and nothing else on stdout: a node, and the folder of the npm
# packages of crates/e2e/grafana, which lies under .cache/grafana. Installs nothing twice; may be called by many at once.
. "$(dirname "$0")/lib.sh"

need_node 18
npm_packages "$root/crates/e2e/grafana" grafana
printf '%s\n' "$(command -v node)" "$packages"
