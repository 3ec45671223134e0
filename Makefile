# The commands of this project. `make demo` shows it, `make test` proves it; nothing but Rust has to be there first.
.DEFAULT_GOAL := help
.PHONY: help demo test lint real-data count bench bench-cluster bench-micro sim \
	needs needs-alerts needs-api needs-nats needs-postgres needs-valgrind

help: ## Lists the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: needs ## Starts two made-up companies with live traffic and shows what can be asked
	@echo "Building CEBE first; from nothing that takes some minutes."
	@cargo run --release -p cebe -- demo

# Documentation examples go first, so that the runner's summary is the last thing printed.
test: needs needs-alerts needs-api needs-nats needs-postgres ## Runs every test
	@if command -v cargo-nextest >/dev/null 2>&1; then \
		cargo test --quiet --workspace --doc && cargo nextest run --workspace; \
	else \
		cargo test --workspace; \
	fi

lint: needs ## Checks form: rustfmt, clippy, the house rules
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo run --quiet -p xtask -- tidy

real-data: needs needs-nats needs-postgres ## Runs the whole matrix on the public data sets (CEBE_SHARED, else ../shared)
	CEBE_REAL_DATA=full cargo test --release -p cebe --test real_data -- --nocapture --test-threads=1
	CEBE_REAL_DATA=full cargo test --release -p cebe --test cluster -- --nocapture real_data

count: needs needs-valgrind ## Counts the instructions of an event and holds them against the committed figures
	cargo run --quiet -p xtask -- count

# Every promised number with its bar, in medians of five runs; BENCH changes what is run (see `cebe bench --help`).
BENCH ?= --runs 5 --events 1000000 --size-events 10000000
bench: needs needs-postgres ## Measures everything that is promised on this machine, beside PostgreSQL (about an hour)
	cargo build --release -p cebe -p cebe-bench-postgres
	target/release/cebe bench --rival target/release/cebe-bench-postgres $(BENCH)

# CEBE on NATS and PostgreSQL with 1, 2 and 4 workers, beside the rival; BENCH_CLUSTER changes what is run.
BENCH_CLUSTER ?= --workers 1,2,4 --events 200000 --companies 64
bench-cluster: needs needs-nats needs-postgres ## Measures CEBE on NATS and PostgreSQL, and says where the time goes
	cargo build --release -p cebe -p cebe-bench-postgres
	target/release/cebe-bench-cluster target/release/cebe --rival target/release/cebe-bench-postgres $(BENCH_CLUSTER)

bench-micro: needs ## Measures the stages of an event one by one
	cargo bench -p cebe-bench-path

sim: needs ## Lives through SEEDS seeds (300) with faults and checks the laws; SEED=n for one of them
	@cargo run --quiet --release -p cebe-sim

# What is missing is installed from Debian's packages, or the line that installs it is printed. No server is started or
# left running by it: tests and benchmarks start their own.
define install
	{ install="apt-get install -y -q --no-install-recommends $(1)"; \
		if [ "$$(id -u)" = 0 ]; then apt-get update -q && RUNLEVEL=1 $$install; \
		elif command -v sudo >/dev/null 2>&1; then sudo apt-get update -q && sudo RUNLEVEL=1 $$install; \
		else echo "missing here; run: $$install"; exit 1; fi; }
endef

# A linker is all that a fresh Debian machine with Rust may lack.
needs:
	@command -v cargo >/dev/null 2>&1 || { echo "Rust is missing: see https://rustup.rs"; exit 1; }
	@command -v cc >/dev/null 2>&1 || $(call install,gcc libc6-dev)

# The rules for Prometheus and the routes for Alertmanager are proved with their own tools.
needs-alerts:
	@command -v promtool >/dev/null 2>&1 && command -v amtool >/dev/null 2>&1 || \
		$(call install,prometheus prometheus-alertmanager)

# The API is tried from outside by schemathesis, in an environment of its own below target/.
SCHEMATHESIS := schemathesis==4.32.5
needs-api:
	@grep -qs '^$(SCHEMATHESIS)$$' target/schemathesis/holds || { \
		python3 -c 'import ensurepip' >/dev/null 2>&1 || $(call install,python3 python3-venv); \
		rm -rf target/schemathesis && python3 -m venv target/schemathesis && \
		target/schemathesis/bin/pip install --quiet --disable-pip-version-check '$(SCHEMATHESIS)' && \
		echo '$(SCHEMATHESIS)' > target/schemathesis/holds; }

# A queue for several machines.
needs-nats:
	@PATH="$$PATH:/usr/sbin" command -v nats-server >/dev/null 2>&1 || $(call install,nats-server)

# A Central DB for several machines, and the rival of the benchmark.
needs-postgres:
	@ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || $(call install,postgresql)

# Counting needs valgrind.
needs-valgrind:
	@command -v valgrind >/dev/null 2>&1 || $(call install,valgrind)
