//! What can go wrong with a store, and what to do about it.

use crate::port::Table;
use std::path::PathBuf;
use tokio_postgres::error::SqlState;

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
    /// The database was not reached, or it refused.
    #[error("{}", PgFault(.0))]
    Postgres(#[from] tokio_postgres::Error),
    /// Another writer has the shard.
    #[error(
        "shard {shard} has another writer by now, and nothing was written: whoever holds its lease goes on; \
         take the lease again to write"
    )]
    LeaseLost {
        /// Which: its number, or `all` where one writer owns everything.
        shard: String,
    },
    /// Whoever had the shard before has a commit under way that does not end.
    #[error(
        "a former holder of shard {shard} hangs in a commit, and its session could not be ended; end it in the database \
         (pg_terminate_backend), or wait until the database does"
    )]
    Committing {
        /// Which.
        shard: String,
    },
    /// Every connection is in use.
    #[error(
        "all {connections} connections to the database are in use; the database is slow, or more are needed \
         (connections_max)"
    )]
    Busy {
        /// How many there are.
        connections: usize,
    },
    /// The database is there, and is not one that can be read.
    #[error("the database does not open: {0}")]
    NotOpened(String),
    /// A commit was asked of a store that only reads.
    #[error("this store only reads; commits go through the writer that holds the lease")]
    ReadOnly,
}

impl StoreError {
    /// Is it about a database that is not reached now, and may be later?
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Postgres(_) | Self::Committing { .. } | Self::Busy { .. } | Self::NotOpened(_))
    }
}

impl StoreError {
    /// Whether it is about what was to be written, and will be said again however often it is tried: a value or a row that
    /// the database does not take, or a key that is too long.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::KeyTooLong(_) => true,
            // Data exceptions, broken constraints, limits of the program.
            Self::Postgres(error) => error.code().is_some_and(|code| ["22", "23", "54"].contains(&&code.code()[..2])),
            _ => false,
        }
    }

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
    /// The address of a database is not one.
    #[error("`{0}` is not the address of a database; it looks like postgresql://user@host:5432/cebe")]
    Address(String),
    /// TLS was asked for, and nothing to check the certificate by.
    #[error("the address asks for TLS: name the file of the certificate authority too, as sslrootcert=FILE")]
    NoAuthority,
    /// The database needs its tables made or changed first.
    #[error(
        "the database has schema version {found}, this release needs {known}; {}",
        if found > known { "start the release that wrote it" } else { "run `cebe migrate`, or allow it on start" }
    )]
    Schema {
        /// What it has; 0 when it is empty.
        found: u32,
        /// What this release needs.
        known: u32,
    },
    /// Its first rows could not be read or written.
    #[error("the store does not open: {0}")]
    Store(#[from] StoreError),
}

/// What the database said, without the details, which may name values of rows.
struct PgFault<'e>(&'e tokio_postgres::Error);

impl std::fmt::Display for PgFault<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.as_db_error() {
            Some(error) => {
                write!(f, "the database refused: {} (SQLSTATE {})", error.message(), error.code().code())?;
                match *error.code() == SqlState::INSUFFICIENT_PRIVILEGE {
                    true => write!(f, "; the role in the address must own the database, or CEBE's tables in it"),
                    false => Ok(()),
                }
            }
            None => {
                let cause = std::error::Error::source(self.0).map(|cause| format!(": {cause}")).unwrap_or_default();
                write!(f, "the database cannot be reached: {}{cause}; it is tried again once it is back", self.0)
            }
        }
    }
}
