#!/usr/bin/env bash
# Prints what the browser tests need, one line each, and nothing else on stdout: a node, a Chromium, and the folder of
# the npm packages of crates/e2e/browser, which lies under .cache/browser. CHROMIUM=/path uses that Chromium. Installs
# nothing twice; may be called by many at once.
. "$(dirname "$0")/lib.sh"

find_chromium() {
  local name
  if [ -n "${CHROMIUM:-}" ]; then
    chromium=$(command -v -- "$CHROMIUM") || die "CHROMIUM is '$CHROMIUM', which is no program"
    return
  fi
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    chromium=$(command -v "$name") && return
  done
  apt_install chromium fonts-dejavu-core && chromium=$(command -v chromium) && return
  die "the browser tests need Chromium, and none could be installed. Install it, or set CHROMIUM=/path/to/chromium.
  On Debian, as root:  apt-get install chromium"
}

need_node 18
find_chromium
npm_packages "$root/crates/e2e/browser" browser
printf '%s\n' "$(command -v node)" "$chromium" "$packages"
