//! One event, one record: who wins among copies of one key. Among different contents the copy with the smallest
//! (receipt, content) is the event, whichever came first; among equal contents the first is, and the others are
//! duplicates that can only make its receipt earlier.

use super::{Incoming, outcome::Counts, seen_key};
use crate::{
    change::Conflict,
    rows::{Place, Seen, SeenKey},
};
use alloc::{collections::BTreeMap, vec::Vec};
use cebe_catalog::{EventRecord, Micros, record::Vault};

/// The copies of a batch, and what was applied before.
#[derive(Debug, Default)]
pub struct Dedup {
    incoming: Vec<Incoming>,
    stored: BTreeMap<SeenKey, Seen>,
}

/// What dedup decided.
#[derive(Debug, Default)]
pub struct Settled {
    /// Events to apply, in batch order.
    pub applied: Vec<Incoming>,
    /// Losing copies of this batch.
    pub conflicts: Vec<Conflict>,
    /// Applied before, and now superseded by a copy in `applied`: key and place of the old copy.
    pub replaced: Vec<(SeenKey, Place)>,
    /// Seen rows whose receipt became earlier through a duplicate.
    pub lowered: Vec<(SeenKey, Seen)>,
}

/// The copy that leads for one key.
struct Leader {
    content: [u8; 16],
    received_at: Micros,
    /// Index in the batch, or stored before.
    from: Option<usize>,
}

impl Dedup {
    /// Takes one copy.
    pub fn take(&mut self, place: Place, event: EventRecord, vault: Vault) {
        self.incoming.push((event, place, vault));
    }

    /// The events of the batch.
    pub fn events(&self) -> impl Iterator<Item = &EventRecord> {
        self.incoming.iter().map(|(event, ..)| event)
    }

    /// Keys to look up, in a fixed order.
    pub fn keys(&self) -> Vec<SeenKey> {
        let mut keys: Vec<SeenKey> = self.events().map(seen_key).collect();
        keys.sort();
        keys.dedup();
        keys
    }

    /// Answers [`Dedup::keys`].
    pub fn supply(&mut self, rows: Vec<Option<Seen>>) {
        let keys = self.keys();
        self.stored = keys.into_iter().zip(rows).filter_map(|(key, row)| Some((key, row?))).collect();
    }

    /// Keys whose stored event loses against a copy of this batch: its event must be loaded, to be taken out.
    pub fn superseded(&self) -> Vec<SeenKey> {
        let mut keys: Vec<SeenKey> = self
            .leaders()
            .into_iter()
            .filter(|(key, leader)| leader.from.is_some() && self.stored.contains_key(key))
            .map(|(key, _)| key)
            .collect();
        keys.sort();
        keys
    }

    fn leaders(&self) -> BTreeMap<SeenKey, Leader> {
        let mut leaders: BTreeMap<SeenKey, Leader> = BTreeMap::new();
        for (key, seen) in &self.stored {
            let leader = Leader { content: seen.content, received_at: seen.received_at, from: None };
            leaders.insert(key.clone(), leader);
        }
        for (index, (event, ..)) in self.incoming.iter().enumerate() {
            let received_at = event.header.received_at;
            let copy = Leader { content: event.content, received_at, from: Some(index) };
            match leaders.entry(seen_key(event)) {
                alloc::collections::btree_map::Entry::Vacant(vacant) => {
                    vacant.insert(copy);
                }
                alloc::collections::btree_map::Entry::Occupied(mut occupied) => {
                    let retired = self.stored.get(occupied.key()).is_some_and(|seen| seen.retired);
                    let leader = occupied.get_mut();
                    if leader.content == event.content {
                        leader.received_at = leader.received_at.min(received_at);
                    } else if !retired && (received_at, event.content) < (leader.received_at, leader.content) {
                        *leader = copy;
                    }
                }
            }
        }
        leaders
    }

    /// Decides, and counts every outcome.
    pub fn settle(self, counts: &mut Counts) -> Settled {
        let leaders = self.leaders();
        let mut settled = Settled::default();
        for (key, seen) in &self.stored {
            let Some(leader) = leaders.get(key) else { continue };
            if leader.from.is_some() {
                settled.replaced.push((key.clone(), seen.place));
            } else if leader.received_at < seen.received_at {
                settled.lowered.push((key.clone(), Seen { received_at: leader.received_at, ..seen.clone() }));
            }
        }
        for (index, (mut event, place, vault)) in self.incoming.into_iter().enumerate() {
            let Some(leader) = leaders.get(&seen_key(&event)) else { continue };
            let outcome = counts.at(&event.header);
            if leader.from == Some(index) {
                outcome.applied += 1;
                event.header.received_at = leader.received_at;
                settled.applied.push((event, place, vault));
            } else if leader.content == event.content {
                outcome.duplicate += 1;
                outcome.duplicate_derived += i64::from(event.derived);
            } else {
                outcome.conflict += 1;
                settled.conflicts.push(Conflict { event, place });
            }
        }
        settled
    }
}
