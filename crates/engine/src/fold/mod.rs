//! Folds: pure functions from the entries of one fact, in rank order, to its fields and marks. Everything that metrics
//! count comes from a mark. One file per fold; definitions name them. `steps` is the general one; `period` and `stages`
//! are shared by several.

mod acquisition;
mod ad_conversion;
mod ad_spend;
mod ad_touch;
mod answer;
mod booking;
mod call;
mod consent;
mod conversation;
mod deal;
mod delivery;
mod field;
mod member_person;
mod membership;
mod order;
mod payment;
pub mod period;
mod reading;
mod registry;
mod repeat_issue;
mod revenue;
mod segment;
mod stages;
mod steps;
mod survey;
mod ticket;
mod whole;

pub use reading::{customers, dimension_text, fields_of};
pub use registry::{NAMES, by_name, marks_of};
pub use whole::fold_entries;

use crate::entry::Entry;
use alloc::vec::Vec;
use cebe_catalog::{Micros, Node, Value, settings::CompanySettings, time::Zone, value};
use smol_str::SmolStr;

/// What a fold sees.
#[derive(Clone, Copy, Debug)]
pub struct FoldInput<'a> {
    /// The fact's business key.
    pub key: &'a str,
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

impl<'a> FoldInput<'a> {
    /// The entries of one step, in rank order.
    pub fn step(&self, step: &'static str) -> impl DoubleEndedIterator<Item = &'a Entry> + use<'a> {
        self.entries.iter().copied().filter(move |entry| entry.step == step)
    }

    /// The newest value of a field over all entries.
    pub fn latest(&self, name: &str) -> Option<&'a Value> {
        self.entries.iter().rev().find_map(|entry| entry.field(name))
    }

    /// The oldest value of a field over all entries.
    pub fn first(&self, name: &str) -> Option<&'a Value> {
        self.entries.iter().find_map(|entry| entry.field(name))
    }

    /// The currency of an entry's amount; the company's when it names none.
    pub fn currency(&self, entry: &Entry) -> SmolStr {
        entry.text("currency").map_or_else(|| self.settings.currency.clone(), SmolStr::new)
    }

    /// The first anchor among the entries: whose activity it is.
    pub fn anchor(&self) -> Option<Node> {
        self.entries.iter().find_map(|entry| entry.anchor.clone())
    }
}

impl Folded {
    /// A field, unless it is absent or null.
    pub fn field(&self, name: &str) -> Option<&Value> {
        value::field(&self.fields, name)
    }

    /// Sets a field when there is a value for it.
    pub(crate) fn set(&mut self, name: &'static str, value: Option<&Value>) {
        if let Some(value) = value {
            self.fields.push((SmolStr::new_static(name), value.clone()));
        }
    }

    /// The marks of one name.
    pub fn marks<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Mark> {
        self.marks.iter().filter(move |mark| mark.name == name)
    }
}

impl Mark {
    /// One thing counted at an instant.
    pub fn new(name: &'static str, at: Micros) -> Self {
        Self { name: SmolStr::new_static(name), at, count: 1, ..Self::default() }
    }

    /// With a sum.
    pub fn sum(mut self, sum: impl Into<i128>) -> Self {
        self.sum = sum.into();
        self
    }

    /// Ending.
    pub fn until(mut self, until: Option<Micros>) -> Self {
        self.until = until;
        self
    }

    /// With a dimension of its own.
    pub fn with(mut self, name: &'static str, value: impl Into<SmolStr>) -> Self {
        self.fields.push((SmolStr::new_static(name), value.into()));
        self
    }

    /// With dimensions read from an entry, absent ones left out.
    pub fn from_entry(mut self, entry: &Entry, names: &[&'static str]) -> Self {
        for name in names {
            if let Some(value) = entry.field(name) {
                self.fields.push((SmolStr::new_static(name), dimension_text(value)));
            }
        }
        self
    }

    /// Somebody's.
    pub fn of(mut self, anchor: Option<Node>) -> Self {
        self.anchor = anchor;
        self
    }

    /// A dimension of its own.
    pub fn dimension(&self, name: &str) -> Option<&SmolStr> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

/// A fold.
pub type Fold = fn(&FoldInput<'_>) -> Folded;
