#!/usr/bin/env bash
# Measures the cost of a request with each filter on a real Envoy and checks the budgets. Tables go to stdout
# (docs/benchmarks.md has those of one run), progress to stderr.
#   BENCH_ROUNDS=5 make bench                        a quick run (BENCH_REQUESTS sets the requests of each round)
#   BENCH_WORKERS=1                                  only with this number of workers
#   BENCH_ONLY=none,tidegate,beside                  only these variants (crates/bench/src/stage.rs)
#   BENCH_BESIDE=OTHER.wasm                          also another build of the module, and the ratios to it
#   scripts/bench.sh core [FILTER]                   benchmarks of the core without Envoy (Criterion)
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
