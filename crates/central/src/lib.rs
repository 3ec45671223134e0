//! The Central DB: `Changes` come in and are written in one transaction with the queue position, rows go out through
//! snapshots. The room never decides anything: what is applied, removed or counted is the engine's word. Read `port.rs`
//! first, then `rows/` for what lies where.

mod blocks;
mod embedded;
mod error;
mod key;
pub mod memory;
pub mod port;
pub mod read;
mod row;
pub mod rows;
mod snapshot;
mod write;

pub use error::{OpenError, StoreError};
pub use memory::Memory;
pub use port::{Central, KeyRange, Order, StoreFacts, Table, View};
pub use rows::{Address, TimelineCursor, TimelineRow};
pub use snapshot::Snapshot;

/// What reads and commits answer.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;
