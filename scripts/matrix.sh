#!/usr/bin/env bash
# Runs the end-to-end tests on each version in scripts/envoy-versions, or on those given: `scripts/matrix.sh 1.36.4 1.40.0`.
. "$(dirname "$0")/lib.sh"
need_cargo
cd "$root"

# shellcheck disable=SC2046 # one version per word
[ $# -gt 0 ] || set -- $(awk '/^[0-9]/ { print $1 }' scripts/envoy-versions)
TIDEGATE_WASM=$(scripts/wasm.sh)
export TIDEGATE_WASM
unset ENVOY

# scripts/release.sh puts this into the notes of a release: which module passed on which version.
record=$root/dist/matrix
touch "$record"
sum=$(sha256 "$TIDEGATE_WASM")

failed=
for version in "$@"; do
  say "== Envoy $version"
  envoy=$(ENVOY_VERSION=$version scripts/envoy.sh)
  "$envoy" --version >&2
  if ENVOY=$envoy e2e_tests; then
    printf '%s %s\n' "$sum" "$version" >>"$record"
  else
    failed="$failed $version"
  fi
done
[ -z "$failed" ] || die "the end-to-end tests failed on:$failed"
say "matrix passed on: $*"
