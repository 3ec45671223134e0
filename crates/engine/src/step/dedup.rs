//! One event, one record: who wins among copies of one key. Among different contents the copy with the smallest
//! (receipt, content) is the event, whichever came first; among equal contents the first is, and the others are
//! duplicates that can only make its receipt earlier.

use super::{Incoming, outcome::Counts, seen_key};
use crate::{
    change::Conflict,
    rows::{Place, Seen, SeenKey},
};
use alloc::vec::Vec;
use cebe_catalog::{EventRecord, Micros, record::Vault};

/// The copies of a batch, and what was applied before. Keys are numbered; lists hold one item per copy or per key.
#[derive(Debug, Default)]
pub struct Dedup {
    incoming: Vec<Incoming>,
    /// Per copy: the number of its key.
    key_of: Vec<usize>,
    /// Per key: one copy that has it.
    copy_of: Vec<usize>,
    stored: Vec<Option<Seen>>,
    leaders: Vec<Leader>,
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
#[derive(Clone, Copy, Debug)]
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
    pub fn keys(&mut self) -> Vec<SeenKey> {
        self.number();
        self.copy_of.iter().map(|copy| seen_key(&self.incoming[*copy].0)).collect()
    }

    /// Numbers the keys. Ids come first in the comparison: they differ, and often come in order.
    fn number(&mut self) {
        let parts = |copy: usize| {
            let event = &self.incoming[copy].0;
            (&event.id, &event.name, &event.header.module, &event.header.company)
        };
        let mut order: Vec<usize> = (0..self.incoming.len()).collect();
        order.sort_by(|a, b| parts(*a).cmp(&parts(*b)));
        let (mut key_of, mut copy_of) = (alloc::vec![0; order.len()], Vec::with_capacity(order.len()));
        for copy in order {
            if copy_of.last().is_none_or(|last| parts(*last) != parts(copy)) {
                copy_of.push(copy);
            }
            key_of[copy] = copy_of.len() - 1;
        }
        (self.key_of, self.copy_of) = (key_of, copy_of);
    }

    /// Answers [`Dedup::keys`].
    pub fn supply(&mut self, mut rows: Vec<Option<Seen>>) {
        rows.resize(self.copy_of.len(), None);
        self.stored = rows;
        self.leaders = self.lead();
    }

    /// Keys whose stored event loses against a copy of this batch: its event must be loaded, to be taken out.
    pub fn superseded(&self) -> Vec<SeenKey> {
        let lost = |key: &usize| self.stored[*key].is_some() && self.leaders[*key].from.is_some();
        (0..self.stored.len()).filter(lost).map(|key| self.key(key)).collect()
    }

    fn key(&self, key: usize) -> SeenKey {
        seen_key(&self.incoming[self.copy_of[key]].0)
    }

    fn lead(&self) -> Vec<Leader> {
        let stored = |seen: &Seen| Leader { content: seen.content, received_at: seen.received_at, from: None };
        let mut leaders: Vec<Option<Leader>> = self.stored.iter().map(|seen| seen.as_ref().map(stored)).collect();
        for (copy, (event, ..)) in self.incoming.iter().enumerate() {
            let key = self.key_of[copy];
            let (content, received_at) = (event.content, event.header.received_at);
            let retired = self.stored[key].as_ref().is_some_and(|seen| seen.retired);
            let leader = leaders[key].get_or_insert(Leader { content, received_at, from: Some(copy) });
            if leader.content == content {
                leader.received_at = leader.received_at.min(received_at);
            } else if !retired && (received_at, content) < (leader.received_at, leader.content) {
                *leader = Leader { content, received_at, from: Some(copy) };
            }
        }
        leaders.into_iter().flatten().collect()
    }

    /// Decides, and counts every outcome.
    pub fn settle(self, counts: &mut Counts) -> Settled {
        let mut settled = Settled::default();
        for (key, (seen, leader)) in self.stored.iter().zip(&self.leaders).enumerate() {
            let Some(seen) = seen else { continue };
            if leader.from.is_some() {
                settled.replaced.push((self.key(key), seen.place));
            } else if leader.received_at < seen.received_at {
                settled.lowered.push((self.key(key), Seen { received_at: leader.received_at, ..seen.clone() }));
            }
        }
        for (copy, (mut event, place, vault)) in self.incoming.into_iter().enumerate() {
            let leader = self.leaders[self.key_of[copy]];
            let outcome = counts.at(&event.header);
            if leader.from == Some(copy) {
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
