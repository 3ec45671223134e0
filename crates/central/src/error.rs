//! What can go wrong with a store, and what to do about it.

use crate::port::Table;
use std::path::PathBuf;

/// A read or a commit failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Bytes that are not a row.
    #[error("a row of the table {0:?} is damaged; run `cebe verify`, then rebuild or restore")]
    Damaged(Table),
    /// A row written by another release.
    #[error(
        "a row of the table {table:?} has format {found}, which this release does not read; start the release that wrote it"
    )]
    RowFormat {
        /// Where.
        table: Table,
        /// The format byte found.
        found: u8,
    },
    /// A key part is longer than a key may be.
    #[error("a key of the table {0:?} is longer than 65,535 bytes")]
    KeyTooLong(Table),
    /// A row points to an event that is not there.
    #[error("the log holds no event at {0}, although a row points there; run `cebe verify`")]
    Dangling(String),
    /// The disk or the engine below failed.
    #[error("the store failed: {0}")]
    Backend(#[from] fjall::Error),
}

impl StoreError {
    /// Whether the store takes nothing more until it is opened again: a write or flush failed, and what is on the disk is
    /// not known.
    pub fn is_lasting(&self) -> bool {
        matches!(self, Self::Backend(fjall::Error::Poisoned))
    }
}

/// A store was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("{0} is in use by another process; stop it first (one process writes a store at a time)")]
    Locked(PathBuf),
    /// The queue beside it belongs to another store.
    #[error(
        "the store has id {found}, but {wanted} is expected: queue and store do not belong together; \
         put the folders back that were made together, or start with an empty store and let the queue replay"
    )]
    StoreId {
        /// What the store says, in hex.
        found: String,
        /// What was asked for, in hex.
        wanted: String,
    },
    /// Another layout.
    #[error(
        "the store has format {found}, this release reads {known}; {}",
        if found > known { "start the release that wrote it" } else { "export it with the release that wrote it and import it here" }
    )]
    Format {
        /// What the store says.
        found: u32,
        /// What this release reads.
        known: u32,
    },
    /// The parts of the store stand at different commits.
    #[error(
        "the store's parts stand at different commits ({0}): its journal lost what its tables already held; \
         restore a backup, or move the folder away and let the queue replay into an empty store"
    )]
    Torn(String),
    /// The file system failed.
    #[error("cannot use {path}: {source}")]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The engine below did not open.
    #[error("the store does not open: {0}")]
    Backend(#[from] fjall::Error),
    /// Its first rows could not be read or written.
    #[error("the store does not open: {0}")]
    Store(#[from] StoreError),
}
