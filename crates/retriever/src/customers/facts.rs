//! A customer's facts, folded by the engine: its own over all its nodes, each entry once, and the entity facts that
//! concern it (tickets, deals, orders).

use super::person::Person;
use crate::{
    company::Company,
    http::{Read, ReadError},
};
use cebe_catalog::{
    CompanySettings, Micros,
    definition::{FactDefinition, Whose},
    time::HOUR,
};
use cebe_engine::{
    customer::FoldedFact,
    entry::Entry,
    fold::{self, FoldInput, Folded},
    rows::{FactKey, Owner, Sum},
};
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// Kind of fact and business key.
type FactName = (SmolStr, SmolStr);

/// The facts and tallies of one customer.
pub(super) struct CustomerFacts<'a> {
    facts: Vec<(&'a FactDefinition, SmolStr, Folded)>,
    /// What occurrences add up to over all nodes.
    pub(super) tallies: Vec<(SmolStr, Sum)>,
}

impl<'a> CustomerFacts<'a> {
    /// Reads and folds them.
    pub(super) fn read(read: &Read, company: &'a Company, person: &Person) -> Result<Self, ReadError> {
        let mut entries = own(read, company, person)?;
        entries.extend(held(read, company, person)?);
        let mut facts = Vec::with_capacity(entries.len());
        for ((name, key), own) in &entries {
            let Some(definition) = company.definitions.facts.get(name) else { continue };
            let folded = match definition.whose {
                Whose::Window => window_fact(company, definition, key, &entries),
                _ => folded(company, definition, key, &own.iter().collect::<Vec<_>>(), None),
            };
            facts.extend(folded.map(|folded| (definition, key.clone(), folded)));
        }
        Ok(Self { facts, tallies: tallies(read, company, person)? })
    }

    /// As the engine wants them.
    pub(super) fn folded(&self) -> Vec<FoldedFact<'_>> {
        self.facts
            .iter()
            .map(|(definition, key, folded)| FoldedFact { definition, key: key.as_str(), folded })
            .collect()
    }
}

/// Customer facts, united over the nodes in rank order, each event once.
fn own(read: &Read, company: &Company, person: &Person) -> Result<BTreeMap<FactName, Vec<Entry>>, ReadError> {
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

/// Entity facts that concern the customer, each once however many nodes it concerns.
fn held(read: &Read, company: &Company, person: &Person) -> Result<BTreeMap<FactName, Vec<Entry>>, ReadError> {
    let mut facts = BTreeMap::new();
    for (node, _) in &person.nodes {
        for held in read.snapshot.held(&company.id, node)? {
            read.in_time()?;
            let name = (held.fact.clone(), held.key.clone());
            if facts.contains_key(&name) {
                continue;
            }
            let key = FactKey { company: held.company, owner: Owner::Entity, fact: held.fact, key: held.key };
            if let Some(row) = read.snapshot.fact(&key)? {
                facts.insert(name, row.entries);
            }
        }
    }
    Ok(facts)
}

fn tallies(read: &Read, company: &Company, person: &Person) -> Result<Vec<(SmolStr, Sum)>, ReadError> {
    let mut sums: BTreeMap<SmolStr, Sum> = BTreeMap::new();
    for (node, _) in &person.nodes {
        for (component, sum) in read.snapshot.tallies(&company.id, node)? {
            *sums.entry(component).or_default() += sum;
        }
    }
    Ok(sums.into_iter().collect())
}

/// A period of a window fact is folded with the one before it as context.
fn window_fact(
    company: &Company,
    definition: &FactDefinition,
    key: &str,
    facts: &BTreeMap<FactName, Vec<Entry>>,
) -> Option<Folded> {
    let number: i64 = key.parse().ok()?;
    let before = (definition.name.clone(), SmolStr::new(format!("{:010}", number - 1)));
    let own = (definition.name.clone(), SmolStr::new(key));
    let entries: Vec<&Entry> = [&before, &own].into_iter().filter_map(|name| facts.get(name)).flatten().collect();
    let begins = number.checked_mul(window_micros(&company.row.settings, definition)?)?;
    folded(company, definition, key, &entries, Some(Micros(begins)))
}

/// The length of a window fact's periods: a company setting in hours.
fn window_micros(settings: &CompanySettings, definition: &FactDefinition) -> Option<i64> {
    let settings = serde_json::to_value(settings).ok()?;
    settings.get(definition.window.as_ref()?.as_str())?.as_i64()?.max(1).checked_mul(HOUR)
}

fn folded(
    company: &Company,
    definition: &FactDefinition,
    key: &str,
    entries: &[&Entry],
    own_from: Option<Micros>,
) -> Option<Folded> {
    let fold = fold::by_name(&definition.fold)?;
    Some(fold(&FoldInput { key, entries, settings: &company.row.settings, zone: &company.zone, own_from }))
}
