//! How fresh an answer is: law 7 says that every answer tells it.

use cebe_catalog::Micros;
use serde_json::{Value as Json, json};

/// How far the store is behind what was received.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Freshness {
    /// Everything received up to here is in the answer.
    pub as_of: Micros,
    /// How far the store is behind the queue; 0 when the queue is drained.
    pub lag_ms: i64,
    /// The lag is beyond the promise, a rebuild is under way, or an older answer is shown.
    pub stale: bool,
}

impl Freshness {
    /// As it stands in answers.
    pub(crate) fn to_json(self) -> Json {
        json!({ "as_of": self.as_of.to_rfc3339(), "lag_ms": self.lag_ms, "stale": self.stale })
    }
}
