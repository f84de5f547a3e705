# shellcheck shell=bash disable=SC2034
# Functions that the scripts share. This file is sourced, never run. Messages go to stderr; stdout is the result of a script.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=$root/.cache
# Folder of the native builds. Each wasm toolchain has its own folder in it (see wasm.sh).
target_dir=${CARGO_TARGET_DIR:-$root/target}

say() { printf '%s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# as_root COMMAND...: runs a command as root; fails if that would need a password.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif have sudo && sudo -n true 2>/dev/null; then sudo "$@"
  else return 1; fi
}

# quietly COMMAND...: runs a command without input and output.
quietly() { "$@" >/dev/null 2>&1 </dev/null; }

# apt_install PACKAGE...: installs Debian's packages without questions; fails if they cannot be installed.
apt_install() {
  have apt-get || return 1
  say "installing from Debian's packages: $*"
  # The package list may be missing (a fresh image) or outdated, so try again after an update.
  with_signs "installing" quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" && return 0
  with_signs "reading Debian's list of packages" quietly as_root apt-get update || return 1
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@" >&2 </dev/null
}

# with_signs WHAT COMMAND...: runs a command, and says every four seconds that it still runs.
with_signs() {
  local what=$1 signs rc=0; shift
  # It must not hold stdout open: a caller that reads it would wait.
  ( passed=0; while sleep 4 2>/dev/null && kill -0 $$ 2>/dev/null; do passed=$((passed + 4)); say "... $what, $passed s"; done ) >/dev/null &
  signs=$!
  "$@" || rc=$?
  kill "$signs" 2>/dev/null || true
  wait "$signs" 2>/dev/null || true
  return "$rc"
}

# with_limit SECONDS COMMAND...: runs a command with a time limit. Uses GNU timeout if there is one (macOS has none).
with_limit() {
  local seconds=$1; shift
  if have timeout; then timeout "$seconds" "$@"; return; fi
  "$@" & local pid=$!
  # The watchdog must not hold stdout open: a caller that reads it would wait for the watchdog.
  ( sleep "$seconds"; kill "$pid" ) >/dev/null 2>&1 & local dog=$!
  local rc=0
  wait "$pid" || rc=$?
  kill "$dog" 2>/dev/null || true
  return "$rc"
}

# need_cargo: puts a cargo for native builds on PATH, the one that is there or else Debian's, and makes sure that there is a
# linker.
need_cargo() {
  have cc || apt_install gcc libc6-dev || die "a C compiler is needed as linker, and none could be installed.
  On Debian, as root:  apt-get install gcc libc6-dev"
  have cargo && have rustc && return 0
  [ -x "$HOME/.cargo/bin/cargo" ] && PATH=$HOME/.cargo/bin:$PATH && return 0
  apt_install rustc-web cargo-web rustfmt-web rust-web-clippy && have cargo && return 0
  die "no Rust toolchain found, and none could be installed.
  Anywhere with a network:  https://rustup.rs  (then run this again)
  Debian, as root:          apt-get install rustc-web cargo-web rustfmt-web rust-web-clippy"
}

# need_component NAME PACKAGE: makes sure that cargo has a subcommand that is a separate component.
need_component() {
  cargo "$1" --version >/dev/null 2>&1 && return 0
  # Debian's packages work with Debian's cargo only.
  if [ "$(command -v cargo)" = /usr/bin/cargo ]; then
    apt_install "$2" && cargo "$1" --version >/dev/null 2>&1 && return 0
  fi
  if have rustup; then
    say "asking rustup for the component ${1/fmt/rustfmt}"
    with_limit 60 rustup component add "${1/fmt/rustfmt}" >&2 </dev/null && cargo "$1" --version >/dev/null 2>&1 && return 0
  fi
  die "this toolchain has no cargo $1, and it could not be installed. With rustup: rustup component add ${1/fmt/rustfmt};
  on Debian: apt-get install $2"
}

# need_node MAJOR: makes sure that there is a node of this version or later, and npm.
need_node() {
  local least=$1
  node_is_good() { have node && have npm && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge "$least" ]; }
  node_is_good && return 0
  apt_install nodejs npm && node_is_good && return 0
  die "node $least or later is needed by the tests, with npm, and none could be installed.
  On Debian, as root:  apt-get install nodejs npm"
}

# npm_packages FOLDER NAME [FILE...]: sets `packages` to a folder below .cache/NAME that holds the npm packages locked by
# FOLDER/package-lock.json and copies of the files FOLDER/FILE. Installs each version once; concurrent calls are safe.
npm_packages() {
  local sources=$1 below=$cache/$2 file
  local -a files=("$sources/package.json" "$sources/package-lock.json")
  for file in "${@:3}"; do files+=("$sources/$file"); done
  packages=$below/$(cat "${files[@]}" | cksum | cut -d' ' -f1)
  [ -d "$packages/node_modules" ] && return
  mkdir -p "$below"
  if have flock; then
    exec 9>"$below/lock"
    flock 9
  fi
  [ -d "$packages/node_modules" ] || (npm_install "$sources" "$packages" "${files[@]}")
}

# npm_install SOURCES HOME FILE...: installs into a temporary folder and renames it, so that HOME is complete once it
# exists. Runs in a subshell because of its EXIT trap.
npm_install() {
  local sources=$1 home=$2 work
  work=$(mktemp -d "$home.XXXXXX")
  # shellcheck disable=SC2064 # $work is expanded now on purpose
  trap "rm -rf '$work'" EXIT
  cp "${@:3}" "$work"
  say "installing the npm packages of ${sources#"$root"/} into ${home#"$root"/}"
  (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2 </dev/null) ||
    die "the npm packages of ${sources#"$root"/} could not be installed"
  chmod 755 "$work"
  mv "$work" "$home"
}
