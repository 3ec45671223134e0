//! What is folded as one, and which periods of a window fact bear on each other.

use super::{
    context::Context,
    people::People,
    plan::{Plan, Plans},
    project,
    slots::{Slot, Slots},
};
use crate::{
    entry::Entry,
    fold::Folded,
    rows::{FactKey, Owner},
};
use alloc::vec::Vec;
use cebe_catalog::{Micros, Node, definition::FactDefinition, definition::Whose};
use core::ops::Range;
use smol_str::SmolStr;

/// What is folded as one: an entity's fact, or one customer's part of a customer fact, by the numbers of its rows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Unit {
    /// Its rows, at least one.
    own: Vec<usize>,
    /// When it is one.
    pub side: Side,
    /// Rows of the period before, which bear on its own.
    context: Vec<usize>,
}

/// When rows are folded as one: customers may change in a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    /// Before and after.
    Both,
    /// By the customers as they were.
    Before,
    /// By the customers as they are.
    After,
}

/// The keys whose entries bear on a window fact's period: the one before, itself, the one after.
pub(super) fn around(fact: &FactDefinition, key: &SmolStr) -> Vec<SmolStr> {
    match period(fact, key) {
        Some(period) => [project::numbered(period - 1), key.clone(), project::numbered(period + 1)].into(),
        None => [key.clone()].into(),
    }
}

fn period(fact: &FactDefinition, key: &SmolStr) -> Option<i64> {
    if fact.whose == Whose::Window { key.split('\u{1f}').next()?.parse().ok() } else { None }
}

/// Finds the units that rows belong to.
pub(super) struct Units<'s> {
    plans: &'s Plans<'s>,
    people: &'s People,
    slots: &'s Slots,
    around: Around,
    found: Vec<Unit>,
}

/// Where the rows of a customer's nodes are. Rows come in the order of their owners, so it is found once for each.
#[derive(Default)]
struct Around {
    /// The rows of the owner that is looked from.
    own: Range<usize>,
    /// By the customers as they were.
    before: Vec<Part>,
    /// By the customers as they are, when that is another one.
    after: Option<Vec<Part>>,
}

impl<'s> Units<'s> {
    /// The units of the rows at `places`, each once, by the customers as they were and as they are.
    pub(super) fn of(
        plans: &'s Plans<'s>,
        people: &'s People,
        slots: &'s Slots,
        places: impl Iterator<Item = usize>,
    ) -> Vec<Unit> {
        let mut units = Self { plans, people, slots, around: Around::default(), found: Vec::new() };
        places.for_each(|place| units.add(place));
        units.found.sort_unstable();
        units.found.dedup();
        units.found
    }

    fn add(&mut self, place: usize) {
        let key = &self.slots[place].key;
        let Some(plan) = self.plans.of(&key.fact) else { return };
        match &key.owner {
            // Nobody's part of a window fact stands alone and is never looked back from.
            Owner::Entity if plan.is_window() => {}
            Owner::Entity => self.found.push(Unit { own: [place].into(), side: Side::Both, context: Vec::new() }),
            Owner::Anchor(node) => {
                if !self.around.own.contains(&place) {
                    self.around = self.around(place, node);
                }
                let around = core::mem::take(&mut self.around);
                match &around.after {
                    None => self.person(plan, place, &around.before, Side::Both),
                    Some(after) => {
                        self.person(plan, place, &around.before, Side::Before);
                        self.person(plan, place, after, Side::After);
                    }
                }
                self.around = around;
            }
        }
    }

    /// Looks from a row of this node; most other nodes have none.
    fn around(&self, place: usize, node: &Node) -> Around {
        let company = &self.slots[place].key.company;
        let owned = |one: &Node| if one == node { None } else { Some(self.slots.owned(company, one)) };
        let parts = |nodes: &[Node]| {
            let parts = nodes.iter().map(owned);
            parts.filter(|part| part.as_ref().is_none_or(|rows| !rows.is_empty())).collect()
        };
        let own = self.slots.owner_of(place);
        let (before, after) = (self.people.before(company, node), self.people.after(company, node));
        match before == after {
            true => Around { own, before: parts(&self.people.holders(company, node)), after: None },
            false => Around { own, before: parts(before), after: Some(parts(after)) },
        }
    }

    /// The unit of a row, and that of the next period, whose marks its entries can change.
    fn person(&mut self, plan: &Plan<'_>, place: usize, parts: &[Part], side: Side) {
        let at: &FactKey = &self.slots[place].key;
        let own = self.rows(place, parts, 0, &at.key);
        let Some(period) = period(plan.fact, &at.key) else {
            self.found.push(Unit { own, side, context: Vec::new() });
            return;
        };
        let context = self.rows(place, parts, -1, &project::numbered(period - 1));
        let next = self.rows(place, parts, 1, &project::numbered(period + 1));
        if !next.is_empty() {
            self.found.push(Unit { own: next, side, context: own.clone() });
        }
        self.found.push(Unit { own, side, context });
    }

    /// The rows of a customer's parts under a key; `step` says on which side of `place` that of its own part lies.
    fn rows(&self, place: usize, parts: &[Part], step: isize, key: &str) -> Vec<usize> {
        let fact = &self.slots[place].key.fact;
        let row = |part: &Part| match part {
            None if step == 0 => Some(place),
            None => self.slots.beside(place, step, key),
            Some(owned) => self.slots.find_in(owned.clone(), fact, key),
        };
        parts.iter().filter_map(row).collect()
    }
}

/// Where the rows of one of a customer's nodes are; none for the node of the row that is looked from.
type Part = Option<Range<usize>>;

impl Unit {
    /// Is this row part of it?
    pub(super) fn holds(&self, place: usize) -> bool {
        self.own.contains(&place)
    }

    /// One of its rows: they differ in the anchor only.
    pub(super) fn first<'r>(&self, slots: &'r Slots) -> &'r Slot {
        &slots[self.own[0]]
    }

    /// Folds what its rows hold.
    pub(super) fn fold(&self, context: Context<'_>, plan: &Plan<'_>, slots: &Slots) -> Option<Folded> {
        let key = &self.first(slots).key;
        if self.own.iter().all(|place| slots[*place].row.entries.is_empty()) {
            return None;
        }
        let company = context.companies.get(&key.company)?;
        let window = || company.window_micros(plan.fact.window.as_deref());
        let own_from = period(plan.fact, &key.key).map(|own| Micros(own.saturating_mul(window())));
        let places = self.own.iter().chain(&self.context);
        let entries: Vec<&Entry> = places.flat_map(|place| &slots[*place].row.entries).collect();
        plan.fold(company, &key.key, entries, own_from)
    }
}
