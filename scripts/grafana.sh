#!/usr/bin/env bash
# Prints the paths that the check of envoy/dashboard.json needs, one per line, and nothing else on stdout: node, and the
# folder of the npm packages of crates/e2e/grafana (below .cache/grafana). Installs each version once; concurrent calls
# are safe.
. "$(dirname "$0")/lib.sh"

need_node 18
npm_packages "$root/crates/e2e/grafana" grafana
printf '%s\n' "$(command -v node)" "$packages"
