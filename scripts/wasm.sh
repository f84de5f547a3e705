#!/usr/bin/env bash
# Builds dist/tidegate.wasm: what `cargo build --release` makes, with the exports trimmed to those in use. Installs what it
# needs, once.
#
# Uses the first of these compilers for wasm32-unknown-unknown that works (WASM_TOOLCHAIN=target|rustup|debian selects one):
#   target  the active rustc has the target
#   rustup  rustup downloads it, within a time limit
#   debian  Debian's compiler (rustc-web) builds std from source
#
#   scripts/wasm.sh           build; the path of the module is the only line on stdout
#   scripts/wasm.sh compiler  install the compiler, if there is none, and build nothing
#   scripts/wasm.sh noop      build crates/noop instead, with all exports, for the benchmarks
#   scripts/wasm.sh clippy    lint the crates of both modules, for their own target where the active toolchain has it
. "$(dirname "$0")/lib.sh"
cd "$root"

triple=wasm32-unknown-unknown
out=$root/dist/tidegate.wasm
rustup_limit=60 # seconds; a download that works takes five

has_target() {
  local dir
  have rustc && dir=$(rustc --print target-libdir --target "$triple" 2>/dev/null) &&
    compgen -G "$dir/libcore-*.rlib" >/dev/null
}

# A failed attempt of rustup is remembered for a day and for this compiler, so that a machine that cannot reach rustup's
# server waits only once. After a day rustup is asked again.
refusal() { printf '%s/wasm/rustup-refused-%s' "$cache" "$(rustc -vV | cksum | cut -d' ' -f1)"; }
refused_lately() { [ -n "$(find "$(refusal)" -mtime -1 2>/dev/null)" ]; }

ask_rustup() { RUST_BACKTRACE=0 with_limit "$rustup_limit" rustup target add "$triple" >"$1" 2>&1 </dev/null; }

rustup_adds_target() {
  local log=$cache/wasm/rustup.log
  have rustup && have rustc || return 1
  mkdir -p "$cache/wasm"
  say "asking rustup for the target $triple (at most $rustup_limit s)"
  if with_signs "asking rustup" ask_rustup "$log" && has_target; then
    rm -f "$(refusal)"
    return 0
  fi
  touch "$(refusal)"
  say "rustup could not get it ($(grep -m 1 '^error:' "$log" || printf 'no answer in time')); all of it: ${log#"$root"/}
it is asked again in a day, or after: rm $(refusal)"
  return 1
}

# Prints rustup's linker, else the newest LLVM linker: an old LLVM may not read the objects of a new compiler.
find_linker() {
  local sysroot candidate
  if have rustc && sysroot=$(rustc --print sysroot 2>/dev/null); then
    for candidate in "$sysroot"/lib/rustlib/*/bin/rust-lld; do
      [ -x "$candidate" ] && printf '%s' "$candidate" && return 0
    done
  fi
  candidate=$(compgen -c wasm-ld- | grep -E '^wasm-ld-[0-9]+$' | sort -t- -k3 -n | tail -n 1)
  [ -n "$candidate" ] && command -v "$candidate"
}

debian_is_ready() {
  [ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo ] && linker=$(find_linker) &&
    [ -f "$(/usr/bin/rustc --print sysroot)/lib/rustlib/src/rust/library/Cargo.lock" ]
}

debian_installs() {
  local lld
  debian_is_ready && return 0
  have apt-get || return 1
  apt_install rustc-web cargo-web rust-web-src || return 1
  if ! find_linker >/dev/null; then
    lld=$(apt-cache search --names-only '^lld-[0-9]+$' | cut -d' ' -f1 | sort -t- -k2 -n | tail -n 1)
    [ -n "$lld" ] && apt_install "$lld" || return 1
  fi
  debian_is_ready
}

choose() {
  case ${WASM_TOOLCHAIN:-auto} in
    target) has_target || die "the active rustc has no target $triple (WASM_TOOLCHAIN=target)" ;;
    rustup) has_target || rustup_adds_target || die "rustup could not add $triple (WASM_TOOLCHAIN=rustup)" ;;
    debian) debian_installs || die "Debian's compiler could not be installed (WASM_TOOLCHAIN=debian)"; way=debian; return ;;
    auto) has_target || { ! { have rustc && refused_lately; } && rustup_adds_target; } ||
      { debian_installs && way=debian && return; } ||
      die "no compiler for $triple here, and none could be installed. Any one of these will do:
  with rustup and a network:  rustup target add $triple
  on Debian, as root:         apt-get install rustc-web cargo-web rust-web-src lld" ;;
    *) die "WASM_TOOLCHAIN is '$WASM_TOOLCHAIN'; allowed: auto, target, rustup, debian" ;;
  esac
  way=target
}

# run_cargo SUBCOMMAND FLAGS...: cargo for the module's crate with the chosen compiler.
run_cargo() {
  local sub=$1; shift
  if [ "$way" = debian ]; then
    # build-std is an unstable option; RUSTC_BOOTSTRAP enables it in a stable compiler. Settings of rustup and of the
    # caller would select another compiler.
    env -u RUSTUP_TOOLCHAIN -u RUSTC_WRAPPER RUSTC_BOOTSTRAP=1 RUSTC=/usr/bin/rustc PATH="/usr/bin:$PATH" \
      CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER="$linker" \
      /usr/bin/cargo "$sub" --locked -p "$package" --target "$triple" \
      -Z build-std=std,panic_abort "$@"
  else
    cargo "$sub" --locked -p "$package" --target "$triple" "$@"
  fi
}

linker=
way=
package=tidegate-filter
choose
need_cargo
[ "${1:-build}" != compiler ] || exit 0
# Each compiler has its own folder: in a shared one, each would rebuild what the other has built.
wasm_dir=$target_dir/wasm-$way
export CARGO_TARGET_DIR=$wasm_dir

if [ "${1:-build}" = clippy ]; then
  need_component clippy rust-web-clippy
  if [ "$way" = debian ]; then
    # rustup's clippy cannot read what Debian's compiler builds. The same code type-checks natively:
    # only its link step needs the host.
    export CARGO_TARGET_DIR=$target_dir
    lint() { cargo clippy --locked -p "$package" "$@"; }
  else
    lint() { run_cargo clippy "$@"; }
  fi
  for package in tidegate-filter tidegate-noop; do lint --quiet -- -D warnings; done
  exit
fi

if [ "${1:-build}" = noop ]; then
  package=tidegate-noop
  run_cargo build --release >&2
  printf '%s\n' "$wasm_dir/$triple/release/tidegate_noop.wasm"
  exit
fi

# Panic messages contain paths of source files: without this, paths of the machine that built the module.
flags="${RUSTFLAGS:-} --remap-path-prefix=$root=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src=deps"
RUSTFLAGS=$flags run_cargo build --release >&2

mkdir -p "$root/dist"
# This is a native program, so it is built in the folder of the native builds.
CARGO_TARGET_DIR=$target_dir cargo run --quiet --locked -p tidegate-exports -- \
  "$wasm_dir/$triple/release/tidegate.wasm" "$out" >&2
printf '%s\n' "$out"
