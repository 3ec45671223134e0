//! Reading one's own writes: while a commit is on its way to the store, the next step reads the store as it was and,
//! over it, what the commit writes.

use crate::run::WorkerError;
use cebe_catalog::{CompanyId, EventId, EventName, EventRecord, Node, SourceModule};
use cebe_central::Snapshot;
use cebe_engine::{
    change::{Applied, Changes},
    rows::{FactKey, FactRow, NodeKey, NodeRow, Owner, Seen, SeenKey},
    want::{Loaded, Owned, Wants},
};
use std::sync::Arc;

type KeyParts<'a> = (&'a EventId, &'a EventName, &'a SourceModule, &'a CompanyId);

/// What a commit writes, to be found by key.
#[derive(Debug)]
pub struct Ahead<'c> {
    changes: &'c Changes,
    /// Places of the applied events, by key.
    applied: Vec<usize>,
}

impl<'c> Ahead<'c> {
    /// Over the changes of a batch of events. `None` when they do more than add events: then the commit is waited for.
    pub fn over(changes: &'c Changes) -> Option<Self> {
        let plain = changes.removed.is_empty() && changes.seen.is_empty();
        let sorted = changes.nodes.is_sorted_by(|a, b| a.0 < b.0) && changes.facts.is_sorted_by(|a, b| a.0 < b.0);
        let mut applied: Vec<usize> = (0..changes.applied.len()).collect();
        applied.sort_by(|a, b| parts(&changes.applied[*a].event).cmp(&parts(&changes.applied[*b].event)));
        (plain && sorted).then_some(Self { changes, applied })
    }

    /// Can this be answered from rows, without any event of the log?
    pub fn answers(&self, wants: &Wants) -> bool {
        wants.events.is_empty() && wants.histories.is_empty()
    }

    /// Answers a round of reading; `before` is the store without the commit.
    pub fn load(&self, before: &Snapshot, wants: &Wants) -> Result<Loaded, WorkerError> {
        let (seen, seen_left) = split(&wants.seen, |key| self.seen(key));
        let (nodes, nodes_left) = split(&wants.nodes, |key| self.node(key));
        let (facts, facts_left) = split(&wants.facts, |key| self.fact(key));
        let persons = wants.persons.clone();
        let left = Wants { seen: seen_left, nodes: nodes_left, facts: facts_left, persons, ..Wants::default() };
        let loaded = before.load(&left)?;
        let stored = wants.persons.iter().zip(loaded.persons);
        Ok(Loaded {
            seen: merge(seen, loaded.seen),
            nodes: merge(nodes, loaded.nodes),
            facts: merge(facts, loaded.facts),
            persons: stored.map(|(key, facts)| self.person(key, facts)).collect(),
            ..Loaded::default()
        })
    }

    /// All facts of an anchor: as stored, and over them what the commit writes.
    fn person(&self, key: &NodeKey, mut facts: Owned) -> Owned {
        let wanted = (&key.company, Some(&key.node));
        let from = self.changes.facts.partition_point(|(fact, _)| owner(fact) < wanted);
        let written = self.changes.facts[from..].iter().take_while(|(fact, _)| owner(fact) == wanted);
        for (fact, row) in written {
            facts.retain(|(known, _)| known != fact);
            facts.extend(row.clone().map(|row| (fact.clone(), row)));
        }
        facts
    }

    fn seen(&self, key: &SeenKey) -> Option<Option<Seen>> {
        let wanted = (&key.id, &key.name, &key.module, &key.company);
        let at = |place: usize| parts(&self.changes.applied[place].event);
        // Ids made in the order of time are behind all that came before.
        if self.applied.last().is_none_or(|last| at(*last) < wanted) {
            return None;
        }
        let found = self.applied.binary_search_by(|place| at(*place).cmp(&wanted)).ok()?;
        Some(Some(seen(&self.changes.applied[self.applied[found]])))
    }

    fn node(&self, key: &NodeKey) -> Option<Option<Arc<NodeRow>>> {
        let found = self.changes.nodes.binary_search_by(|(known, _)| known.cmp(key)).ok()?;
        Some(self.changes.nodes[found].1.clone())
    }

    fn fact(&self, key: &FactKey) -> Option<Option<Arc<FactRow>>> {
        let found = self.changes.facts.binary_search_by(|(known, _)| known.cmp(key)).ok()?;
        Some(self.changes.facts[found].1.clone())
    }
}

fn parts(event: &EventRecord) -> KeyParts<'_> {
    (&event.id, &event.name, &event.header.module, &event.header.company)
}

/// Whose a fact is, in the order by which keys are sorted.
fn owner(key: &FactKey) -> (&CompanyId, Option<&Node>) {
    match &key.owner {
        Owner::Entity => (&key.company, None),
        Owner::Anchor(node) => (&key.company, Some(node)),
    }
}

fn seen(applied: &Applied) -> Seen {
    let event = &applied.event;
    Seen {
        content: event.content,
        received_at: event.header.received_at,
        event_at: event.event_at,
        place: applied.place,
        retired: false,
    }
}

/// The answers that are known, in the order of the keys, and the keys that are left.
pub(crate) fn split<K: Clone, T>(keys: &[K], known: impl Fn(&K) -> Option<T>) -> (Vec<Option<T>>, Vec<K>) {
    let answers: Vec<Option<T>> = keys.iter().map(known).collect();
    let left = keys.iter().zip(&answers).filter(|(_, answer)| answer.is_none()).map(|(key, _)| key.clone());
    let left = left.collect();
    (answers, left)
}

/// Puts the answers that were left into their places.
pub(crate) fn merge<T>(answers: Vec<Option<Option<T>>>, left: Vec<Option<T>>) -> Vec<Option<T>> {
    let mut left = left.into_iter();
    answers.into_iter().map(|answer| answer.unwrap_or_else(|| left.next().flatten())).collect()
}
