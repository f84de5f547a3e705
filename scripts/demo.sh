#!/usr/bin/env bash
# Builds the module and the command, finds an Envoy, and replaces itself by `tidegate demo`, so that Ctrl-C reaches it directly.
# The command is the one that `cargo install` installs, so it is not built again for that.
#
# Two builds beside each other take two thirds of the time of one after the other.
. "$(dirname "$0")/lib.sh"
need_cargo
cd "$root"
# On a terminal, cargo shows how far it is.
building() { if [ -t 2 ]; then "${@:2}"; else with_signs "$@"; fi; }
module_and_envoy() { scripts/wasm.sh && scripts/envoy.sh; }

beside "the filter (dist/tidegate.wasm), and an Envoy" module_and_envoy
say "-- the command"
building "the command" cargo build --release --locked -p tidegate >&2
with_signs "the filter and Envoy" joined || die "the filter could not be built, or no Envoy found; the reason stands above"
# Both are there now, so these only print where.
TIDEGATE_WASM=$(scripts/wasm.sh 2>/dev/null)
ENVOY=$(scripts/envoy.sh)
export TIDEGATE_WASM ENVOY
exec "$target_dir/release/tidegate" demo "$@"
