#!/usr/bin/env bash
# Makes everything of a release in dist/release. Publishes nothing, and uses no network but the package registries.
#
#   scripts/release.sh                    all of it
#   scripts/release.sh command [TARGET]   only the command, for one target (default: this machine)
#   scripts/release.sh check              builds module and image again from nothing, and compares them with dist/release
#
# IMAGE=ghcr.io/acme/tidegate names the image in the resources (default: registry.example/tidegate, a placeholder).
# TAG=v0.1.0 is the tag of the release; it must be that of the version in Cargo.toml.
. "$(dirname "$0")/lib.sh"
need_cargo
cd "$root"

cyclonedx_version=0.5.9
version=$(version_of_workspace)
image=${IMAGE:-registry.example/tidegate}
out=$root/dist/release
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

[ "${TAG:-v$version}" = "v$version" ] || die "the tag is '$TAG', but the version in Cargo.toml is $version"

# Static programs run on every Linux. macOS has no static ones.
default_targets="x86_64-unknown-linux-musl aarch64-unknown-linux-musl"

host() { rustc -vV | sed -n 's/^host: //p'; }

# target_of_host: prints the target of a command for this machine.
target_of_host() { host | sed 's/-linux-gnu$/-linux-musl/'; }

# platform TARGET: prints the name of a platform as Go, Kubernetes and images write it.
platform() { printf '%s' "$1" | sed 's/^x86_64-/amd64-/; s/^aarch64-/arm64-/; s/-unknown-linux-.*/-linux/; s/-apple-darwin/-darwin/' |
  sed 's/^\(.*\)-\(.*\)$/\2-\1/'; }

has_target() {
  compgen -G "$(rustc --print target-libdir --target "$1" 2>/dev/null)/libcore-*.rlib" >/dev/null
}

need_target() {
  has_target "$1" && return 0
  have rustup || return 1
  say "asking rustup for the target $1"
  with_limit 120 rustup target add "$1" >&2 </dev/null && has_target "$1"
}

# pack ARCHIVE FOLDER: packs what is in a folder. GNU tar makes the same bytes of the same files.
pack() {
  local -a fixed=()
  tar --version 2>/dev/null | grep -q GNU && fixed=(--sort=name --owner=0 --group=0 --numeric-owner --mtime=@0)
  # bash 3 (macOS) takes an empty array for an unset variable.
  tar -c -C "$2" ${fixed[@]+"${fixed[@]}"} . | gzip -n >"$1"
}

# build_command TARGET: packs the command for a target that this Rust has. Sets `program`.
build_command() {
  local target=$1 name flags folder
  # Paths of this machine do not belong into a program that others run.
  flags="${RUSTFLAGS:-} --remap-path-prefix=$root=. --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src=deps"
  # The linker of Rust links static programs for any processor. The command has no code in C.
  case $target in *-musl) flags="$flags -Clinker=rust-lld -Clink-self-contained=yes" ;; esac
  say "the command for $target"
  RUSTFLAGS=$flags cargo build --quiet --locked --release -p tidegate --target "$target" >&2
  program=$target_dir/$target/release/tidegate
  name=tidegate-$version-$(platform "$target")
  folder=$work/$name
  mkdir "$folder"
  cp "$program" LICENSE "$folder"
  pack "$out/$name.tar.gz" "$folder"
}

# bundle_image MODULE FILE: makes the image and prints its digest.
bundle_image() { "$command" bundle --as oci --module "$1" --output "$2"; }

# resources DIGEST SUM: packs envoy/ with the image, its digest and the SHA-256 of the module in place of the placeholders.
resources() {
  local placeholder="registry.example/tidegate:$version" pinned="$image:$version@$1" file
  cp -R envoy "$work/resources"
  grep -rlF "$placeholder" envoy >/dev/null || die "no file of envoy/ names $placeholder"
  while IFS= read -r file; do
    sed "s|$placeholder|$pinned|g; s|sha256: SHA256|sha256: $2|; s|dist/tidegate\.wasm|tidegate.wasm|g" "$file" >"$work/resources/${file#envoy/}"
  done < <(find envoy -type f)
  pack "$out/tidegate-$version-resources.tar.gz" "$work/resources"
}

# sbom PACKAGE TARGET FILE: lists what a package was built from. cargo-cyclonedx writes beside each Cargo.toml, so it gets a
# copy of the sources. With a fixed time it writes no serial number, so that the list depends on nothing but Cargo.lock.
sbom() {
  local sources=$work/sources
  if ! [ -d "$sources" ]; then
    mkdir "$sources"
    cp -R Cargo.toml Cargo.lock src crates "$sources"
  fi
  (cd "$sources" && SOURCE_DATE_EPOCH=0 "$cyclonedx" cyclonedx --quiet --format json --spec-version 1.5 --target "$2" \
    --override-filename "$3" >&2)
  sed "s|$sources|/tidegate|g" "$sources/$1/$3.json" >"$out/$3.json"
}

# changes: prints the section of CHANGELOG.md of this version, else that of what is unreleased.
changes() {
  local section
  for section in "$version" Unreleased; do
    grep -qF "## [$section]" CHANGELOG.md || continue
    [ "$section" = "$version" ] || say "CHANGELOG.md has no section for $version: the notes are those of Unreleased"
    awk -v head="## [$section]" 'index($0, "## [") == 1 { on = index($0, head) == 1; next } on' CHANGELOG.md |
      sed '/./,$!d'  # without the empty lines at the start
    return
  done
  die "CHANGELOG.md has no section for $version"
}

# links: makes links to files of this repository absolute, since notes are read elsewhere. Where no workflow says its
# address, only their texts are left.
links() {
  local address=${GITHUB_REPOSITORY:+${GITHUB_SERVER_URL:-https://github.com}/$GITHUB_REPOSITORY/blob/v$version/}
  case $address in
    '') sed -E 's,\[([^]]+)\]\([^):]+\),\1,g' ;;
    *) sed -E "s,\]\(([^):]+)\),]($address\\1),g" ;;
  esac
}

# compatibility SUM: prints a row for each Envoy that the tests are made for, and whether this module passed on it here.
compatibility() {
  local envoy result
  printf '| Envoy | end-to-end tests with this module |\n| --- | --- |\n'
  for envoy in $(awk '/^[0-9]/ { print $1 }' scripts/envoy-versions); do
    result="not run for this build (\`make matrix\`)"
    grep -qsxF "$1 $envoy" dist/matrix && result="passed"
    printf '| %s | %s |\n' "$envoy" "$result"
  done
}

notes() {
  local digest=$1 sum=$2 matrix changes
  # A failure in a here-document would be lost.
  matrix=$(compatibility "$sum")
  changes=$(changes | links)
  cat <<END
# Tidegate $version

\`\`\`
tidegate.wasm   sha256 $sum
image           $digest
\`\`\`

Put the image into a registry of yours, and name it with its digest:

\`\`\`sh
skopeo copy oci-archive:tidegate-$version.oci.tar docker://$image:$version
\`\`\`

\`$image:$version@$digest\`

## Compatibility

$matrix

Istio 1.25 or later, and Envoy Gateway: tests check the resources and pull the image by the rules of both agents. Neither has been
tried in a cluster.

## Changes

$changes
END
}

sums() {
  local file
  rm -f "$out/SHA256SUMS"
  for file in "$out"/*; do printf '%s  %s\n' "$(sha256 "$file")" "${file##*/}"; done >"$work/sums"
  mv "$work/sums" "$out/SHA256SUMS"
}

make_all() {
  local target digest module sum missing=
  rm -rf "$out"
  mkdir -p "$out"
  module=$(scripts/wasm.sh)
  cp "$module" "$out/tidegate.wasm"
  sum=$(sha256 "$out/tidegate.wasm")

  command=
  for target in $default_targets; do
    if need_target "$target"; then
      build_command "$target"
      [ "$target" != "$(target_of_host)" ] || command=$program
    else
      missing="$missing $target"
    fi
  done
  if [ -z "$command" ]; then
    cargo build --quiet --locked --release -p tidegate >&2
    command=$target_dir/release/tidegate
  fi

  digest=$(bundle_image "$out/tidegate.wasm" "$out/tidegate-$version.oci.tar")
  cp schema/*.json LICENSE "$out"
  resources "$digest" "$sum"
  cargo_tool cargo-cyclonedx "$cyclonedx_version"
  cyclonedx=$program
  sbom . wasm32-unknown-unknown tidegate.wasm.cdx
  sbom crates/cli "$(target_of_host)" tidegate.cdx
  notes "$digest" "$sum" >"$out/NOTES.md"
  sums

  say "the image is $image:$version@$digest"
  [ -z "$missing" ] || say "NOT made, since this Rust has no such target (rustup target add adds one): the command for$missing"
  say "made dist/release"
}

# What a user can compare: the module, and the digest of the image.
check() {
  local digest module recorded
  [ -f "$out/SHA256SUMS" ] || die "there is no dist/release; run: make release"
  recorded=$(sed -n 's/^image  *//p' "$out/NOTES.md")
  # From nothing: an own folder for what cargo builds.
  module=$(CARGO_TARGET_DIR=$work/target scripts/wasm.sh)
  cmp "$module" "$out/tidegate.wasm" || die "a second build made another module"
  cargo build --quiet --locked --release -p tidegate >&2
  command=$target_dir/release/tidegate
  digest=$(bundle_image "$module" "$work/again.oci.tar")
  [ "$digest" = "$recorded" ] || die "a second build made the image $digest, the first one $recorded"
  cmp "$work/again.oci.tar" "$out/tidegate-$version.oci.tar" || die "a second build made another archive of the image"
  say "a second build made the same module and the same image"
}

case ${1:-all} in
  all) make_all ;;
  command)
    mkdir -p "$out"
    need_target "${2:-$(target_of_host)}" || die "this Rust has no target ${2:-$(target_of_host)}"
    build_command "${2:-$(target_of_host)}"
    sums
    ;;
  check) check ;;
  *) die "found '$1'; allowed: nothing, command, check" ;;
esac
