//! What a queue knows about itself: identity, extents, counters, and what it had to cut at its start.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::port::{Lane, PerLane, Position};

/// Names one store for ever: random, made at its first start. Queue and Central DB compare it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StoreId(pub [u8; 16]);

impl StoreId {
    /// Draws a new one.
    pub fn random() -> Result<StoreId, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(StoreId(bytes))
    }
}

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl FromStr for StoreId {
    type Err = String;

    fn from_str(text: &str) -> Result<StoreId, String> {
        let hex_only = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let value = hex_only.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        value.map(|v| StoreId(v.to_be_bytes())).ok_or_else(|| "a store id is 32 hexadecimal digits".to_owned())
    }
}

impl TryFrom<String> for StoreId {
    type Error = String;

    fn try_from(text: String) -> Result<StoreId, String> {
        text.parse()
    }
}

impl From<StoreId> for String {
    fn from(id: StoreId) -> String {
        id.to_string()
    }
}

/// The facts of one lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LaneFacts {
    /// The first position that is still there.
    pub first: Position,
    /// The durable end.
    pub end: Position,
    /// Bytes stored.
    pub bytes: u64,
    /// Segments stored; 0 where there are none.
    pub segments: u64,
    /// Appends acknowledged since the start.
    pub appends: u64,
    /// Flushes since the start; 0 where there is nothing to flush.
    pub syncs: u64,
    /// Appends that wait to become durable.
    pub waiting_appends: u64,
    /// Bytes that wait to become durable.
    pub waiting_bytes: u64,
}

/// A torn end that was cut when the store was opened: written, never acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TornTail {
    /// The lane.
    pub lane: Lane,
    /// Where the lane ends after the cut.
    pub end: Position,
    /// How many bytes were cut.
    pub bytes: u64,
}

/// The facts of a queue.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QueueFacts {
    /// Which store this is.
    pub store: StoreId,
    /// Lane by lane.
    pub lanes: PerLane<LaneFacts>,
    /// Used share of the storage, 0 to 1, as last looked at.
    pub used_share: f64,
    /// What was cut at the start.
    pub torn: Vec<TornTail>,
    /// Whether writing has ended for good.
    pub stopped: bool,
}
