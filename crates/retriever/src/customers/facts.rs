//! A customer's facts, folded by the engine: its own over all its nodes, each entry once, and the entity facts that
//! concern it (tickets, deals, orders).

use super::person::Person;
use crate::{
    company::Company,
    http::{Read, ReadError},
};
use cebe_catalog::{
    Micros,
    definition::{FactDefinition, Whose},
};
use cebe_engine::{
    customer::FoldedFact,
    entry::Entry,
    fold::{Folded, fold_entries},
    rows::{FactKey, Owner, Sum},
    step::{CompanyContext, project::period_key},
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
        let context = CompanyContext::new(company.row.settings.clone());
        let mut facts = Vec::with_capacity(entries.len());
        for (name, key) in entries.keys() {
            let Some(definition) = company.definitions.facts.get(name) else { continue };
            let folded = fold(&context, definition, key, &entries);
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

/// Entries of customer facts, united over the nodes; folding puts them in rank order, each event once.
fn own(read: &Read, company: &Company, person: &Person) -> Result<BTreeMap<FactName, Vec<Entry>>, ReadError> {
    let mut facts: BTreeMap<FactName, Vec<Entry>> = BTreeMap::new();
    for node in person.stored() {
        read.in_time()?;
        for (key, row) in read.snapshot.facts_of(&company.id, node)? {
            facts.entry((key.fact, key.key)).or_default().extend(row.entries);
        }
    }
    Ok(facts)
}

/// Entity facts that concern the customer, each once however many nodes it concerns.
fn held(read: &Read, company: &Company, person: &Person) -> Result<BTreeMap<FactName, Vec<Entry>>, ReadError> {
    let mut facts = BTreeMap::new();
    for node in person.stored() {
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
    for node in person.stored() {
        for (component, sum) in read.snapshot.tallies(&company.id, node)? {
            *sums.entry(component).or_default() += sum;
        }
    }
    Ok(sums.into_iter().collect())
}

/// Folds one fact as the engine's step does; a period of a window fact with the one before it as context.
fn fold(
    context: &CompanyContext,
    definition: &FactDefinition,
    key: &SmolStr,
    facts: &BTreeMap<FactName, Vec<Entry>>,
) -> Option<Folded> {
    let of = |key: &SmolStr| facts.get(&(definition.name.clone(), key.clone())).into_iter().flatten();
    if definition.whose != Whose::Window {
        return fold_entries(definition, context, key, of(key).collect(), None);
    }
    let window = context.window_micros(definition.window.as_deref());
    let begins = Micros(key.parse::<i64>().ok()?.checked_mul(window)?);
    let before = period_key(begins.plus(-window), window);
    fold_entries(definition, context, key, of(&before).chain(of(key)).collect(), Some(begins))
}
