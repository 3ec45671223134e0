//! The contract of the Central DB, run against every implementation, and what only the embedded one promises.

#![allow(clippy::unwrap_used, reason = "the whole crate is tests")]

mod embedded;
mod fixtures;
mod log;
mod noted;
#[path = "../support/postgres.rs"]
mod pg_server;
mod postgres;
mod random;
mod refused;
mod rows;

use cebe_central::{
    Central, Embedded, EmbeddedSettings, Memory,
    postgres::{Database, PgSettings},
};

/// Settings small enough for tests.
fn settings() -> EmbeddedSettings {
    let defaults = EmbeddedSettings::default();
    EmbeddedSettings { cache_bytes: 1 << 20, points_cached: 4, blocks_cached: 2, worker_threads: 1, ..defaults }
}

/// Runs a check of the contract against every implementation.
fn everywhere(check: impl Fn(&dyn Central)) {
    check(&Memory::new());
    let dir = tempfile::tempdir().unwrap();
    check(&Embedded::open(dir.path(), settings()).unwrap());
    let database = Database::connect(&pg_server::shared().database(), pg_settings()).unwrap();
    check(&*database.central().unwrap());
}

fn pg_settings() -> PgSettings {
    PgSettings { points_cached: 4, connections_max: 8, ..PgSettings::default() }
}
