#!/usr/bin/env bash
# Prints the paths of prometheus and promtool, one per line, and nothing else on stdout: those on PATH, else those of
# Debian's package, unpacked into .cache/prometheus. It is not installed, since the package starts a service. Unpacks it
# once; concurrent calls are safe.
. "$(dirname "$0")/lib.sh"

if ! { have prometheus && have promtool; }; then
  debian_programs prometheus prometheus prometheus promtool
  PATH=$unpacked/usr/bin:$PATH
fi
command -v prometheus promtool
