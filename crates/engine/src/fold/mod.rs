//! Folds: pure functions from the entries of one fact, in rank order, to its fields and marks. Everything that metrics
//! count comes from a mark. One file per fold; definitions name them.

use crate::entry::Entry;
use alloc::vec::Vec;
use cebe_catalog::{Micros, Node, Value, settings::CompanySettings, time::Zone};
use smol_str::SmolStr;

/// What a fold sees.
#[derive(Clone, Copy, Debug)]
pub struct FoldInput<'a> {
    /// Entries in rank order.
    pub entries: &'a [&'a Entry],
    /// The company's settings (windows, scales).
    pub settings: &'a CompanySettings,
    /// The company's zone.
    pub zone: &'a Zone,
    /// For window facts: entries before this instant are context only and give no marks.
    pub own_from: Option<Micros>,
}

/// What a fold gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Folded {
    /// Fields of the fact (latest or first by rank, as the fold decides), also used as dimensions.
    pub fields: Vec<(SmolStr, Value)>,
    /// What is counted.
    pub marks: Vec<Mark>,
    /// What a customer answer shows of this fact (`Null` when nothing).
    pub view: Value,
}

/// Something that is counted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mark {
    /// Its name; components pick by it.
    pub name: SmolStr,
    /// Where it is booked.
    pub at: Micros,
    /// For levels: where it ends.
    pub until: Option<Micros>,
    /// Millionths, milliseconds, or 0.
    pub sum: i128,
    /// Usually 1.
    pub count: i64,
    /// Dimensions of its own; they come before the fact's fields.
    pub fields: Vec<(SmolStr, SmolStr)>,
    /// Whose it is, for activity rows.
    pub anchor: Option<Node>,
}

/// A fold.
pub type Fold = fn(&FoldInput<'_>) -> Folded;
pub fn by_name(_n: &str) -> Option<Fold> {
    None
}
