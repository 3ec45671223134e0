//! One file per kind of row: the shape of its key and value, and how they become bytes. Every key begins with its
//! company (but control's and the store's own), so that tenants lie apart.

mod activity;
mod arrival;
mod body;
mod conflict;
mod control;
mod fact;
mod held;
mod last_seen;
mod latency;
mod meta;
mod node;
mod outcome;
mod point;
mod quarantine;
mod seen;
mod strand;
mod tally;
#[cfg(test)]
mod tests;
mod vault;

pub use body::Address;
pub(crate) use body::{BodyKey, Spot, month_of};
pub(crate) use conflict::ConflictKey;
pub(crate) use control::ControlKey;
pub(crate) use fact::owner_prefix;
pub(crate) use latency::LatencyKey;
pub(crate) use meta::MetaKey;
pub(crate) use node::{CountsKey, without_counts};
pub(crate) use quarantine::QuarantineKey;
pub(crate) use seen::{SeenRow, time_ordered, time_ordered_in};
pub(crate) use strand::StrandKey;
pub use strand::{TimelineCursor, TimelineRow};
pub(crate) use vault::VaultKey;
