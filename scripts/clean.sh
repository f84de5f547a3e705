#!/usr/bin/env bash
# Removes what was built and installed inside this folder; nothing outside of it.
. "$(dirname "$0")/lib.sh"
rm -rf "${root:?}/target" "$root/dist" "$root/.cache"
