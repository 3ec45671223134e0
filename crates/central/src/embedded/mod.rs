//! The embedded store: an LSM tree in a folder. Three trees, all of them written by every commit (a rarely written one
//! would pin the journal): dedup rows, blocks of the log, and everything else under the ordinal of its table.

mod background;
mod journal;
mod loading;
mod opening;
mod settings;
#[cfg(test)]
mod tests;
mod trees;

pub use loading::{StoredRow, load};
pub use settings::EmbeddedSettings;

use crate::{
    OpenError, Result,
    blocks::BlockCache,
    port::{Central, FORMAT_VERSION, StoreFacts},
    snapshot::Snapshot,
    write::{Batch, Next, Planner},
};
use cebe_catalog::CompanyId;
use cebe_engine::{change::Changes, rows::Place};
use fjall::{Database, PersistMode};
use std::{
    fs::File,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use trees::Trees;

/// A Central DB in a folder. One process at a time.
pub struct Embedded {
    database: Database,
    trees: Trees,
    planner: Mutex<Planner>,
    blocks: Arc<BlockCache>,
    store_id: Option<[u8; 16]>,
    /// Held while the store is open.
    _lock: File,
}

impl Embedded {
    /// Opens the store in `dir`, or makes one. What a crash took since the last persist is gone, whole commits at a
    /// time; the queue replays it.
    pub fn open(dir: &Path, settings: EmbeddedSettings) -> Result<Self, OpenError> {
        opening::open(dir, &settings)
    }

    fn write(&self, plan: impl FnOnce(&mut Planner, &Snapshot) -> Result<(Batch, Next)>) -> Result<()> {
        let mut planner = self.planner();
        let outcome = self.write_planned(&mut planner, plan);
        if outcome.is_err() {
            planner.forget();
        }
        outcome
    }

    fn write_planned(
        &self,
        planner: &mut Planner,
        plan: impl FnOnce(&mut Planner, &Snapshot) -> Result<(Batch, Next)>,
    ) -> Result<()> {
        let (batch, next) = plan(planner, &self.snapshot()?)?;
        let rewritten: Vec<Vec<u8>> = batch.blocks().map(<[u8]>::to_vec).collect();
        self.trees.commit(&self.database, batch, next.commits())?;
        self.blocks.forget(rewritten.iter().map(Vec::as_slice));
        planner.advance(next);
        Ok(())
    }

    fn planner(&self) -> MutexGuard<'_, Planner> {
        self.planner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Central for Embedded {
    fn snapshot(&self) -> Result<Snapshot> {
        let view = self.trees.view(self.database.snapshot());
        Ok(Snapshot::new(Arc::new(view), Arc::clone(&self.blocks)))
    }

    fn commit(&self, changes: &Changes) -> Result<()> {
        self.write(|planner, now| planner.plan(now, changes))
    }

    fn persist(&self) -> Result<Vec<Place>> {
        // Taken before the sync: a commit that slips in between may or may not be durable, and is not promised.
        let positions = self.planner().positions().to_vec();
        self.database.persist(PersistMode::SyncAll)?;
        Ok(positions)
    }

    fn replace_derived(&self, company: &CompanyId, from: &Snapshot) -> Result<()> {
        self.write(|planner, now| {
            planner.forget();
            planner.plan_derived(now, company, from)
        })
    }

    fn facts(&self) -> StoreFacts {
        StoreFacts {
            store_id: self.store_id,
            format_version: FORMAT_VERSION,
            bytes_on_disk: self.database.disk_space().unwrap_or(0),
            commits: self.planner().commits(),
        }
    }
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded").field("facts", &self.facts()).finish_non_exhaustive()
    }
}
