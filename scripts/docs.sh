#!/usr/bin/env bash
# Writes the files that the command generates. With `--check`, prints the differences instead and fails if there are any.
# Uses the command of $TIDEGATE_COMMAND if that is set (test.sh sets it), else builds it.
. "$(dirname "$0")/lib.sh"
need_cargo
cd "$root"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
drift=0

tidegate() {
  if [ -n "${TIDEGATE_COMMAND:-}" ]; then "$TIDEGATE_COMMAND" "$@"
  else cargo run --quiet --locked -p tidegate -- "$@"; fi
}

# page "COMMAND [OPTION]" FILE: writes the output of the command to FILE, or compares it.
page() {
  # shellcheck disable=SC2086 # $1 holds several words
  tidegate $1 >"$work/page"
  cmp -s "$work/page" "$2" && return
  if [ "$check" = yes ]; then
    say "$2 is not what \`tidegate $1\` writes (run: make docs)"
    diff -u "$2" "$work/page" >&2 || true
    drift=1
  else
    mkdir -p "$(dirname "$2")"
    cp "$work/page" "$2"
    say "wrote $2"
  fi
}

check=no
[ "${1:-}" = --check ] && check=yes
page schema schema/config.schema.json
page "schema --source" schema/source.schema.json
page reference docs/configuration.md
page "reference --command" docs/command.md
page "explain --runbooks" docs/runbooks.md
# The tables of docs/pages.md; the tests that write them compare them in every run.
[ "$check" = yes ] || SNAPSHOTS=overwrite cargo test --quiet --locked -p tidegate --test reference committed -- --test-threads=1 >/dev/null
exit "$drift"
