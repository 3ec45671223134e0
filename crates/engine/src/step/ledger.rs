//! Facts of a step: entries go in and out, and what the touched facts added before is compared with what they add now.
//! A fact's contribution is counted once per step, so a batch costs as much as the facts it touches.

use super::{
    context::{CompanyContext, Context},
    delta::{Delta, Sealing},
    people::People,
    project::{self, Placed},
    unit::{Unit, around, following},
};
use crate::{
    change::Changes,
    entry::Entry,
    rows::{FactKey, FactRow, HeldKey, NodeKey, Owner},
    want::Wants,
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use cebe_catalog::{CompanyId, EventRecord, Node, definition::Whose, limits};

/// The facts a step touches, before and after.
#[derive(Debug, Default)]
pub struct Ledger<'a> {
    placed: Vec<(Placed<'a>, bool)>,
    asked: Vec<FactKey>,
    asked_persons: Vec<NodeKey>,
    before: BTreeMap<FactKey, FactRow>,
    after: BTreeMap<FactKey, FactRow>,
    moved: BTreeSet<(CompanyId, Node)>,
}

impl<'a> Ledger<'a> {
    /// Enters an event's entries, or takes them out.
    pub fn enter(&mut self, context: Context<'a>, people: &People, event: &EventRecord, add: bool) {
        let Some(company) = context.companies.get(event.company()) else { return };
        for placed in project::project(context.definitions, company, event) {
            self.asked.extend(self.reads(company, people, &placed));
            self.placed.push((placed, add));
        }
    }

    /// The facts that have to be there before an entry can go in: every part of the customer's fact.
    fn reads(&self, company: &CompanyContext, people: &People, placed: &Placed<'_>) -> Vec<FactKey> {
        let key = &placed.key;
        let Owner::Anchor(anchor) = &key.owner else {
            return if placed.fact.whose == Whose::Occurrence { Vec::new() } else { [key.clone()].into() };
        };
        let mut nodes: BTreeSet<Node> = people.before(&key.company, anchor).into_iter().collect();
        nodes.extend(people.after(&key.company, anchor));
        let keys = around(placed.fact, company, &key.key);
        let stored = nodes.into_iter().filter(|node| !people.is_fresh(&key.company, node));
        stored
            .flat_map(|node| keys.iter().map(move |key| (Owner::Anchor(node.clone()), key.clone())))
            .map(|(owner, name)| FactKey { owner, key: name, ..key.clone() })
            .collect()
    }

    /// Customers that changed: all they own is folded anew.
    pub fn moved(&mut self, people: &People) {
        self.moved = people.moved().map(|(company, node)| (company.clone(), node.clone())).collect();
        let stored = self.moved.iter().filter(|(company, node)| !people.is_fresh(company, node));
        self.asked_persons =
            stored.map(|(company, node)| NodeKey { company: company.clone(), node: node.clone() }).collect();
    }

    /// Facts to load.
    pub fn wants(&mut self) -> Wants {
        let moved = &self.moved;
        self.asked.retain(|key| match &key.owner {
            Owner::Anchor(anchor) => !moved.contains(&(key.company.clone(), anchor.clone())),
            Owner::Entity => true,
        });
        self.asked.sort();
        self.asked.dedup();
        Wants { facts: self.asked.clone(), persons: self.asked_persons.clone(), ..Wants::default() }
    }

    /// Answers [`Ledger::wants`].
    pub fn supply(&mut self, facts: Vec<Option<FactRow>>, persons: Vec<Vec<(FactKey, FactRow)>>) {
        let asked = core::mem::take(&mut self.asked);
        self.before = asked.into_iter().zip(facts).filter_map(|(key, row)| Some((key, row?))).collect();
        self.before.extend(persons.into_iter().flatten());
        self.after = self.before.clone();
    }

    /// Applies the entries and hands over rows and differences.
    pub fn finish(mut self, context: Context<'_>, people: &People, sealing: Sealing, changes: &mut Changes) {
        let mut delta = Delta::default();
        let (mut touched, mut held) = (BTreeSet::new(), BTreeSet::new());
        for (placed, add) in core::mem::take(&mut self.placed) {
            if placed.fact.whose == Whose::Occurrence {
                delta.occurrence(context, &placed, add);
                continue;
            }
            held.extend(held_keys(&placed));
            change_row(self.after.entry(placed.key.clone()).or_default(), placed.entry, add);
            touched.insert(placed.key);
        }
        self.hold(held, changes);
        let (before, after) = self.units(context, people, &touched);
        delta.fold_all(context, &self.before, &before, -1);
        delta.fold_all(context, &self.after, &after, 1);
        delta.finish(sealing, changes);
        let truncated = self.truncate(context, &after, &touched);
        truncated.finish(Sealing::Expiry, changes);
        self.rows(changes);
    }

    /// Index rows, by which a customer's tickets and orders are found: there while an entry names the anchor.
    fn hold(&self, held: BTreeSet<HeldKey>, changes: &mut Changes) {
        for key in held {
            let fact = FactKey {
                company: key.company.clone(),
                owner: Owner::Entity,
                fact: key.fact.clone(),
                key: key.key.clone(),
            };
            let named = self.after.get(&fact).is_some_and(|row| {
                row.truncated > 0 || row.entries.iter().any(|entry| named_by(entry).any(|node| *node == key.anchor))
            });
            if named { changes.held.push(key) } else { changes.held_removed.push(key) }
        }
    }

    /// What has to be folded, by the customers as they were and as they are.
    fn units(
        &self,
        context: Context<'_>,
        people: &People,
        touched: &BTreeSet<FactKey>,
    ) -> (BTreeSet<Unit>, BTreeSet<Unit>) {
        let (mut before, mut after) = (BTreeSet::new(), BTreeSet::new());
        let owned = |key: &&FactKey| match &key.owner {
            Owner::Anchor(node) => self.moved.contains(&(key.company.clone(), node.clone())),
            Owner::Entity => false,
        };
        let moved = self.after.keys().filter(owned).chain(self.before.keys().filter(owned));
        for key in touched.iter().chain(moved) {
            let Some(fact) = context.definitions.facts.get(&key.fact) else { continue };
            let Some(company) = context.companies.get(&key.company) else { continue };
            for period in following(fact, company, &key.key) {
                let unit =
                    |nodes| Unit { company: key.company.clone(), fact: key.fact.clone(), key: period.clone(), nodes };
                match &key.owner {
                    Owner::Entity => {
                        before.insert(unit(Vec::new()));
                        after.insert(unit(Vec::new()));
                    }
                    Owner::Anchor(node) => {
                        before.insert(unit(people.before(&key.company, node)));
                        after.insert(unit(people.after(&key.company, node)));
                    }
                }
            }
        }
        (before, after)
    }

    /// Facts keep their newest entries; what falls off moves what it added to sealed.
    fn truncate(&mut self, context: Context<'_>, units: &BTreeSet<Unit>, touched: &BTreeSet<FactKey>) -> Delta {
        let mut delta = Delta::default();
        let long: BTreeSet<&FactKey> = touched
            .iter()
            .filter(|key| self.after.get(*key).is_some_and(|row| row.entries.len() > limits::FACT_ENTRIES_MAX))
            .collect();
        if long.is_empty() {
            return delta;
        }
        let concerned: BTreeSet<Unit> =
            units.iter().filter(|unit| long.iter().any(|key| unit.holds(key))).cloned().collect();
        delta.fold_all(context, &self.after, &concerned, 1);
        for key in long {
            let Some(row) = self.after.get_mut(key) else { continue };
            let over = row.entries.len() - limits::FACT_ENTRIES_MAX;
            row.entries.drain(..over);
            row.truncated += u64::try_from(over).unwrap_or(0);
        }
        delta.fold_all(context, &self.after, &concerned, -1);
        delta.negate();
        delta
    }

    fn rows(self, changes: &mut Changes) {
        for (key, row) in self.after {
            if self.before.get(&key) == Some(&row) {
                continue;
            }
            let gone = row.entries.is_empty() && row.truncated == 0;
            changes.facts.push((key, (!gone).then_some(row)));
        }
    }
}

/// Everybody an entry names.
fn named_by(entry: &Entry) -> impl Iterator<Item = &Node> {
    entry.anchor.iter().chain(&entry.customers)
}

fn held_keys(placed: &Placed<'_>) -> Vec<HeldKey> {
    if placed.fact.whose != Whose::Entity {
        return Vec::new();
    }
    let key = |anchor: &Node| HeldKey {
        company: placed.key.company.clone(),
        anchor: anchor.clone(),
        fact: placed.key.fact.clone(),
        key: placed.key.key.clone(),
    };
    named_by(&placed.entry).map(key).collect()
}

/// Puts an entry into a fact, or takes it out. Union by event: putting it twice changes nothing.
fn change_row(row: &mut FactRow, entry: Entry, add: bool) {
    let place = row.entries.binary_search_by(|kept| kept.order().cmp(&entry.order()));
    match (place, add) {
        (Err(place), true) => row.entries.insert(place, entry),
        (Ok(place), false) => {
            row.entries.remove(place);
        }
        (Ok(_), true) | (Err(_), false) => {}
    }
}
