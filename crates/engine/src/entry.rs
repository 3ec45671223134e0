//! Entries: the few fields of an event that a fact needs, and the rank that orders them.

use alloc::vec::Vec;
use cebe_catalog::{EventId, Micros, Node, Value, value};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Order of events: domain time, then the definition's order, then version, then event id. "First", "latest" and
/// "before" always mean by rank.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rank {
    /// Domain time, else event time.
    pub at: Micros,
    /// 0 opens, 1 changes, 2 answers, 3 closes.
    pub order: u8,
    /// Time of the version attribute, else of a UUIDv7 id, else 0.
    pub version: i64,
    /// The event's id.
    #[serde(with = "crate::packed::event_id")]
    pub id: EventId,
}

/// One event's part in a fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Its rank; the event id in it is the entry's identity together with `event` and `item`.
    pub rank: Rank,
    /// The event's name.
    #[serde(with = "crate::packed::word_text")]
    pub event: SmolStr,
    /// Its role in the fold.
    #[serde(with = "crate::packed::word_text")]
    pub step: SmolStr,
    /// The event's own anchor.
    pub anchor: Option<Node>,
    /// Customers that the event refers to (associations).
    pub customers: Vec<Node>,
    /// What the fold needs.
    #[serde(with = "crate::packed::fields")]
    pub fields: Vec<(SmolStr, Value)>,
}

impl Entry {
    /// A field, unless it is absent or null.
    pub fn field(&self, name: &str) -> Option<&Value> {
        value::field(&self.fields, name)
    }

    /// A field's text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.field(name).and_then(Value::as_text)
    }

    /// When it happened, by domain time.
    pub fn at(&self) -> Micros {
        self.rank.at
    }

    /// What a sorted set of entries is ordered by: rank, then the event's name.
    pub fn order(&self) -> (&Rank, &SmolStr) {
        (&self.rank, &self.event)
    }
}
