#!/usr/bin/env bash
# Prints the paths of skopeo and of a registry for images (docker-registry), one per line, and nothing else on stdout:
# those on PATH, else Debian's. skopeo is installed; docker-registry is unpacked into .cache/registry, since its package
# starts a service. Unpacks it once; concurrent calls are safe.
. "$(dirname "$0")/lib.sh"

have skopeo || apt_install skopeo || die "the tests of the image need skopeo, and it could not be installed.
  On Debian, as root:  apt-get install skopeo"
if ! have docker-registry; then
  debian_programs docker-registry registry docker-registry
  PATH=$unpacked/usr/bin:$PATH
fi
command -v skopeo docker-registry
