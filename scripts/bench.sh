#!/usr/bin/env bash
# Says what is not there yet, rather than measuring something else.
. "$(dirname "$0")/lib.sh"
say "make bench: there are no benchmarks yet; they come with the performance work."
exit 2
