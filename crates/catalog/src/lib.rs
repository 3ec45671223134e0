//! The vocabulary of CEBE: the envelope, ids, times and amounts, what an event, a fact, a metric and a PII class is, and
//! every limit. Definition files (`definitions/`) come in, checked definitions go out; the room does no IO, knows no
//! clock and no runtime. Read `record.rs` for what travels through the queue, then `definition/`.

pub mod amount;
pub mod backfill;
pub mod bytes;
pub mod code;
pub mod control;
pub mod definition;
pub mod envelope;
pub mod ids;
pub mod lane;
pub mod limits;
pub mod node;
pub mod pii;
pub mod reconciliation;
pub mod record;
pub mod sequence;
pub mod settings;
pub mod shard;
pub mod time;
pub mod value;

pub use amount::Amount;
pub use code::QuarantineCode;
pub use definition::Definitions;
pub use ids::{CompanyId, EventId, EventName, SourceModule, Token};
pub use lane::Lane;
pub use node::{IdentifierKind, Node};
pub use pii::PiiClass;
pub use record::{EventRecord, Record};
pub use settings::CompanySettings;
pub use shard::Shard;
pub use time::Micros;
pub use value::Value;
