#!/usr/bin/env bash
# Prints what the browser tests need, one line each, and nothing else on stdout: a node, a Chromium, and the folder of
# the npm packages of crates/e2e/browser, which lies under .cache/browser. CHROMIUM=/path uses that Chromium. Installs
# nothing twice; may be called by many at once.
. "$(dirname "$0")/lib.sh"

sources=$root/crates/e2e/browser
node_least=18

find_node() {
  have node && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge "$node_least" ] && have npm && return 0
  apt_install nodejs npm && have npm && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge "$node_least" ] && return 0
  die "the browser tests need node $node_least or later, with npm, and none could be installed.
  On Debian, as root:  apt-get install nodejs npm"
}

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

# Made aside and renamed: whoever looks sees all of it or nothing.
install() {
  local work
  work=$(mktemp -d "$home.XXXXXX")
  # shellcheck disable=SC2064 # the folder of now is meant
  trap "rm -rf '$work'" EXIT
  cp "$sources/package.json" "$sources/package-lock.json" "$work"
  say "installing the npm packages of ${sources#"$root"/} into ${home#"$root"/}"
  (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 </dev/null) ||
    die "the npm packages of ${sources#"$root"/} could not be installed"
  chmod 755 "$work"
  mv "$work" "$home"
}

find_node
find_chromium
home=$cache/browser/$(cat "$sources/package.json" "$sources/package-lock.json" | cksum | cut -d' ' -f1)
if ! [ -d "$home/node_modules" ]; then
  mkdir -p "$cache/browser"
  if have flock; then
    exec 9>"$cache/browser/lock"
    flock 9
  fi
  [ -d "$home/node_modules" ] || (install)
fi
printf '%s\n' "$(command -v node)" "$chromium" "$home"
