//! The durable ordered log between adapter and Central DB: opaque records go in at the adapter's end, in the order of
//! their acknowledgement they come out at the worker's. It never knows what a record means, never drops one that was
//! acknowledged and never acknowledges one that is not durable. Read `port` first: its doc comments are the contract.

mod embedded;
mod ends;
mod error;
mod facts;
mod jetstream;
mod limits;
mod memory;
mod port;

pub mod disk;

pub use embedded::{ByHand, Embedded, Hold, OnFatal, Parts, QueueFile, Settings};
pub use error::{AppendError, FatalError, OpenError, ReadError, TrimError};
pub use facts::{LaneFacts, QueueFacts, StoreId, TornTail};
pub use jetstream::{JetStream, JetStreamError, JetStreamSettings, JetStreamShard};
pub use memory::{Memory, MemorySettings};
pub use port::{
    APPEND_RECORDS_MAX, Appended, BoxFuture, Clock, Frame, Lane, PerLane, Position, Queue, ReadLimit, TAG_BYTES_MAX,
    system_clock,
};
