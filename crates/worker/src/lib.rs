//! The loop: records come in from the queue, rows go out to the Central DB, one transaction per batch. It decides
//! nothing: the engine does. It knows neither HTTP nor connectors. Read `run.rs` first, then `apply.rs`.

mod ahead;
pub mod apply;
pub mod backfill;
mod committer;
pub mod companies;
pub mod frames;
pub mod gather;
mod hot;
mod meters;
pub mod notes;
mod persist;
mod pipeline;
pub mod rebuild;
pub mod refused;
mod remembered;
pub mod retention;
pub mod run;
pub mod sequences;
mod shares;
pub mod verify;
pub mod watch;

pub use frames::{Applied, ReadTag, ReceivedCheck, verify_received};
pub use persist::persist;
pub use run::{Positions, Worker, WorkerError, WorkerSettings};
pub use verify::{Difference, VerifyReport, verify};
