//! The store in memory: a persistent ordered map of the same keys and values as the embedded one has, so that a snapshot
//! is a cheap copy. For tests, simulation and rebuilds; nothing survives the process.

use crate::{
    Result,
    blocks::BlockCache,
    port::{Central, FORMAT_VERSION, KeyRange, Order, StoreFacts, Table, View, Visit},
    snapshot::Snapshot,
    write::{Batch, Next, Planner},
};
use cebe_catalog::CompanyId;
use cebe_engine::{change::Changes, rows::Place};
use rpds::RedBlackTreeMapSync;
use std::{
    ops::Bound,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
};

const BLOCKS_CACHED: usize = 256;

/// Keys begin with the table's ordinal.
type Rows = RedBlackTreeMapSync<Vec<u8>, Vec<u8>>;

/// What a store in memory held at one moment.
#[derive(Clone)]
pub struct Saved(Rows);

/// A Central DB in memory.
pub struct Memory {
    rows: RwLock<Rows>,
    planner: Mutex<Planner>,
    blocks: Arc<BlockCache>,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::restored(Saved(Rows::new_sync()))
    }

    /// Everything the store holds now. Cheap, whatever its size.
    pub fn saved(&self) -> Saved {
        Saved(self.rows.read().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// A store as it was when it was saved: what a simulated crash goes back to.
    pub fn restored(saved: Saved) -> Self {
        let blocks = Arc::new(BlockCache::new(BLOCKS_CACHED));
        let then = Snapshot::new(Arc::new(Moment(saved.0.clone())), Arc::clone(&blocks));
        let planner = Planner::new(&then, 0).expect("a store in memory is whole");
        Self { rows: RwLock::new(saved.0), planner: Mutex::new(planner), blocks }
    }

    fn write(&self, plan: impl FnOnce(&mut Planner, &Snapshot) -> Result<(Batch, Next)>) -> Result<()> {
        let mut planner = self.planner();
        let now = self.snapshot()?;
        let (batch, next) = plan(&mut planner, &now)?;
        // Without our own view of it the map is changed in place, unless a reader holds one.
        drop(now);
        self.blocks.forget(batch.blocks());
        let mut rows = self.rows.write().unwrap_or_else(PoisonError::into_inner);
        for write in batch.into_writes() {
            let key = table_key(write.table, &write.key);
            match write.value {
                Some(value) => rows.insert_mut(key, value),
                None => drop(rows.remove_mut(&key)),
            }
        }
        planner.advance(next);
        Ok(())
    }

    fn planner(&self) -> MutexGuard<'_, Planner> {
        self.planner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Central for Memory {
    fn snapshot(&self) -> Result<Snapshot> {
        let rows = self.rows.read().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Snapshot::new(Arc::new(Moment(rows)), Arc::clone(&self.blocks)))
    }

    fn commit(&self, changes: &Changes) -> Result<()> {
        self.write(|planner, now| planner.plan(now, changes))
    }

    fn persist(&self) -> Result<Vec<Place>> {
        Ok(self.planner().positions().to_vec())
    }

    fn replace_derived(&self, company: &CompanyId, from: &Snapshot) -> Result<()> {
        self.write(|planner, now| planner.plan_derived(now, company, from))
    }

    fn facts(&self) -> StoreFacts {
        let commits = self.planner().commits();
        StoreFacts { store_id: None, format_version: FORMAT_VERSION, bytes_on_disk: 0, commits }
    }
}

/// The rows at one moment.
struct Moment(Rows);

impl View for Moment {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        Ok(self.0.get(&table_key(table, key)).cloned())
    }

    fn scan(&self, table: Table, range: KeyRange, order: Order, visit: &mut Visit<'_>) -> Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        let start = table_key(table, &range.start);
        let end = range.end.map_or_else(|| vec![table as u8 + 1], |end| table_key(table, &end));
        let mut rows = self.0.range::<Vec<u8>, _>((Bound::Included(start), Bound::Excluded(end)));
        let mut see = |(key, value): (&Vec<u8>, &Vec<u8>)| visit(&key[1..], value);
        let _stopped = match order {
            Order::Forward => rows.try_for_each(&mut see),
            Order::Backward => rows.rev().try_for_each(&mut see),
        };
        Ok(())
    }
}

fn table_key(table: Table, key: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(key.len() + 1);
    stored.push(table as u8);
    stored.extend_from_slice(key);
    stored
}
