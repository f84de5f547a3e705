#!/usr/bin/env bash
# Prints the paths that the browser tests need, one per line, and nothing else on stdout: node, Chromium, Chromium without
# windows, the folder of the npm packages of crates/e2e/browser (below .cache/browser), and the fontconfig file that makes
# Chromium use the fonts among those packages and none of the machine. CHROMIUM=/path selects another Chromium for both.
# Installs each version once; concurrent calls are safe.
. "$(dirname "$0")/lib.sh"

find_chromium() {
  local name
  if [ -n "${CHROMIUM:-}" ]; then
    chromium=$(command -v -- "$CHROMIUM") || die "CHROMIUM is '$CHROMIUM', which is not a program"
    return
  fi
  for name in chromium chromium-browser google-chrome google-chrome-stable; do
    chromium=$(command -v "$name") && return
  done
  apt_install chromium && chromium=$(command -v chromium) && return
  die "the browser tests need Chromium, and none could be installed. Install it, or set CHROMIUM=/path/to/chromium.
  On Debian, as root:  apt-get install chromium"
}

# Chromium's headless shell has no windows and takes 40 % less processor time. Where there is no such package, Chromium
# itself is used.
find_shell() {
  shell=$chromium
  [ -z "${CHROMIUM:-}" ] || return 0
  have chromium-headless-shell || apt_install chromium-headless-shell || return 0
  shell=$(command -v chromium-headless-shell)
}

need_node 18
find_chromium
find_shell
npm_packages "$root/crates/e2e/browser" browser fonts.conf
printf '%s\n' "$(command -v node)" "$chromium" "$shell" "$packages" "$packages/fonts.conf"
