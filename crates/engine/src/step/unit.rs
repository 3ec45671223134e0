//! What is folded as one, and which periods of a window fact bear on each other.

use super::{
    context::{CompanyContext, Context},
    project,
};
use crate::{
    entry::Entry,
    fold::{self, FoldInput, Folded},
    rows::{FactKey, FactRow, Owner},
};
use alloc::{collections::BTreeMap, vec::Vec};
use cebe_catalog::{
    CompanyId, Micros, Node,
    definition::{FactDefinition, Whose},
};
use smol_str::SmolStr;

/// What is folded as one: an entity's fact, or one customer's part of a customer fact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Unit {
    pub company: CompanyId,
    pub fact: SmolStr,
    pub key: SmolStr,
    /// The customer's nodes; empty for an entity.
    pub nodes: Vec<Node>,
}

/// The keys whose entries bear on a window fact's period: the one before, itself, the one after.
pub(super) fn around(fact: &FactDefinition, company: &CompanyContext, key: &SmolStr) -> Vec<SmolStr> {
    match period(fact, key) {
        Some(period) => (period - 1..=period + 1).map(|p| numbered(company, fact, p)).collect(),
        None => [key.clone()].into(),
    }
}

/// The periods whose marks an entry of this one can change: itself and the next.
pub(super) fn following(fact: &FactDefinition, company: &CompanyContext, key: &SmolStr) -> Vec<SmolStr> {
    match period(fact, key) {
        Some(period) => (period..=period + 1).map(|p| numbered(company, fact, p)).collect(),
        None => [key.clone()].into(),
    }
}

fn period(fact: &FactDefinition, key: &SmolStr) -> Option<i64> {
    if fact.whose == Whose::Window { key.split('\u{1f}').next()?.parse().ok() } else { None }
}

fn numbered(company: &CompanyContext, fact: &FactDefinition, period: i64) -> SmolStr {
    let window = company.window_micros(fact.window.as_deref());
    project::period_key(Micros(period.saturating_mul(window)), window)
}

impl Unit {
    /// Is the row of this key part of the unit?
    pub(super) fn holds(&self, key: &FactKey) -> bool {
        let owner = match &key.owner {
            Owner::Entity => self.nodes.is_empty(),
            Owner::Anchor(node) => self.nodes.contains(node),
        };
        owner && self.company == key.company && self.fact == key.fact && self.key == key.key
    }

    /// Folds what the rows hold of it.
    pub(super) fn fold(&self, context: Context<'_>, rows: &BTreeMap<FactKey, FactRow>) -> Option<Folded> {
        let fact = context.definitions.facts.get(&self.fact)?;
        let company = context.companies.get(&self.company)?;
        let own = period(fact, &self.key);
        let mut keys = Vec::new();
        if let Some(own) = own {
            keys.push(numbered(company, fact, own - 1));
        }
        keys.push(self.key.clone());
        let entries = self.entries(rows, &keys);
        let own_from = own.map(|own| Micros(own.saturating_mul(company.window_micros(fact.window.as_deref()))));
        fold_entries(fact, company, &self.key, entries, own_from)
    }

    fn entries<'r>(&self, rows: &'r BTreeMap<FactKey, FactRow>, keys: &[SmolStr]) -> Vec<&'r Entry> {
        let owners: Vec<Owner> = match self.nodes.as_slice() {
            [] => [Owner::Entity].into(),
            nodes => nodes.iter().cloned().map(Owner::Anchor).collect(),
        };
        let mut entries = Vec::new();
        for owner in owners {
            for key in keys {
                let key = FactKey {
                    company: self.company.clone(),
                    owner: owner.clone(),
                    fact: self.fact.clone(),
                    key: key.clone(),
                };
                entries.extend(rows.get(&key).into_iter().flat_map(|row| &row.entries));
            }
        }
        entries
    }
}

/// Folds entries of one fact: sorted by rank, each event once. `None` when there is nothing to fold.
pub fn fold_entries(
    fact: &FactDefinition,
    company: &CompanyContext,
    key: &str,
    mut entries: Vec<&Entry>,
    own_from: Option<Micros>,
) -> Option<Folded> {
    if entries.is_empty() {
        return None;
    }
    entries.sort_by(|a, b| a.order().cmp(&b.order()));
    entries.dedup_by(|a, b| a.order() == b.order());
    let input = FoldInput { key, entries: &entries, settings: &company.settings, zone: &company.zone, own_from };
    Some(fold::by_name(&fact.fold)?(&input))
}
