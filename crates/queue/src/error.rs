//! What can go wrong, by operation. Each message that stops a start says what to do.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::facts::StoreId;
use crate::port::{Lane, Position};

/// Why an append was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AppendError {
    /// Too much is waiting to be written: nothing was stored.
    #[error("the {lane} lane has too much waiting, retry_after={retry_after:?}")]
    Busy {
        /// The lane that is behind.
        lane: Lane,
        /// When to try again.
        retry_after: Duration,
    },
    /// The storage is nearly full: nothing was stored.
    #[error("the queue's storage is full, retry_after={retry_after:?}")]
    Full {
        /// When to try again.
        retry_after: Duration,
    },
    /// There was no record to append.
    #[error("an append needs at least one record")]
    Empty,
    /// One append may not hold that much: nothing was stored, and it must be split.
    #[error("the append is too large, {what}={size} max={max}")]
    TooLarge {
        /// What was counted: `records`, `bytes` or `tag_bytes`.
        what: &'static str,
        /// How much there was.
        size: usize,
        /// How much there may be.
        max: usize,
    },
    /// The servers that hold the queue did not acknowledge it: the records may be there or not, whole or not at all.
    #[error("the servers that hold the queue did not acknowledge it: {reason}")]
    Unanswered {
        /// What is known.
        reason: String,
    },
    /// The queue has stopped writing; whether the records are there is not known.
    #[error("the queue has stopped writing: {reason}")]
    Stopped {
        /// Why it stopped.
        reason: String,
    },
}

impl AppendError {
    /// When trying again makes sense, if it does.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            AppendError::Busy { retry_after, .. } | AppendError::Full { retry_after } => Some(*retry_after),
            _ => None,
        }
    }
}

/// Why a read gave nothing.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The position was removed by [`trim`](crate::Queue::trim).
    #[error("position {at} of the {lane} lane is no longer there, first={first}")]
    Trimmed {
        /// The lane.
        lane: Lane,
        /// What was asked for.
        at: Position,
        /// The first position that is still there.
        first: Position,
    },
    /// The position was never given out: reader and queue do not belong together.
    #[error("position {at} of the {lane} lane was never written, end={end}")]
    Beyond {
        /// The lane.
        lane: Lane,
        /// What was asked for.
        at: Position,
        /// The end of the lane.
        end: Position,
    },
    /// What is stored does not check out.
    #[error("the {lane} lane is damaged at position {at}, path={path} offset={offset}: {detail}")]
    Damaged {
        /// The lane.
        lane: Lane,
        /// The position that could not be read.
        at: Position,
        /// The file.
        path: PathBuf,
        /// Where in the file.
        offset: u64,
        /// What did not check out.
        detail: String,
    },
    /// The servers that hold the queue gave no answer; it may be tried again.
    #[error("cannot read the {lane} lane from the stream {stream}: {detail}")]
    Unanswered {
        /// The lane.
        lane: Lane,
        /// The stream.
        stream: String,
        /// What is known.
        detail: String,
    },
    /// The storage refused.
    #[error("cannot read the {lane} lane, path={path}")]
    Io {
        /// The lane.
        lane: Lane,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// Why trimming did not finish. Nothing above the bound was touched; it may be tried again.
#[derive(Debug, Error)]
#[error("cannot remove an old part of the {lane} lane, path={path}")]
pub struct TrimError {
    /// The lane.
    pub lane: Lane,
    /// The file.
    pub path: PathBuf,
    /// The cause.
    pub source: io::Error,
}

/// What ended the writing for good: a write or flush whose effect is unknown.
#[derive(Debug, Error)]
#[error("cannot {action} the {lane} lane, nothing is acknowledged from here on")]
pub struct FatalError {
    /// The lane that was being written.
    pub lane: Lane,
    /// What failed: `write`, `flush`, `roll`.
    pub action: &'static str,
    /// The cause.
    pub source: io::Error,
}

/// Why a store was not opened. Nothing was changed, unless it says so.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("the queue in {dir} is in use by another process; stop that one, or choose another folder")]
    Locked {
        /// The folder.
        dir: PathBuf,
    },
    /// Written by another release.
    #[error(
        "{path} has format {found}, this release reads format {known}; start the release that wrote it, let it drain \
         the queue, then upgrade"
    )]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// The format it has.
        found: u32,
        /// The format known here.
        known: u32,
    },
    /// A file of another store lies here.
    #[error("{path} belongs to store {found}, this is store {expected}; move the file to where it came from")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        found: StoreId,
        /// Whose folder it is in.
        expected: StoreId,
    },
    /// Something that must be there is not.
    #[error("{path} is missing though the queue was used before; restore the queue folder as a whole from a copy")]
    Missing {
        /// The file or folder.
        path: PathBuf,
    },
    /// Records between two segments are missing.
    #[error(
        "{path} starts at position {found}, the segment before it ends at {expected}; restore the missing segment from \
         a copy"
    )]
    Gap {
        /// The later segment.
        path: PathBuf,
        /// Where the earlier one ends.
        expected: Position,
        /// Where the later one starts.
        found: Position,
    },
    /// A part that had been flushed does not check out.
    #[error(
        "{path} is damaged at offset {offset} (position {at}): {detail}; acknowledged records may be lost, so nothing \
         was cut; check the disk and restore this file from a copy"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in the file.
        offset: u64,
        /// The position that cannot be read.
        at: Position,
        /// What did not check out.
        detail: String,
    },
    /// The system gave no random bytes for a store id.
    #[error("the system gives no random bytes for a store id: {detail}")]
    NoRandom {
        /// What it said.
        detail: String,
    },
    /// The storage refused.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}
