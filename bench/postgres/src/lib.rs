//! What the programs of this package share: a PostgreSQL server of one's own. `main.rs` is the rival of `cebe bench`,
//! `bin/cebe-bench-cluster` measures CEBE itself on NATS and PostgreSQL beside it.

pub mod cluster;
