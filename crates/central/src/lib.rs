//! The Central DB: `Changes` come in and are written in one transaction with the queue position, rows go out through
//! snapshots. The room never decides anything: what is applied, removed or counted is the engine's word. Read `port.rs`
//! first, then `rows/` for what lies where.

mod blocks;
mod check;
pub mod embedded;
mod error;
mod key;
pub mod memory;
pub mod port;
pub mod postgres;
mod read;
mod row;
mod rows;
mod snapshot;
mod write;

pub use check::check_row;
pub use embedded::{Embedded, EmbeddedSettings};
// The rows that the port speaks of, for readers that have no other business with the engine.
pub use cebe_engine::{change, rows as engine_rows};
pub use error::{OpenError, StoreError};
pub use memory::{Memory, Saved};
pub use port::{Central, EventRows, FORMAT_VERSION, KeyRange, Order, StoreFacts, Table, View, Visit};
pub use rows::{Address, TimelineCursor, TimelineRow};
pub use snapshot::Snapshot;

/// What reads and commits answer.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;
