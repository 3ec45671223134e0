//! The fact rows of a step, sorted by key and named by number.

use crate::{
    entry::Entry,
    rows::{FactKey, FactRow, Owner},
};
use alloc::vec::Vec;
use cebe_catalog::{CompanyId, Node};
use core::ops::{Index, IndexMut};
use smol_str::SmolStr;

/// One fact row.
#[derive(Debug)]
pub(super) struct Slot {
    pub key: FactKey,
    pub row: FactRow,
    /// An entry went in or out.
    pub changed: bool,
}

/// All of them, in the order of their keys.
#[derive(Debug, Default)]
pub(super) struct Slots(Vec<Slot>);

impl Slots {
    /// Takes the rows that are stored, and keys of which nothing is.
    pub(super) fn new(stored: impl Iterator<Item = (FactKey, FactRow)>, fresh: Vec<FactKey>) -> Self {
        let slot = |(key, row)| Slot { key, row, changed: false };
        let mut slots: Vec<Slot> = stored.map(slot).collect();
        slots.extend(fresh.into_iter().map(|key| slot((key, FactRow::default()))));
        // The sort is stable: what is stored comes before an empty slot of the same key.
        slots.sort_by(|a, b| a.key.cmp(&b.key));
        slots.dedup_by(|later, earlier| later.key == earlier.key);
        Self(slots)
    }

    /// The number of a key's row.
    pub(super) fn find(&self, company: &CompanyId, owner: Option<&Node>, fact: &str, key: &str) -> Option<usize> {
        let wanted = (company, owner, fact, key);
        self.0.binary_search_by(|slot| parts(&slot.key).cmp(&wanted)).ok()
    }

    /// The number of a key's row.
    pub(super) fn place(&self, key: &FactKey) -> Option<usize> {
        self.0.binary_search_by(|slot| slot.key.cmp(key)).ok()
    }

    /// The row of the same fact next to this one, when it has that key.
    pub(super) fn beside(&self, place: usize, step: isize, key: &str) -> Option<usize> {
        let beside = place.checked_add_signed(step)?;
        let (slot, own) = (self.0.get(beside)?, &self.0[place].key);
        let same = slot.key.key == key && slot.key.fact == own.fact && slot.key.owner == own.owner;
        (same && slot.key.company == own.company).then_some(beside)
    }

    /// Every row with its number.
    pub(super) fn each(&self) -> impl Iterator<Item = (usize, &Slot)> {
        self.0.iter().enumerate()
    }

    /// The rows that changed.
    pub(super) fn into_changed(self) -> impl Iterator<Item = (FactKey, Option<FactRow>)> {
        self.0.into_iter().filter(|slot| slot.changed).map(|slot| {
            let gone = slot.row.entries.is_empty() && slot.row.truncated == 0;
            (slot.key, (!gone).then_some(slot.row))
        })
    }
}

impl Slot {
    /// Puts an entry in, or takes it out. Union by event: putting it twice changes nothing.
    pub(super) fn change(&mut self, entry: Entry, add: bool) {
        let entries = &mut self.row.entries;
        match (entries.binary_search_by(|kept| kept.order().cmp(&entry.order())), add) {
            (Err(place), true) => entries.insert(place, entry),
            (Ok(place), false) => drop(entries.remove(place)),
            (Ok(_), true) | (Err(_), false) => return,
        }
        self.changed = true;
    }
}

impl Index<usize> for Slots {
    type Output = Slot;

    fn index(&self, place: usize) -> &Slot {
        &self.0[place]
    }
}

impl IndexMut<usize> for Slots {
    fn index_mut(&mut self, place: usize) -> &mut Slot {
        &mut self.0[place]
    }
}

/// The parts of a key in the order by which keys are sorted.
fn parts(key: &FactKey) -> (&CompanyId, Option<&Node>, &str, &str) {
    let owner = match &key.owner {
        Owner::Entity => None,
        Owner::Anchor(node) => Some(node),
    };
    let text: fn(&SmolStr) -> &str = SmolStr::as_str;
    (&key.company, owner, text(&key.fact), text(&key.key))
}
