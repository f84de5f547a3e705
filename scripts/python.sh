#!/usr/bin/env bash
# Prints the path of a Python with grpcio, which the gRPC client of the tests (crates/e2e/clients) needs, and nothing else
# on stdout. It is a virtual environment below .cache/python. Installs it once; concurrent calls are safe.
. "$(dirname "$0")/lib.sh"

version=1.85.1
home=$cache/python/grpcio-$version
python=$home/bin/python3

# A virtual environment contains its own path and cannot be renamed. The file `complete` marks a complete one.
install() {
  have python3 || apt_install python3 python3-venv || die "python3 is needed by the tests"
  say "installing grpcio $version from PyPI into ${home#"$root"/}"
  python3 -m venv --clear "$home" >/dev/null 2>&1 ||
    { apt_install python3-venv && python3 -m venv --clear "$home" >&2; } ||
    die "python3 has no venv (on Debian: apt-get install python3-venv)"
  PIP_ROOT_USER_ACTION=ignore "$python" -m pip install --quiet --disable-pip-version-check --no-input \
    --only-binary :all: "grpcio==$version" >&2 </dev/null ||
    die "grpcio==$version could not be installed from PyPI"
  touch "$home/complete"
}

if ! [ -e "$home/complete" ]; then
  mkdir -p "$cache/python"
  if have flock; then
    exec 9>"$cache/python/lock"
    flock 9
  fi
  [ -e "$home/complete" ] || install
fi
printf '%s\n' "$python"
