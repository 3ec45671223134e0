//! Facts of a step: entries go in and out, and what the touched facts added before is compared with what they add now.
//! A fact's contribution is counted once per step, so a batch costs as much as the facts it touches.

use super::{
    context::Context,
    delta::{Delta, Sealing},
    held::Held,
    people::People,
    plan::Plans,
    project::{self, Placed},
    slots::Slots,
    unit::{Side, Unit, Units, around},
};
use crate::{
    change::Changes,
    rows::{FactKey, FactRow, NodeKey, Owner},
    want::{Owned, Wants},
};
use alloc::{collections::BTreeSet, sync::Arc, vec::Vec};
use cebe_catalog::{CompanyId, EventRecord, Node, definition::Whose, limits};
use smol_str::SmolStr;

/// The facts a step touches.
#[derive(Debug, Default)]
pub struct Ledger<'a> {
    placed: Vec<(Placed<'a>, bool)>,
    asked: Vec<FactKey>,
    /// Keys that are not asked for: nothing is stored under their owner, or all of the owner's is loaded.
    unasked: Vec<FactKey>,
    asked_persons: Vec<NodeKey>,
    slots: Slots,
    /// Sorted.
    moved: Vec<(CompanyId, Node)>,
}

impl<'a> Ledger<'a> {
    /// Makes room for what so many events enter as a rule.
    pub fn reserve(&mut self, events: usize) {
        self.placed.reserve(events * 2);
        self.asked.reserve(events * 4);
    }

    /// Enters an event's entries, or takes them out.
    pub fn enter(&mut self, context: Context<'a>, people: &People, event: &EventRecord, add: bool) {
        let Some(company) = context.companies.get(event.company()) else { return };
        // Entries of one event are mostly one person's.
        let mut owners: Vec<(Node, Vec<Node>)> = Vec::new();
        for placed in project::project(context.definitions, company, event) {
            if placed.fact.whose != Whose::Occurrence {
                self.ask(people, &placed, &mut owners);
            }
            self.placed.push((placed, add));
        }
    }

    /// The facts that have to be there before an entry can go in: every part of the customer's fact.
    fn ask(&mut self, people: &People, placed: &Placed<'_>, owners: &mut Vec<(Node, Vec<Node>)>) {
        let key = &placed.key;
        let Owner::Anchor(anchor) = &key.owner else {
            self.asked.push(key.clone());
            return;
        };
        if people.owned_nothing(&key.company, anchor) {
            self.unasked.push(key.clone());
        }
        let known = owners.iter().position(|(node, _)| node == anchor).unwrap_or_else(|| {
            owners.push((anchor.clone(), people.owners(&key.company, anchor)));
            owners.len() - 1
        });
        let keys = around(placed.fact, &key.key);
        for node in &owners[known].1 {
            let of = |name: &_| {
                let (company, fact) = (key.company.clone(), key.fact.clone());
                FactKey { company, owner: Owner::Anchor(node.clone()), fact, key: SmolStr::clone(name) }
            };
            self.asked.extend(keys.iter().map(of));
        }
    }

    /// Customers that changed: all they own is folded anew.
    pub fn moved(&mut self, people: &People) {
        self.moved = people.moved().map(|(company, node)| (company.clone(), node.clone())).collect();
        let stored = self.moved.iter().filter(|(company, node)| !people.owned_nothing(company, node));
        self.asked_persons =
            stored.map(|(company, node)| NodeKey { company: company.clone(), node: node.clone() }).collect();
    }

    /// Facts to load.
    pub fn wants(&mut self) -> Wants {
        self.asked.sort();
        self.asked.dedup();
        let (all, asked) = core::mem::take(&mut self.asked).into_iter().partition(|key| self.has_moved(key));
        self.asked = asked;
        self.unasked.extend::<Vec<FactKey>>(all);
        Wants { facts: self.asked.clone(), persons: self.asked_persons.clone(), ..Wants::default() }
    }

    fn has_moved(&self, key: &FactKey) -> bool {
        match &key.owner {
            Owner::Anchor(anchor) => {
                let wanted = (&key.company, anchor);
                self.moved.binary_search_by(|(company, node)| (company, node).cmp(&wanted)).is_ok()
            }
            Owner::Entity => false,
        }
    }

    /// Answers [`Ledger::wants`].
    pub fn supply(&mut self, facts: Vec<Option<Arc<FactRow>>>, persons: Vec<Owned>) {
        let asked = core::mem::take(&mut self.asked);
        let stored = asked.into_iter().zip(facts).map(|(key, row)| (key, row.unwrap_or_default()));
        self.slots = Slots::new(stored.chain(persons.into_iter().flatten()), core::mem::take(&mut self.unasked));
    }

    /// Applies the entries and hands over rows and differences.
    pub fn finish(mut self, context: Context<'_>, people: &People, sealing: &Sealing, changes: &mut Changes) {
        let plans = Plans::new(context.definitions);
        let mut delta = Delta::new(context, &plans);
        let (mut entries, mut held) = (Vec::new(), Held::default());
        for (placed, add) in core::mem::take(&mut self.placed) {
            if placed.fact.whose == Whose::Occurrence {
                delta.occurrence(&placed, add);
            } else if let Some(place) = self.slots.place(&placed.key) {
                held.concerns(place, &placed);
                entries.push((place, placed.entry, add));
            }
        }
        let touched: BTreeSet<usize> = entries.iter().map(|(place, ..)| *place).collect();
        let units = self.units(&plans, people, &touched);
        held.before(&self.slots);
        delta.fold_all(&self.slots, units.iter().filter(|unit| unit.side != Side::After), -1);
        for (place, entry, add) in entries {
            self.slots[place].change(entry, add);
        }
        delta.fold_all(&self.slots, units.iter().filter(|unit| unit.side != Side::Before), 1);
        delta.finish(sealing, changes);
        held.finish(&self.slots, changes);
        if let Some(truncated) = self.truncate(Delta::new(context, &plans), &units, &touched) {
            truncated.finish(&Sealing::Expiry, changes);
        }
        changes.facts.extend(self.slots.into_changed());
    }

    /// What has to be folded: what is touched, and all of the customers that changed.
    fn units<'s>(&'s self, plans: &'s Plans<'s>, people: &'s People, touched: &BTreeSet<usize>) -> Vec<Unit> {
        let moved = self.slots.each().filter(|(_, slot)| self.has_moved(&slot.key)).map(|(place, _)| place);
        Units::of(plans, people, &self.slots, touched.iter().copied().chain(moved))
    }

    /// Facts keep their newest entries; what falls off moves what it added to sealed.
    fn truncate<'p>(&mut self, mut delta: Delta<'p>, units: &[Unit], touched: &BTreeSet<usize>) -> Option<Delta<'p>> {
        let is_long = |place: &usize| self.slots[*place].row.entries.len() > limits::FACT_ENTRIES_MAX;
        let long: Vec<usize> = touched.iter().copied().filter(is_long).collect();
        if long.is_empty() {
            return None;
        }
        let now = units.iter().filter(|unit| unit.side != Side::Before);
        let concerned: Vec<&Unit> = now.filter(|unit| long.iter().any(|place| unit.holds(*place))).collect();
        delta.fold_all(&self.slots, concerned.iter().copied(), 1);
        for place in long {
            let row = Arc::make_mut(&mut self.slots[place].row);
            let over = row.entries.len() - limits::FACT_ENTRIES_MAX;
            row.entries.drain(..over);
            row.truncated += u64::try_from(over).unwrap_or(0);
        }
        delta.fold_all(&self.slots, concerned.iter().copied(), -1);
        delta.negate();
        Some(delta)
    }
}
