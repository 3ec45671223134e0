# The commands of this project. `make demo` shows it, `make test` proves it; nothing but Rust has to be there first.
.DEFAULT_GOAL := help
.PHONY: help demo test lint real-data count bench bench-micro sim needs needs-alerts needs-valgrind needs-postgres

help: ## Lists the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: needs ## Starts two made-up companies with live traffic and shows what can be asked
	@cargo run --release -p cebe -- demo

# Documentation examples go first, so that the runner's summary is the last thing printed.
test: needs needs-alerts ## Runs every test
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

count: needs needs-valgrind ## Counts the instructions of an event and holds them against the committed figures
	cargo run --quiet -p xtask -- count

# Every promised number with its bar, in medians of five runs; BENCH changes what is run (see `cebe bench --help`).
BENCH ?= --runs 5 --size-events 10000000
bench: needs needs-postgres ## Measures everything that is promised on this machine, beside PostgreSQL (about an hour)
	cargo build --release -p cebe -p cebe-bench-postgres
	target/release/cebe bench --rival target/release/cebe-bench-postgres $(BENCH)

bench-micro: needs ## Measures the stages of an event one by one
	cargo bench -p cebe-bench-path

sim: needs ## Lives through SEEDS seeds (300) with faults and checks the laws; SEED=n for one of them
	@cargo run --quiet --release -p cebe-sim

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

# Counting needs valgrind.
needs-valgrind:
	@command -v valgrind >/dev/null 2>&1 || { \
		install="apt-get install -y -q --no-install-recommends valgrind"; \
		if [ "$$(id -u)" = 0 ]; then apt-get update -q && $$install; \
		elif command -v sudo >/dev/null 2>&1; then sudo apt-get update -q && sudo $$install; \
		else echo "valgrind is missing, run: $$install"; exit 1; fi; }

# The rival is PostgreSQL; no server of the system's is used or left running.
needs-postgres:
	@ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || { \
		install="apt-get install -y -q --no-install-recommends postgresql"; \
		if [ "$$(id -u)" = 0 ]; then apt-get update -q && RUNLEVEL=1 $$install; \
		elif command -v sudo >/dev/null 2>&1; then sudo apt-get update -q && sudo RUNLEVEL=1 $$install; \
		else echo "PostgreSQL is missing, run: $$install"; exit 1; fi; }
