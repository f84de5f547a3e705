#!/usr/bin/env bash
# Prints the paths that the RPC clients of the tests need, one per line, and nothing else on stdout: node, and the folder
# of the npm packages of crates/e2e/clients/rpc (below .cache/rpc-clients). Installs each version once; concurrent calls
# are safe.
. "$(dirname "$0")/lib.sh"

need_node 20
npm_packages "$root/crates/e2e/clients/rpc" rpc-clients
printf '%s\n' "$(command -v node)" "$packages"
