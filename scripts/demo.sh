#!/usr/bin/env bash
# Builds the module and the command, finds an Envoy, and replaces itself by `tidegate demo`, so that Ctrl-C reaches it directly.
# The command is the one that `cargo install` installs, so it is not built again for that.
. "$(dirname "$0")/lib.sh"
need_cargo
cd "$root"
# On a terminal, cargo shows how far it is.
building() { if [ -t 2 ]; then "${@:2}"; else with_signs "$@"; fi; }

say "1 of 3: the filter (dist/tidegate.wasm)"
TIDEGATE_WASM=$(building "the filter" "$root/scripts/wasm.sh")
say "2 of 3: the command"
building "the command" cargo build --release --locked -p tidegate >&2
say "3 of 3: an Envoy"
ENVOY=$("$root/scripts/envoy.sh")
export TIDEGATE_WASM ENVOY
exec "$target_dir/release/tidegate" demo "$@"
