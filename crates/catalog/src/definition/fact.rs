//! What a fact is: whose it is, which events enter it under which key, how it is folded, and which of the marks that the
//! fold gives are counted as components.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// Whose a fact is, which decides how it is keyed and over what it is folded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// Keyed by a business id (ticket, deal, order); its customers are those its newest association names.
    Entity,
    /// Keyed by anchor and business key (send, consent); folded over the union of a person's anchors.
    Customer,
    /// As `Customer`, cut into periods as long as the look-back window: folded with the period before it. For facts that
    /// look back (attribution) and may grow without end.
    Window,
    /// Is its own event and stores nothing (an impression, a cart addition).
    Occurrence,
}

/// A kind of fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactDefinition {
    /// Its name, part of stored keys.
    pub name: SmolStr,
    /// Module whose file defines it; filled in. Decides which teams may see it.
    #[serde(default)]
    pub module: SmolStr,
    /// Whose it is.
    pub whose: Whose,
    /// The fold that turns its entries into fields and marks (see the engine's `fold` folder; `steps` is the general one).
    pub fold: SmolStr,
    /// For `window`: the company setting that gives the window in hours, such as `attribution_touch_hours`.
    #[serde(default)]
    pub window: Option<SmolStr>,
    /// A name under which customer answers list it (profile parts), such as `tickets`.
    #[serde(default)]
    pub listed_as: Option<SmolStr>,
    /// Which events enter it.
    #[serde(default, rename = "entry")]
    pub entries: Vec<Projection>,
    /// What it is.
    #[serde(default)]
    pub about: String,
}

/// How one event enters a fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Projection {
    /// The event's name.
    pub event: SmolStr,
    /// The role the entry plays in the fold (`opened`, `resolved`).
    pub step: SmolStr,
    /// Alternatives for the business key, tried in order; each is a list of attributes that must all be there. The special
    /// names are `@event` (the event's own name and id) and `@months` (one entry for each calendar month that the attribute
    /// `period` touches, always last). No alternative complete: the event does not enter. Empty: one per person.
    #[serde(default)]
    pub key: Vec<Vec<SmolStr>>,
    /// Attributes that are kept in the entry.
    #[serde(default)]
    pub fields: Vec<SmolStr>,
    /// Renamed attributes: name in the entry to attribute. `@trigger_from` and `@module` are the envelope's.
    #[serde(default)]
    pub renamed: BTreeMap<SmolStr, SmolStr>,
    /// The entry is also put under every customer that the event refers to (customer facts only).
    #[serde(default)]
    pub for_references: bool,
    /// One entry per item of this list attribute (profile fields), keyed by the item's `name`; `fields` are then the
    /// item's own. An object counts as a list of {name, value}. An item whose value is null enters too: it clears.
    #[serde(default)]
    pub each: Option<SmolStr>,
}

/// A number that can be added: the marks of one kind that a fold gives, with the dimensions it is cut by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComponentDefinition {
    /// Its name, part of stored keys.
    pub name: SmolStr,
    /// The fact it reads.
    pub fact: SmolStr,
    /// The mark it counts.
    pub mark: SmolStr,
    /// Marks must have these field values to count.
    #[serde(default)]
    pub only: BTreeMap<SmolStr, SmolStr>,
    /// Dimensions it is cut by, in stored order: names of mark fields, else of the fact's fields. Low-cardinality ids only.
    #[serde(default)]
    pub dimensions: Vec<SmolStr>,
    /// A level: +1 where the mark begins and −1 where it ends; its value is the running sum.
    #[serde(default)]
    pub level: bool,
    /// Activity rows (company, component, local day, anchor) are kept, so that distinct people can be counted.
    #[serde(default)]
    pub activity: bool,
    /// What it is.
    #[serde(default)]
    pub about: String,
}
