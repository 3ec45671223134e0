//! The store in PostgreSQL, for installations of several machines: ordinary tables, company first, the event log
//! partitioned by month of receipt. Every writer holds a shard by a lease; its commits move the shard's row from where it
//! left it, or write nothing. A writer whose commit failed does not know whether it is there: it is thrown away and opened
//! again, and reads where it stands. Read `migrations/` for what lies where, then `writer.rs` and `view.rs`.

mod cells;
mod events;
mod keys;
mod leases;
mod migrate;
mod months;
mod pool;
mod relations;
mod shape;
mod standing;
mod tls;
mod values;
mod view;
mod writer;

pub use leases::{Lease, LeaseRow, Leases, NodeRow, Turn};
pub use migrate::{Migration, SCHEMA_VERSION};

use crate::{
    OpenError, Result, StoreError,
    port::{Central, FORMAT_VERSION, FORMAT_VERSIONS_READ},
};
use cebe_catalog::Shard;
use months::Months;
use pool::{Pool, Use};
use std::{sync::Arc, time::Duration};
use writer::Store;

/// How a process uses the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PgSettings {
    /// Id shared with the queue: written by the first who names one, compared ever after. `None` does not compare.
    pub store_id: Option<[u8; 16]>,
    /// Most connections of this process: a sixth of them commit, two keep leases, the others read, each for one step or
    /// request at a time.
    pub connections_max: usize,
    /// How long a connection may take to open.
    pub connect_timeout: Duration,
    /// How long the network may be silent before a connection is given up.
    pub network_timeout: Duration,
    /// How many points each writer remembers, so that adding to them reads nothing.
    pub points_cached: usize,
    /// Makes or changes the tables on connecting, when this release needs it.
    pub migrate: bool,
}

impl Default for PgSettings {
    fn default() -> Self {
        Self {
            store_id: None,
            connections_max: 16,
            connect_timeout: Duration::from_secs(5),
            network_timeout: Duration::from_secs(15),
            points_cached: 20_000,
            migrate: true,
        }
    }
}

/// What a store is about: everything, for a reader; everything, for the only writer; or one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    All,
    Whole,
    Shard(Shard),
}

impl Scope {
    /// The row of `cebe.shards` of the one writer that owns everything.
    const WHOLE_ROW: i16 = 255;

    /// The row of `cebe.shards`; readers have none of their own.
    fn row(self) -> Option<i16> {
        match self {
            Self::All => None,
            Self::Whole => Some(Self::WHOLE_ROW),
            Self::Shard(shard) => Some(shard.number().into()),
        }
    }

    /// How a row's owner is called in messages.
    fn named(row: i16) -> String {
        let shard = u8::try_from(row).ok().and_then(Shard::numbered);
        shard.map_or_else(|| "all".to_owned(), |shard| shard.to_string())
    }
}

/// A database, and this process's connections to it.
pub struct Database {
    pool: Arc<Pool>,
    months: Arc<Months>,
    settings: PgSettings,
}

impl Database {
    /// Connects to `postgresql://user:password@host:port/database`, with `?sslrootcert=FILE` under TLS; makes the tables when that is allowed and needed, and compares the store id.
    pub fn connect(url: &str, settings: PgSettings) -> Result<Self, OpenError> {
        let (config, tls) = tls::of(url)?;
        let io = |source| OpenError::Io { path: "the runtime of connections".into(), source };
        let pool = Pool::new(config, tls, &settings).map_err(io)?;
        let database = Self { pool, months: Arc::default(), settings };
        if database.settings.migrate {
            database.migrate()?;
        }
        Ok(database)
    }

    /// The version of the tables; 0 when there are none.
    pub fn version(&self) -> Result<u32, OpenError> {
        migrate::version(&self.pool)
    }

    /// Brings the tables to what this release needs; gives the steps that were taken. Safe to run from many at once.
    pub fn migrate(&self) -> Result<Vec<Migration>, OpenError> {
        migrate::migrate(&self.pool)
    }

    /// The store of an installation with one writer. The newest such writer wins: an older one's commits fail.
    pub fn central(&self) -> Result<Arc<dyn Central>, OpenError> {
        self.check()?;
        self.open(Scope::Whole, None)
    }

    /// The store of one shard, as long as the lease holds. Waits for what a former holder is just committing.
    pub fn shard(&self, lease: &Lease) -> Result<Arc<dyn Central>, OpenError> {
        self.check()?;
        self.open(Scope::Shard(lease.shard), Some(lease.epoch))
    }

    /// Everything, for reading only.
    pub fn reader(&self) -> Result<Arc<dyn Central>, OpenError> {
        self.check()?;
        Ok(Arc::new(Store::reader(&self.pool, &self.months)))
    }

    /// The leases as a node sees them. `node` names one life of one process; a lease holds for `lease` behind its last
    /// renewal.
    pub fn leases(&self, node: &str, lease: Duration) -> Leases {
        Leases::new(Arc::clone(&self.pool), node, lease)
    }

    fn open(&self, scope: Scope, epoch: Option<i64>) -> Result<Arc<dyn Central>, OpenError> {
        let row = scope.row().ok_or(StoreError::ReadOnly)?;
        // It may wait for a former holder, and leases must be renewed meanwhile.
        let mut lent = self.pool.lend(Use::Read)?;
        let epoch = lent.wait(async |connection| standing::take(connection, row, epoch).await)?;
        lent.finished();
        drop(lent);
        let points = self.settings.points_cached;
        Ok(Arc::new(Store::writer(&self.pool, &self.months, scope, epoch, points)?))
    }

    /// Is this the store that is meant, in a layout that this release reads?
    fn check(&self) -> Result<(), OpenError> {
        match self.version()? {
            SCHEMA_VERSION => {}
            found => return Err(OpenError::Schema { found, known: SCHEMA_VERSION }),
        }
        let found = migrate::installation(&self.pool, self.settings.store_id)?;
        if !FORMAT_VERSIONS_READ.contains(&found.format_version) {
            return Err(OpenError::Format { found: found.format_version, known: FORMAT_VERSION });
        }
        match (found.store_id, self.settings.store_id) {
            (Some(found), Some(wanted)) if found != wanted => {
                let hex = |id| cebe_catalog::Token(id).to_hex();
                Err(OpenError::StoreId { found: hex(found), wanted: hex(wanted) })
            }
            _ => Ok(()),
        }
    }
}

/// The address as it may be shown.
fn without_secret(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) => format!("{scheme}://…@{host}"),
        (Some(_), None) => url.to_owned(),
        _ => "(not shown)".to_owned(),
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database").finish_non_exhaustive()
    }
}
