#!/usr/bin/env bash
# Builds the module and puts it into an OCI image: dist/tidegate-VERSION.oci.tar. The digest of the image is the only line
# on stdout. The same module gives the same digest on every machine.
. "$(dirname "$0")/lib.sh"
need_cargo
cd "$root"

out=dist/tidegate-$(version_of_workspace).oci.tar
module=$(scripts/wasm.sh)
cargo run --quiet --locked -p tidegate -- bundle --as oci --module "$module" --output "$out"
say "wrote $out"
