#!/usr/bin/env bash
# Removes what was built and installed in this folder, and nothing outside it.
. "$(dirname "$0")/lib.sh"
rm -rf "${root:?}/target" "$root/dist" "$root/.cache"
