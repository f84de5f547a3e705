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

# sha256 FILE: prints the SHA-256 of a file. macOS has shasum instead of sha256sum.
sha256() { if have sha256sum; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi | cut -c-64; }

# version_of_workspace: prints the version of all crates, and so of the module and of the command.
version_of_workspace() { sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' "$root/Cargo.toml"; }

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
  with_signs "installing" quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@" && return 0
  with_signs "reading Debian's list of packages" quietly as_root apt-get update || return 1
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@" >&2 </dev/null
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

# beside NAME COMMAND...: runs a command in the background, without input, and keeps what it prints. `joined` waits for it.
beside() {
  local name=$1; shift
  beside_log=$(mktemp)
  say "-- $name: in the background"
  # A process group of its own, so that all of it can be ended.
  set -m
  ( "$@" ) >"$beside_log" 2>&1 </dev/null &
  beside_group=$!
  set +m
  trap 'kill -- "-$beside_group" 2>/dev/null || true; rm -f "$beside_log"' EXIT
}

# joined: waits for the command in the background, shows what it has printed, and returns its exit code.
joined() {
  local rc=0
  wait "$beside_group" || rc=$?
  cat "$beside_log" >&2
  rm -f "$beside_log"
  trap - EXIT
  return "$rc"
}

# The packages whose tests need no Envoy, and all with tests. Cargo gets one of these selections, and options for the targets:
# with another selection it unites other features of the dependencies, and builds most of them once more.
tools=(-p tidegate -p tidegate-core -p tidegate-bench -p tidegate-envoy -p tidegate-exports -p tidegate-simulation -p tidegate-wasmhost)
tested=("${tools[@]}" -p tidegate-e2e)

# cargo_test ARGUMENT...: cargo test, with clippy as the compiler of the crates of this workspace: it lints what it compiles,
# and a warning is an error. `cargo clippy` would read all dependencies once more (measured: 240 s of processor time, this 15).
# An option, and not a variable of the environment: tests run cargo too, and what they build is not for clippy to compile.
cargo_test() {
  need_component clippy rust-web-clippy &&
    CLIPPY_ARGS=-Dwarnings cargo --config 'build.rustc-workspace-wrapper="clippy-driver"' test --locked "$@"
}

# build_tests [FLAG...]: builds the tests, or those that the flags select, and sets TIDEGATE_COMMAND to the command, which cargo
# builds with its own tests. `cargo build -p tidegate` would build it, and half of its dependencies, with other features once more.
build_tests() {
  cargo_test --quiet "${tested[@]}" --no-run "$@" && TIDEGATE_COMMAND=$(cd "$target_dir" && pwd)/debug/tidegate && export TIDEGATE_COMMAND
}

# e2e_tests: runs the tests on Envoy: those that may run beside each other, then those with a load, one at a time. A load says
# nothing about the filter if Envoy gets no processor (crates/e2e/src/machine.rs).
e2e_tests() {
  build_tests --test cli --test e2e &&
    RUST_TEST_THREADS=$(($(getconf _NPROCESSORS_ONLN) + 1)) cargo_test "${tested[@]}" --test e2e -- --skip ::under_load:: &&
    RUST_TEST_THREADS=1 cargo_test "${tested[@]}" --test e2e -- ::under_load::
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

# cargo_tool NAME VERSION [FLAG...]: sets `program` to a program of crates.io: the one on PATH, else one that cargo builds once
# into .cache/tools. It is not optimised: the build is several times as fast, and these programs do little.
cargo_tool() {
  program=$(command -v "$1") && return
  local home=$cache/tools/$1-$2
  program=$home/bin/$1
  [ -x "$program" ] && return
  say "building $1 $2, once (minutes)"
  CARGO_TARGET_DIR=$cache/tools/target-$1 CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_DEV_DEBUG_ASSERTIONS=false \
    CARGO_PROFILE_DEV_OVERFLOW_CHECKS=false with_signs "building $1" \
    cargo install --quiet --locked --debug "$1" --version "$2" "${@:3}" --root "$home" >&2
  rm -rf "$cache/tools/target-$1"
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

# debian_programs PACKAGE NAME PROGRAM...: sets `unpacked` to .cache/NAME, which holds the programs of a Debian package in
# usr/bin. For packages that would start a service if they were installed. Unpacks once; concurrent calls are safe.
debian_programs() {
  local package=$1 tool
  unpacked=$cache/$2
  [ -d "$unpacked" ] && return
  for tool in apt-get dpkg-deb tar; do
    have "$tool" || die "the tests need these programs: ${*:3}. Install them, and put them on PATH
  On Debian, as root:  apt-get install $package"
  done
  mkdir -p "$cache"
  if have flock; then
    exec 9>"$unpacked.lock"
    flock 9
  fi
  [ -d "$unpacked" ] || (unpack_programs "$package" "$unpacked" "${@:3}")
}

# unpack_programs PACKAGE HOME PROGRAM...: unpacks into a temporary folder and renames it, so that HOME is complete once it
# exists. Runs in a subshell because of its EXIT trap.
unpack_programs() {
  local package=$1 home=$2 work
  local -a programs=("${@:3}")
  work=$(mktemp -d "$home.XXXXXX")
  # shellcheck disable=SC2064 # $work is expanded now on purpose
  trap "rm -rf '$work'" EXIT
  say "getting Debian's package $package into ${home#"$root"/}"
  # apt-get downloads into its working directory and needs no root for that.
  download() { (cd "$work" && quietly apt-get download "$package"); }
  # The package list may be missing (a fresh image) or outdated.
  download || { quietly as_root apt-get update && download; } ||
    die "Debian's package $package could not be downloaded; install it, and put these programs on PATH: ${programs[*]}
  On Debian, as root:  apt-get install $package"
  dpkg-deb --fsys-tarfile "$work/$package"_*.deb | tar -x -C "$work" "${programs[@]/#/./usr/bin/}" ||
    die "Debian's package $package does not hold: ${programs[*]}"
  rm "$work/$package"_*.deb
  chmod 755 "$work"
  mv "$work" "$home"
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
