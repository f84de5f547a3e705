#!/usr/bin/env bash
# Everything that is checked, the quick things first. Stops at the first step that fails, and says which.
. "$(dirname "$0")/lib.sh"

# The clients that the end-to-end tests drive, and what installs Envoy.
need_tools() {
  local tool missing=
  for tool in curl python3 gzip; do have "$tool" || missing="$missing $tool"; done
  have cc || missing="$missing gcc libc6-dev"
  # shellcheck disable=SC2086 # one word each
  [ -z "$missing" ] || apt_install $missing ca-certificates || die "these programs are needed by the tests:$missing"
}

# step NAME COMMAND...: one line before, one after with the seconds it took.
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

module() { TIDEGATE_WASM=$(scripts/wasm.sh) && export TIDEGATE_WASM; }
envoy() { ENVOY=$(scripts/envoy.sh) && export ENVOY && "$ENVOY" --version >&2; }
# The tests ask for them themselves; here only so that what they install is seen, and not counted as theirs.
browser() { scripts/browser.sh >&2; }
monitoring() { scripts/prometheus.sh >&2 && scripts/grafana.sh >&2; }

summary=
cd "$root"
need_tools
need_cargo
step "formatting" scripts/lint.sh fmt
step "tests of the core" cargo test --quiet --locked -p tidegate-core
step "clippy" scripts/lint.sh clippy
step "the module" module
step "an Envoy" envoy
step "a browser" browser
step "a Prometheus, and the types of Grafana" monitoring
step "tests of the tools, the module in a host of our own, and on Envoy" \
  cargo test --locked --workspace --exclude tidegate-filter --exclude tidegate-noop --exclude tidegate-core
step "generated docs" scripts/docs.sh --check
step "licences and sources of the dependencies" scripts/lint.sh deny
printf '%s' "$summary" >&2
say "make test: passed in $SECONDS s"
