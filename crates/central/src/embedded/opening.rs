//! Opening a store: lock, mend the journal, open the trees, check that they stand together, are of this format and
//! belong to the queue beside them.

use super::{Embedded, EmbeddedSettings, background::behind, journal, trees::Trees};
use crate::{
    OpenError, Snapshot,
    blocks::BlockCache,
    port::{FORMAT_VERSION, FORMAT_VERSIONS_READ},
    rows::MetaKey,
    write::{Batch, Planner},
};
use fjall::{CompressionType, Database, PersistMode};
use std::{
    fs::{File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

const LOCK: &str = "lock";
const TREES: &str = "trees";
const SET_ASIDE: &str = "set-aside";
const JOURNAL_BYTES_MIN: u64 = 64 * 1024 * 1024;

pub(super) fn open(dir: &Path, settings: &EmbeddedSettings) -> Result<Embedded, OpenError> {
    std::fs::create_dir_all(dir).map_err(at(dir))?;
    // The trees' own lock comes too late: the journal is read, and perhaps cut, before they open.
    let lock = lock(dir)?;
    let path = trees_in(dir);
    journal::mend(&path, &dir.join(SET_ASIDE))?;
    let database = behind(|| database(&path, settings)).map_err(|error| match error {
        fjall::Error::Locked => OpenError::Locked(dir.to_path_buf()),
        error => OpenError::Backend(error),
    })?;
    let trees = Trees::open(&database, settings)?;
    let commits = stand_together(&trees, &database)?;
    let blocks = Arc::new(BlockCache::new(settings.blocks_cached));
    let now = Snapshot::new(Arc::new(trees.view(database.snapshot())), Arc::clone(&blocks));
    let first = first_rows(&now, settings)?;
    if let Some(batch) = first {
        trees.commit(&database, batch, commits)?;
        database.persist(PersistMode::SyncAll)?;
    }
    let planner = Mutex::new(Planner::new(&now, settings.points_cached)?);
    let store_id = now.store_id()?.or(settings.store_id);
    Ok(Embedded { database, trees, planner, blocks, store_id, _lock: lock })
}

/// Where the trees lie in a store's folder.
pub(super) fn trees_in(dir: &Path) -> PathBuf {
    dir.join(TREES)
}

pub(super) fn database(path: &Path, settings: &EmbeddedSettings) -> Result<Database, fjall::Error> {
    Database::builder(path)
        .cache_size(settings.cache_bytes)
        .max_journaling_size(settings.journal_bytes_max.max(JOURNAL_BYTES_MIN))
        .journal_compression(CompressionType::None)
        .worker_threads(settings.worker_threads.max(1))
        .manual_journal_persist(true)
        .open()
}

pub(super) fn lock(dir: &Path) -> Result<File, OpenError> {
    let path = dir.join(LOCK);
    let file = File::options().create(true).write(true).truncate(false).open(&path).map_err(at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked(dir.to_path_buf())),
        Err(TryLockError::Error(source)) => Err(OpenError::Io { path, source }),
    }
}

/// The number of the last commit, the same in every tree.
fn stand_together(trees: &Trees, database: &Database) -> Result<u64, OpenError> {
    let marks = trees.marks(&database.snapshot())?;
    match marks.iter().all(|mark| *mark == marks[0]) {
        true => Ok(marks[0]),
        false => Err(OpenError::Torn(format!("seen {}, body {}, rows {}", marks[0], marks[1], marks[2]))),
    }
}

/// Compares format and store id with what is wanted; gives the rows to write when they are not there yet.
fn first_rows(now: &Snapshot, settings: &EmbeddedSettings) -> Result<Option<Batch>, OpenError> {
    let mut batch = Batch::default();
    match now.meta::<u32>(MetaKey::Format)? {
        Some(FORMAT_VERSION) => {}
        Some(found) if !FORMAT_VERSIONS_READ.contains(&found) => {
            return Err(OpenError::Format { found, known: FORMAT_VERSION });
        }
        // What is written from now on an earlier release does not read.
        _ => batch.put_meta(MetaKey::Format, &FORMAT_VERSION),
    }
    match (now.store_id()?, settings.store_id) {
        (Some(found), Some(wanted)) if found != wanted => {
            return Err(OpenError::StoreId { found: hex(found), wanted: hex(wanted) });
        }
        (None, Some(wanted)) => batch.put_meta(MetaKey::StoreId, &wanted),
        _ => {}
    }
    Ok((!batch.is_empty()).then_some(batch))
}

fn hex(id: [u8; 16]) -> String {
    cebe_catalog::Token(id).to_hex()
}

/// Says which file an IO error is about.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> OpenError + use<> {
    let path = PathBuf::from(path);
    move |source| OpenError::Io { path, source }
}
