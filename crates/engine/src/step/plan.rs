//! What the definitions say of each fact, looked up once per step: its fold and the components that read it.

use crate::{
    entry::Entry,
    fold::{self, Fold, FoldInput, Folded},
    step::context::CompanyContext,
};
use alloc::{collections::BTreeMap, vec::Vec};
use cebe_catalog::{
    Definitions, Micros,
    definition::{ComponentDefinition, FactDefinition, Whose},
};
use smol_str::SmolStr;

/// How one fact is folded and counted.
pub(super) struct Plan<'a> {
    /// Its definition.
    pub fact: &'a FactDefinition,
    /// The components that read it, each with its number.
    pub components: Vec<(usize, &'a ComponentDefinition)>,
    fold: Option<Fold>,
}

/// The plans of all facts.
pub(super) struct Plans<'a> {
    facts: BTreeMap<&'a str, Plan<'a>>,
    components: Vec<&'a SmolStr>,
}

impl<'a> Plans<'a> {
    /// Plans of these definitions.
    pub(super) fn new(definitions: &'a Definitions) -> Self {
        let mut plans = Self { facts: BTreeMap::new(), components: Vec::new() };
        for fact in definitions.facts.values() {
            let mut plan = Plan { fact, components: Vec::new(), fold: fold::by_name(&fact.fold) };
            for component in definitions.components_of(&fact.name) {
                plan.components.push((plans.components.len(), component));
                plans.components.push(&component.name);
            }
            plans.facts.insert(&fact.name, plan);
        }
        plans
    }

    /// The plan of a fact.
    pub(super) fn of(&self, fact: &str) -> Option<&Plan<'a>> {
        self.facts.get(fact)
    }

    /// A component's name by its number.
    pub(super) fn component(&self, number: usize) -> &'a SmolStr {
        self.components[number]
    }
}

impl Plan<'_> {
    /// Is it cut into periods that bear on each other?
    pub(super) fn is_window(&self) -> bool {
        self.fact.whose == Whose::Window
    }

    /// Folds entries of one fact: sorted by rank, each event once. `None` when there is nothing to fold.
    pub(super) fn fold(
        &self,
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
        Some(self.fold?(&input))
    }
}
