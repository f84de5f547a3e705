#!/usr/bin/env bash
# Prints the paths of prometheus and promtool, one per line, and nothing else on stdout: those on PATH, else those of
# Debian's package, unpacked into .cache/prometheus. It is not installed, since the package starts a service. Unpacks it
# once; concurrent calls are safe.
. "$(dirname "$0")/lib.sh"

home=$cache/prometheus

# download FOLDER: apt-get downloads into its working directory and needs no root for that.
download() { (cd "$1" && apt-get download prometheus >/dev/null 2>&1 </dev/null); }

# Unpacks into a temporary folder and renames it, so that the result is complete once it exists.
unpack() {
  local work
  work=$(mktemp -d "$home.XXXXXX")
  # shellcheck disable=SC2064 # $work is expanded now on purpose
  trap "rm -rf '$work'" EXIT
  say "getting Debian's package prometheus into ${home#"$root"/}"
  # The package list may be missing (a fresh image) or outdated.
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
