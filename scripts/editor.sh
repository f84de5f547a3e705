#!/usr/bin/env bash
# Prints the paths that the test of the schemas in an editor needs, one per line, and nothing else on stdout: node, and the
# folder of the npm packages of crates/e2e/editor (below .cache/editor). Installs each version once; concurrent calls are safe.
. "$(dirname "$0")/lib.sh"

need_node 20
npm_packages "$root/crates/e2e/editor" editor
printf '%s\n' "$(command -v node)" "$packages"
