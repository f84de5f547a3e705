# One entry point. Each target is one script or one cargo command; `make help` lists them.
# CI calls `make test` (.ci/run) and nothing else.

.DEFAULT_GOAL := help
.PHONY: help demo test wasm image release bench lint fmt matrix docs site clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

demo: ## a small site behind Envoy and the filter; prints what to open and try (Ctrl-C ends it)
	@scripts/demo.sh

test: ## every check: lints, tests of all crates, the module on a real Envoy, drift of the docs
	@scripts/test.sh

wasm: ## the optimised module: dist/tidegate.wasm
	@scripts/wasm.sh

image: ## an OCI image of the module: dist/tidegate-VERSION.oci.tar; prints its digest
	@scripts/image.sh

release: ## everything of a release, into dist/release
	@scripts/release.sh

bench: ## what a request costs with this and with other filters, on a real Envoy
	@scripts/bench.sh

lint: ## formatting, clippy, licences and sources of the dependencies, workflows
	@scripts/lint.sh

fmt: ## formats the sources
	@cargo fmt --all

matrix: ## the end-to-end tests on each Envoy of scripts/envoy-versions
	@scripts/matrix.sh

docs: ## regenerates schema/, docs/configuration.md, docs/command.md and docs/runbooks.md, and builds the site
	@scripts/docs.sh
	@scripts/site.sh

site: ## the documentation as a site with a search: dist/site; checks its links
	@scripts/site.sh

clean: ## removes what was built and installed here (target, dist, .cache)
	@scripts/clean.sh
