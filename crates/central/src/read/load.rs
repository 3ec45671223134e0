//! What the engine asks for before a step, and single reads of dedup rows and events.

use crate::{
    Result, Snapshot,
    key::KeyWriter,
    port::KeyRange,
    rows::{Address, MetaKey, owner_prefix, time_ordered},
};
use cebe_catalog::EventRecord;
use cebe_engine::{
    rows::{NodeKey, Owner, Seen, SeenKey},
    want::{Kept, Loaded, Owned, Wants},
};
use std::{collections::BTreeSet, ops::ControlFlow, sync::Arc};

impl Snapshot {
    /// Answers one round of reading, list by list in the order asked.
    pub fn load(&self, wants: &Wants) -> Result<Loaded> {
        Ok(Loaded {
            seen: self.seen_rows(&wants.seen)?,
            nodes: shared(self.node_rows(&wants.nodes)?),
            facts: shared(self.rows_for(&wants.facts)?),
            persons: self.persons(&wants.persons)?,
            events: self.events(&wants.events)?,
            histories: wants.histories.iter().map(|key| self.history(key)).collect::<Result<_>>()?,
            kept: self.kept(&wants.kept)?,
        })
    }

    /// Every fact of each anchor, in the order asked.
    fn persons(&self, keys: &[NodeKey]) -> Result<Vec<Owned>> {
        let owner = |key: &NodeKey| owner_prefix(&key.company, &Owner::Anchor(key.node.clone())).finish();
        let persons = self.under(&keys.iter().map(owner).collect::<Vec<_>>())?;
        let share = |facts: Vec<_>| facts.into_iter().map(|(key, row)| (key, Arc::new(row))).collect();
        Ok(persons.into_iter().map(share).collect())
    }

    /// What is kept of each anchor beside its facts, in the order asked. Activity lies by day: all of a company's is looked
    /// through, once.
    fn kept(&self, keys: &[NodeKey]) -> Result<Vec<Kept>> {
        let mut kept = Vec::with_capacity(keys.len());
        for NodeKey { company, node } in keys {
            let range = KeyRange::prefix(KeyWriter::company(company).node(node).finish());
            kept.push(Kept { tallies: self.all(range)?, activity: Vec::new() });
        }
        for company in keys.iter().map(|key| &key.company).collect::<BTreeSet<_>>() {
            self.all_activity(company, &mut |key, marks| {
                let place = keys.iter().position(|wanted| wanted.company == *company && wanted.node == key.anchor);
                if let Some(place) = place {
                    kept[place].activity.push((key.clone(), marks));
                }
                ControlFlow::Continue(())
            })?;
        }
        Ok(kept)
    }

    /// Dedup rows in the order asked. Ids above all that are stored are not looked up.
    fn seen_rows(&self, keys: &[SeenKey]) -> Result<Vec<Option<Seen>>> {
        let newest: Option<[u8; 16]> = if keys.is_empty() { None } else { self.meta(MetaKey::NewestId)? };
        let is_new = |key: &SeenKey| time_ordered(key.id.as_str()).is_some_and(|id| Some(id) > newest);
        let (mut old, mut places) = (Vec::new(), Vec::new());
        for (place, key) in keys.iter().enumerate().filter(|(_, key)| !is_new(key)) {
            old.push(key.clone());
            places.push(place);
        }
        let mut seen = vec![None; keys.len()];
        for (place, row) in places.into_iter().zip(self.rows_for(&old)?) {
            seen[place] = row.map(|row| row.seen);
        }
        Ok(seen)
    }

    /// The dedup row of a key.
    pub fn seen(&self, key: &SeenKey) -> Result<Option<Seen>> {
        Ok(self.row(key)?.map(|row| row.seen))
    }

    /// Where the event of a key is, while it is in the log.
    pub fn address(&self, key: &SeenKey) -> Result<Option<Address>> {
        Ok(self.row(key)?.and_then(|row| row.spot).map(|spot| Address::new(&key.company, spot)))
    }

    /// The event of a key, while it is in the log.
    pub fn event(&self, key: &SeenKey) -> Result<Option<EventRecord>> {
        let address = self.address(key)?;
        Ok(self.bodies_of_rows(address.as_slice())?.pop())
    }

    /// Events by key, in the order asked; read block by block.
    fn events(&self, keys: &[SeenKey]) -> Result<Vec<Option<EventRecord>>> {
        let mut found: Vec<(Address, usize)> = Vec::new();
        for (place, row) in self.rows_for(keys)?.into_iter().enumerate() {
            let spot = row.and_then(|row| row.spot);
            found.extend(spot.map(|spot| (Address::new(&keys[place].company, spot), place)));
        }
        found.sort_unstable();
        let (addresses, places): (Vec<Address>, Vec<usize>) = found.into_iter().unzip();
        let mut events = vec![None; keys.len()];
        for (place, event) in places.into_iter().zip(self.bodies_of_rows(&addresses)?) {
            events[place] = Some(event);
        }
        Ok(events)
    }

    /// Every event of the log under an anchor, newest first.
    fn history(&self, key: &NodeKey) -> Result<Vec<EventRecord>> {
        let mut addresses = Vec::new();
        self.timeline(&key.company, &key.node, None, &mut |row| {
            addresses.push(row.address.clone());
            ControlFlow::Continue(())
        })?;
        self.bodies_of_rows(&addresses)
    }
}

fn shared<T>(rows: Vec<Option<T>>) -> Vec<Option<Arc<T>>> {
    rows.into_iter().map(|row| row.map(Arc::new)).collect()
}
