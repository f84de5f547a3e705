#!/usr/bin/env bash
# Checks formatting, clippy, and licences and sources of the dependencies. `lint.sh fmt|clippy|deny` runs one check.
. "$(dirname "$0")/lib.sh"
need_cargo
cd "$root"

deny_version=0.20.2

lint_fmt() {
  need_component fmt rustfmt-web
  cargo fmt --all --check
}

lint_clippy() {
  need_component clippy rust-web-clippy
  cargo clippy --quiet --locked --workspace --exclude tidegate-filter --all-targets -- -D warnings
  scripts/wasm.sh clippy
}

# Uses the cargo-deny on PATH, else builds one once.
lint_deny() {
  local deny
  if ! deny=$(command -v cargo-deny); then
    deny=$cache/tools/cargo-deny-$deny_version/bin/cargo-deny
    if ! [ -x "$deny" ]; then
      say "building cargo-deny $deny_version, once (minutes)"
      CARGO_TARGET_DIR=$cache/tools/target cargo install --quiet --locked cargo-deny --version "$deny_version" \
        --root "$cache/tools/cargo-deny-$deny_version"
      rm -rf "$cache/tools/target"
    fi
  fi
  # The graph of the root package is the module, which may not contain two versions of a crate. Tools and tests may.
  "$deny" --log-level error --locked --exclude-dev check bans
  "$deny" --log-level error --locked --workspace check --allow duplicate licenses bans sources
}

for part in ${1:-fmt clippy deny}; do "lint_$part"; done
