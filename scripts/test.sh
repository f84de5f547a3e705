#!/usr/bin/env bash
# Runs every check. Stops at the first step that fails and names it.
#
# The module is built, and what the tests need is installed, while the tests are built. The tests with a load on Envoy wait
# most of the time; so beside the tests on Envoy, with the lowest priority, a second lane of steps runs: tests of the tools,
# which only compute, and what is quick and needs their binaries.
. "$(dirname "$0")/lib.sh"

# Programs that the end-to-end tests run, and Python, which installs Envoy and grpcio.
need_tools() {
  local tool missing=
  for tool in curl python3; do have "$tool" || missing="$missing $tool"; done
  # shellcheck disable=SC2086 # one word each
  [ -z "$missing" ] || apt_install $missing ca-certificates || die "these programs are needed by the tests:$missing"
}

# step NAME COMMAND...: runs a step and records its time.
step() {
  local name=$1 begun=$SECONDS; shift
  say "-- $name"
  if ! "$@"; then
    say "-- $name: FAILED after $((SECONDS - begun)) s"
    say "make test: failed in '$name'"
    exit 1
  fi
  summary="$summary$(printf '%6d s  %s' $((SECONDS - begun)) "$name")"$'\n'
}

needed() { module && envoy && clients && registry && monitoring && authoring; }
module() { scripts/wasm.sh >/dev/null; }
envoy() { ENVOY=$(scripts/envoy.sh) && export ENVOY && "$ENVOY" --version >&2; }
# The tests run these scripts too. Running them here shows what they install and keeps it out of the time of the tests.
clients() { scripts/browser.sh >&2 && scripts/rpc-clients.sh >&2 && scripts/python.sh >&2; }
registry() { scripts/registry.sh >&2; }
monitoring() { scripts/prometheus.sh >&2 && scripts/grafana.sh >&2; }
authoring() { scripts/editor.sh >&2 && scripts/kubectl.sh >&2; }

lane() {
  # The lane runs only while a processor is idle. Beside a lane of the lowest priority, Envoy under load waited for a processor
  # 0.13 of the time on two cores; beside this one 0.08, as it does alone. Without chrt (macOS), the lowest priority is used.
  chrt --idle --pid 0 "$BASHPID" 2>/dev/null || renice -n 19 -p "$BASHPID" >/dev/null 2>&1 || true
  summary=
  # One at a time, so that the tests on Envoy keep a processor.
  RUST_TEST_THREADS=1 step "tests of the core, of the tools, and of the module in a host of our own" \
    cargo_test "${tools[@]}" --bins --test '*'
  step "examples in the documentation of the crates" cargo_test --quiet "${tools[@]}" --doc
  step "generated docs" scripts/docs.sh --check
  step "licences and sources of the dependencies" scripts/lint.sh deny
  step "workflows of GitHub Actions" scripts/lint.sh workflows
  printf '%s' "$summary" >&2
}

summary=
cd "$root"
need_tools
need_cargo
step "formatting" scripts/lint.sh fmt
# It may have to be installed, so nothing else may be installed meanwhile.
step "a compiler of the module" scripts/wasm.sh compiler
step "clippy of the module" scripts/wasm.sh clippy
beside "the module, an Envoy, browsers, RPC clients, a registry, a Prometheus, types of Grafana, a language server, a kubectl" needed
# All targets, so that clippy sees the benchmarks too.
step "a build of the tests, with clippy" build_tests --all-targets
step "unit tests" cargo_test --quiet "${tested[@]}" --lib
step "what was built and installed in the background" joined
export TIDEGATE_WASM=$root/dist/tidegate.wasm
step "an Envoy" envoy
beside "tests of the tools, docs, licences" lane
step "tests on Envoy" e2e_tests
step "the rest of what runs in the background" joined
printf '%s' "$summary" >&2
say "make test: passed in $SECONDS s"
