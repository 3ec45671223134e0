# The commands of this project. `make demo` shows it, `make test` proves it; nothing but Rust has to be there first.
.DEFAULT_GOAL := help
.PHONY: help demo test lint real-data bench needs needs-alerts needs-nats needs-postgres

help: ## Lists the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: needs ## Starts two made-up companies with live traffic and shows what can be asked
	@cargo run --release -p cebe -- demo

# Documentation examples go first, so that the runner's summary is the last thing printed.
test: needs needs-alerts needs-nats needs-postgres ## Runs every test
	@if command -v cargo-nextest >/dev/null 2>&1; then \
		cargo test --quiet --workspace --doc && cargo nextest run --workspace; \
	else \
		cargo test --workspace; \
	fi

lint: needs ## Checks form: rustfmt, clippy, the house rules
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo run --quiet -p xtask -- tidy

real-data: needs ## Runs the whole matrix on the public data sets (CEBE_SHARED, else ../shared)
	CEBE_REAL_DATA=full cargo test --release -p cebe --test real_data -- --nocapture --test-threads=1

bench: needs ## Measures ingest, propagation, reads and size on this machine
	cargo run --release -p cebe -- bench

# A linker is all that a fresh Debian machine with Rust may lack.
needs:
	@command -v cargo >/dev/null 2>&1 || { echo "Rust is missing: see https://rustup.rs"; exit 1; }
	@command -v cc >/dev/null 2>&1 || { \
		packages="gcc libc6-dev"; \
		if [ "$$(id -u)" = 0 ]; then apt-get update -q && apt-get install -y -q $$packages; \
		elif command -v sudo >/dev/null 2>&1; then sudo apt-get update -q && sudo apt-get install -y -q $$packages; \
		else echo "a C compiler is missing, run: apt-get install -y $$packages"; exit 1; fi; }

# The rules for Prometheus and the routes for Alertmanager are proved with their own tools; nothing is started.
needs-alerts:
	@command -v promtool >/dev/null 2>&1 && command -v amtool >/dev/null 2>&1 || { \
		packages="prometheus prometheus-alertmanager"; \
		install="apt-get install -y -q --no-install-recommends $$packages"; \
		if [ "$$(id -u)" = 0 ]; then apt-get update -q && RUNLEVEL=1 $$install; \
		elif command -v sudo >/dev/null 2>&1; then sudo apt-get update -q && sudo RUNLEVEL=1 $$install; \
		else echo "promtool and amtool are missing, run: $$install"; exit 1; fi; }

# The queue of a cluster is tested on real servers; tests start their own, so the one that Debian would start stays off.
needs-nats:
	@PATH="$$PATH:/usr/sbin" command -v nats-server >/dev/null 2>&1 || { \
		install="apt-get install -y -q --no-install-recommends nats-server"; \
		if [ "$$(id -u)" = 0 ]; then apt-get update -q && RUNLEVEL=1 $$install; \
		elif command -v sudo >/dev/null 2>&1; then sudo apt-get update -q && sudo RUNLEVEL=1 $$install; \
		else echo "nats-server is missing, run: $$install"; exit 1; fi; }

# Tests start their own PostgreSQL and stop it; the one that Debian would start is not wanted.
needs-postgres:
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { \
		install="apt-get install -y -q --no-install-recommends postgresql"; \
		if [ "$$(id -u)" = 0 ]; then apt-get update -q && RUNLEVEL=1 $$install; \
		elif command -v sudo >/dev/null 2>&1; then sudo apt-get update -q && sudo RUNLEVEL=1 $$install; \
		else echo "PostgreSQL is missing, run: $$install"; exit 1; fi; }
