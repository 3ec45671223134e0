//! The fact rows of a step, sorted by key and named by number.

use crate::{
    entry::Entry,
    rows::{FactKey, FactRow, Owner},
};
use alloc::{sync::Arc, vec::Vec};
use cebe_catalog::{CompanyId, Node};
use core::ops::{Index, IndexMut, Range};

/// One fact row.
#[derive(Debug)]
pub(super) struct Slot {
    pub key: FactKey,
    pub row: Arc<FactRow>,
    /// An entry went in or out.
    pub changed: bool,
}

/// All of them, in the order of their keys: what one owner has lies together.
#[derive(Debug, Default)]
pub(super) struct Slots {
    rows: Vec<Slot>,
    /// Where the rows of each owner begin.
    owners: Vec<usize>,
}

impl Slots {
    /// Takes the rows that are stored, and keys of which nothing is.
    pub(super) fn new(stored: impl Iterator<Item = (FactKey, Arc<FactRow>)>, fresh: Vec<FactKey>) -> Self {
        let slot = |(key, row)| Slot { key, row, changed: false };
        let mut slots: Vec<Slot> = stored.map(slot).collect();
        slots.extend(fresh.into_iter().map(|key| slot((key, Arc::default()))));
        // The sort is stable: what is stored comes before an empty slot of the same key.
        slots.sort_by(|a, b| a.key.cmp(&b.key));
        slots.dedup_by(|later, earlier| later.key == earlier.key);
        let is_first = |place: &usize| *place == 0 || owner(&slots[place - 1].key) != owner(&slots[*place].key);
        let owners = (0..slots.len()).filter(is_first).collect();
        Self { rows: slots, owners }
    }

    /// The numbers of an anchor's rows.
    pub(super) fn owned(&self, company: &CompanyId, anchor: &Node) -> Range<usize> {
        let wanted = (company, Some(anchor));
        match self.owners.binary_search_by(|first| owner(&self.rows[*first].key).cmp(&wanted)) {
            Ok(place) => self.owners[place]..self.owners.get(place + 1).copied().unwrap_or(self.rows.len()),
            Err(_) => 0..0,
        }
    }

    /// The numbers of the rows that have the same owner as this one.
    pub(super) fn owner_of(&self, place: usize) -> Range<usize> {
        let next = self.owners.partition_point(|first| *first <= place);
        let end = self.owners.get(next).copied().unwrap_or(self.rows.len());
        self.owners[next - 1]..end
    }

    /// The number of a key's row among those of one owner.
    pub(super) fn find_in(&self, owned: Range<usize>, fact: &str, key: &str) -> Option<usize> {
        let parts = |slot: &Slot| (slot.key.fact.as_str(), slot.key.key.as_str()).cmp(&(fact, key));
        self.rows[owned.clone()].binary_search_by(parts).ok().map(|place| owned.start + place)
    }

    /// The number of a key's row.
    pub(super) fn place(&self, key: &FactKey) -> Option<usize> {
        self.rows.binary_search_by(|slot| slot.key.cmp(key)).ok()
    }

    /// The row of the same fact next to this one, when it has that key.
    pub(super) fn beside(&self, place: usize, step: isize, key: &str) -> Option<usize> {
        let beside = place.checked_add_signed(step)?;
        let (slot, own) = (self.rows.get(beside)?, &self.rows[place].key);
        let same = slot.key.key == key && slot.key.fact == own.fact && slot.key.owner == own.owner;
        (same && slot.key.company == own.company).then_some(beside)
    }

    /// Every row with its number.
    pub(super) fn each(&self) -> impl Iterator<Item = (usize, &Slot)> {
        self.rows.iter().enumerate()
    }

    /// The rows that changed.
    pub(super) fn into_changed(self) -> impl Iterator<Item = (FactKey, Option<Arc<FactRow>>)> {
        self.rows.into_iter().filter(|slot| slot.changed).map(|slot| {
            let gone = slot.row.entries.is_empty() && slot.row.truncated == 0;
            (slot.key, (!gone).then_some(slot.row))
        })
    }
}

impl Slot {
    /// Puts an entry in, or takes it out. Union by event: putting it twice changes nothing.
    pub(super) fn change(&mut self, entry: Entry, add: bool) {
        match (self.row.entries.binary_search_by(|kept| kept.order().cmp(&entry.order())), add) {
            (Err(place), true) => self.entries().insert(place, entry),
            (Ok(place), false) => drop(self.entries().remove(place)),
            (Ok(_), true) | (Err(_), false) => return,
        }
        self.changed = true;
    }

    fn entries(&mut self) -> &mut Vec<Entry> {
        &mut Arc::make_mut(&mut self.row).entries
    }
}

impl Index<usize> for Slots {
    type Output = Slot;

    fn index(&self, place: usize) -> &Slot {
        &self.rows[place]
    }
}

impl IndexMut<usize> for Slots {
    fn index_mut(&mut self, place: usize) -> &mut Slot {
        &mut self.rows[place]
    }
}

/// Whose a key is, in the order by which keys are sorted.
fn owner(key: &FactKey) -> (&CompanyId, Option<&Node>) {
    match &key.owner {
        Owner::Entity => (&key.company, None),
        Owner::Anchor(node) => (&key.company, Some(node)),
    }
}
