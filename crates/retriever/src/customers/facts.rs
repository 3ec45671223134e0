//! A customer's own facts: those of all its nodes, entries of one fact united in rank order, each event once.

use super::person::Person;
use crate::{
    company::Company,
    http::{Read, ReadError},
};
use cebe_engine::entry::Entry;
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// Kind of fact and business key.
pub(super) type FactName = (SmolStr, SmolStr);

/// The entries of every customer fact of a person.
pub(super) fn united(
    read: &Read,
    company: &Company,
    person: &Person,
) -> Result<BTreeMap<FactName, Vec<Entry>>, ReadError> {
    let mut facts: BTreeMap<FactName, Vec<Entry>> = BTreeMap::new();
    for (node, _) in &person.nodes {
        read.in_time()?;
        for (key, row) in read.snapshot.facts_of(&company.id, node)? {
            facts.entry((key.fact, key.key)).or_default().extend(row.entries);
        }
    }
    for entries in facts.values_mut() {
        entries.sort_by(|a, b| a.order().cmp(&b.order()));
        entries.dedup_by(|a, b| a.order() == b.order() && a.step == b.step);
    }
    Ok(facts)
}
