//! Backups: one file with the rows of the Central DB at one moment, the queue from there on and the files of history, which
//! lie sealed; and a store made of it again. Taken while the store works. The master key is never in it. Read `taking` for what makes a backup whole, `format` for the file.

mod format;
mod restoring;
mod taking;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub(crate) use format::Check;
pub(crate) use restoring::{RestoreError, restore};
pub(crate) use taking::{Source, take};

/// Folders of the data folder, as a backup names their files.
const QUEUE: &str = "queue";
const CENTRAL: &str = "central";
const HISTORY: &str = "backfills";

/// What a backup says of itself at its start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// Of the file: raised when an older release could not read it.
    pub(crate) format: u32,
    /// The release that took it.
    pub(crate) version: String,
    /// When it was begun, RFC 3339.
    pub(crate) taken_at: String,
    /// The id that queue and Central DB share.
    pub(crate) store: String,
    /// The layout of the rows.
    pub(crate) rows_format: u32,
    /// Commits behind the rows.
    pub(crate) commits: u64,
    /// The next index to apply of the live lane.
    pub(crate) live_applied: u64,
    /// The next index to apply of the backfill lane.
    pub(crate) backfill_applied: u64,
}

/// What a backup says of itself at its end: without it, it is not whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct End {
    /// Rows of the Central DB.
    pub(crate) rows: u64,
    /// Files: of the queue, and of history.
    pub(crate) files: u64,
    /// Bytes of those files.
    pub(crate) file_bytes: u64,
}

/// A backup that was read to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Summary {
    /// Its start.
    #[serde(flatten)]
    pub(crate) head: Head,
    /// Its end.
    #[serde(flatten)]
    pub(crate) end: End,
}
