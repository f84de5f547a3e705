#!/usr/bin/env bash
# Measures what a request costs with each filter on a real Envoy, and says whether the budgets are held.
# The tables are stdout (docs/benchmarks.md has those of a run); progress is stderr.
#   BENCH_ROUNDS=5 make bench                        a quick look (BENCH_REQUESTS: of each round)
#   BENCH_WORKERS=1                                  with so many workers only
#   BENCH_ONLY=none,tidegate,beside                  these variants only (crates/bench/src/stage.rs), without a verdict
#   BENCH_BESIDE=OTHER.wasm                          another build of the module beside this one
#   scripts/bench.sh core [FILTER]                   what the core's decisions cost, without Envoy (Criterion)
. "$(dirname "$0")/lib.sh"
need_cargo
cd "$root"

if [ "${1:-}" = core ]; then
  shift
  exec cargo bench --quiet --locked -p tidegate-bench --bench core -- "$@"
fi

have h2load || apt_install nghttp2-client || die "h2load is needed (Debian: nghttp2-client; macOS: brew install nghttp2)"
[ -r /proc/self/schedstat ] || die "processor times are read from /proc/PID/task/*/schedstat, which Linux has"

TIDEGATE_WASM=$(scripts/wasm.sh)
noop=$(scripts/wasm.sh noop)
ENVOY=$(scripts/envoy.sh)
export TIDEGATE_WASM ENVOY
{
  printf '%s, %s, h2load %s, %s processors (%s), %s\n\n' "$(date -u +%Y-%m-%d)" \
    "$("$ENVOY" --version | sed -n 's|.*version: [0-9a-f]*/\([^/]*\)/.*|Envoy \1|p')" \
    "$(h2load --version | sed 's/.*nghttp2.//')" "$(nproc)" \
    "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(uname -sr)"
} >&1
cargo run --quiet --locked -p tidegate-bench -- "$noop"
