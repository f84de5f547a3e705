#!/usr/bin/env bash
# Builds the module, finds an Envoy, and replaces itself by `tidegate demo`, so that Ctrl-C reaches it directly.
. "$(dirname "$0")/lib.sh"
need_cargo
cd "$root"
TIDEGATE_WASM=$("$root/scripts/wasm.sh")
ENVOY=$("$root/scripts/envoy.sh")
export TIDEGATE_WASM ENVOY
exec cargo run --quiet --locked -p tidegate -- demo "$@"
