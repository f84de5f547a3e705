#!/usr/bin/env bash
# Prints the paths of a Prometheus and a promtool, one line each, and nothing else on stdout: those on PATH, else
# those of Debian's package, unpacked into .cache/prometheus. Unpacked, not installed: the package would start a
# service. Installs nothing twice; may be called by many at once.
. "$(dirname "$0")/lib.sh"

home=$cache/prometheus

# apt-get writes into the folder that it runs in, here as whoever calls it.
download() { (cd "$1" && apt-get download prometheus >/dev/null 2>&1 </dev/null); }

# Made aside and renamed: whoever looks sees all of it or nothing.
unpack() {
  local work
  work=$(mktemp -d "$home.XXXXXX")
  # shellcheck disable=SC2064 # the folder of now is meant
  trap "rm -rf '$work'" EXIT
  say "getting Debian's package prometheus into ${home#"$root"/}"
  # The list of packages may be missing (a fresh image) or stale.
  download "$work" || { as_root apt-get update >/dev/null 2>&1 </dev/null && download "$work"; } ||
    die "Debian's package prometheus could not be downloaded; install prometheus and promtool, and put them on PATH"
  dpkg-deb --fsys-tarfile "$work"/prometheus_*.deb | tar -x -C "$work" ./usr/bin/prometheus ./usr/bin/promtool ||
    die "Debian's package prometheus holds no prometheus and promtool"
  rm "$work"/prometheus_*.deb
  chmod 755 "$work"
  mv "$work" "$home"
}

if ! { have prometheus && have promtool; }; then
  if ! [ -d "$home" ]; then
    for tool in apt-get dpkg-deb tar; do
      have "$tool" || die "prometheus and promtool are needed by the tests. Install them, and put them on PATH"
    done
    mkdir -p "$cache"
    if have flock; then
      exec 9>"$cache/prometheus.lock"
      flock 9
    fi
    [ -d "$home" ] || (unpack)
  fi
  PATH=$home/usr/bin:$PATH
fi
command -v prometheus promtool
