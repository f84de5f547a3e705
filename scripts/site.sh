#!/usr/bin/env bash
# Builds the documentation as a site, in dist/site, and checks its links. Uses the mdbook on PATH, else builds one once, which
# takes minutes. With `--if-built`, builds no mdbook: without one, says so and does nothing.
. "$(dirname "$0")/lib.sh"
cd "$root"

mdbook_version=0.4.52

have python3 || apt_install python3 || die "python3 is needed to check the links of the site"
if [ "${1:-}" = --if-built ] && ! have mdbook && ! [ -x "$cache/tools/mdbook-$mdbook_version/bin/mdbook" ]; then
  say "SKIPPED: the site needs mdbook, which \`make site\` builds once"
  exit
fi
need_cargo
cargo_tool mdbook "$mdbook_version" --no-default-features --features search

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The pages keep their places, so that their links to each other and to files hold. mdbook copies files that are no pages.
mkdir "$work/src"
git ls-files -z --cached --others --exclude-standard -- '*.md' docs envoy examples schema scripts LICENSE crates/e2e/fixtures \
  crates/e2e/tests/metrics/dashboard | while IFS= read -r -d '' file; do
  [ -e "$file" ] || continue
  mkdir -p "$work/src/$(dirname "$file")"
  cp "$file" "$work/src/$file"
done
rm -r "$work/src/docs/site"
cp docs/site/SUMMARY.md "$work/src"
cp docs/site/book.toml "$work"
"$program" build "$work" --dest-dir "$work/site" >"$work/log" 2>&1 || { cat "$work/log" >&2; die "mdbook refuses the pages"; }
! grep -E '\[(WARN|ERROR)\]' "$work/log" >&2 || die "mdbook complains about the pages"
python3 scripts/site_links.py "$work/site"
rm -rf dist/site
mkdir -p dist
mv "$work/site" dist/site
say "dist/site/index.html"
