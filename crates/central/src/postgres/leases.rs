//! Who writes which shard: a lease is a row with owner, epoch and end, by the database's clock. Every new holder has a
//! higher epoch, so that a former one that wakes up late can do no harm.

use super::{
    cells::{Parameter, Timestamp},
    pool::{Pool, Use},
};
use crate::{Result, StoreError};
use cebe_catalog::{Micros, Shard};
use std::{sync::Arc, time::Duration};
use tokio_postgres::Row;

/// A shard held by this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Lease {
    /// Which.
    pub shard: Shard,
    /// Raised with every holder.
    pub epoch: i64,
}

/// A lease as anybody sees it, with where its shard stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRow {
    /// Which shard.
    pub shard: Shard,
    /// The node that holds it; none when it is free.
    pub node: Option<String>,
    /// Raised with every holder.
    pub epoch: i64,
    /// When it ends unless it is renewed.
    pub expires_at: Micros,
    /// It has ended.
    pub expired: bool,
    /// Commits of the shard.
    pub commits: u64,
    /// Next index to read of the live lane.
    pub live_position: Option<u64>,
    /// Next index to read of the backfill lane.
    pub backfill_position: Option<u64>,
}

/// A node as anybody sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeRow {
    /// Its name.
    pub node: String,
    /// When it was last heard.
    pub seen_at: Micros,
    /// It was heard within its lease.
    pub alive: bool,
    /// It gives its shards away and takes none.
    pub draining: bool,
}

/// What a node learns when it says that it lives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Leases it still holds, renewed.
    pub held: Vec<Lease>,
    /// Leases that others have by now: their writers must stop.
    pub lost: Vec<Lease>,
    /// Held ones that it should give away: another node lives without its share, or it is draining. To be released
    /// when their writers have come to rest.
    pub surplus: Vec<Lease>,
    /// Leases it just took.
    pub taken: Vec<Lease>,
    /// It was asked to drain.
    pub draining: bool,
}

/// The leases, as one node sees them.
#[derive(Clone)]
pub struct Leases {
    pool: Arc<Pool>,
    node: String,
    lease: Duration,
}

/// When a lease that begins now ends.
const END: &str = "clock_timestamp() + $2::bigint * interval '1 millisecond'";
/// A lease that may be taken.
const FREE: &str = "(l.node IS NULL OR l.expires_at < clock_timestamp())";

impl Leases {
    pub(super) fn new(pool: Arc<Pool>, node: &str, lease: Duration) -> Self {
        Self { pool, node: node.to_owned(), lease }
    }

    /// The node's name.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Takes a shard's lease, if it is free or has ended.
    pub fn acquire(&self, shard: Shard) -> Result<Option<Lease>> {
        let sql = format!(
            "UPDATE cebe.leases l SET node = $1, epoch = l.epoch + 1, expires_at = {END} \
             WHERE l.shard = $3 AND {FREE} RETURNING l.shard, l.epoch"
        );
        let parameters = [self.own(), vec![Box::new(i16::from(shard.number()))]].into_iter().flatten().collect();
        Ok(self.leases(&sql, parameters)?.pop())
    }

    /// Renews leases; gives those that are still held.
    pub fn renew(&self, leases: &[Lease]) -> Result<Vec<Lease>> {
        let sql = format!(
            "UPDATE cebe.leases l SET expires_at = {END} FROM unnest($3::smallint[], $4::bigint[]) AS h(shard, epoch) \
             WHERE l.shard = h.shard AND l.epoch = h.epoch AND l.node = $1 RETURNING l.shard, l.epoch"
        );
        self.leases(&sql, self.own_and(leases))
    }

    /// Gives leases back: another node can take them at once. What their writers are committing must be done.
    pub fn release(&self, leases: &[Lease]) -> Result<()> {
        const SQL: &str = "UPDATE cebe.leases l SET node = NULL, expires_at = clock_timestamp() \
             FROM unnest($3::smallint[], $4::bigint[]) AS h(shard, epoch) \
             WHERE $2::bigint >= 0 AND l.shard = h.shard AND l.epoch = h.epoch AND l.node = $1 RETURNING l.shard, l.epoch";
        self.leases(SQL, self.own_and(leases)).map(drop)
    }

    /// Asks a node to give its shards away and to take none; or no longer.
    pub fn drain(&self, node: &str, draining: bool) -> Result<()> {
        const SQL: &str = "INSERT INTO cebe.cluster_nodes (node, draining) VALUES ($1, $2) \
             ON CONFLICT (node) DO UPDATE SET draining = $2";
        self.execute(SQL, vec![Box::new(node.to_owned()), Box::new(draining)])
    }

    /// Everything a node does every third of its lease: it says that it lives, renews what it holds, takes what is free up
    /// to its share, and learns what it lost and what to give away.
    pub fn turn(&self, held: &[Lease]) -> Result<Turn> {
        let (draining, nodes) = self.heartbeat()?;
        let renewed = self.renew(held)?;
        let lost = held.iter().filter(|lease| !renewed.contains(lease)).copied().collect();
        let share = if draining { 0 } else { Shard::all().len().div_ceil(nodes.max(1)) };
        let taken = self.take(share.saturating_sub(renewed.len()))?;
        let surplus = renewed[share.min(renewed.len())..].to_vec();
        Ok(Turn { held: renewed, lost, surplus, taken, draining })
    }

    /// Says goodbye: the others need not wait for this node any more.
    pub fn leave(&self, held: &[Lease]) -> Result<()> {
        self.release(held)?;
        self.execute("DELETE FROM cebe.cluster_nodes WHERE node = $1", vec![Box::new(self.node.clone())])
    }

    /// Every lease, by shard; those never taken are free.
    pub fn list(&self) -> Result<Vec<LeaseRow>> {
        let sql = format!(
            "SELECT l.shard, l.node, l.epoch, l.expires_at, {FREE}, COALESCE(s.commits, 0), s.live_position, \
             s.backfill_position FROM cebe.leases l LEFT JOIN cebe.shards s ON s.shard = l.shard ORDER BY l.shard"
        );
        self.rows(&sql, Vec::new())?.iter().map(lease_row).collect()
    }

    /// Every node that was heard, by name.
    pub fn nodes(&self) -> Result<Vec<NodeRow>> {
        const SQL: &str =
            "SELECT node, seen_at, alive_until > clock_timestamp(), draining FROM cebe.cluster_nodes ORDER BY node";
        let node = |row: &Row| {
            Ok(NodeRow {
                node: row.try_get(0)?,
                seen_at: row.try_get::<_, Timestamp>(1)?.0,
                alive: row.try_get(2)?,
                draining: row.try_get(3)?,
            })
        };
        self.rows(SQL, Vec::new())?.iter().map(node).collect()
    }

    /// Says that the node lives; gives whether it is to drain, and how many nodes live that take shards.
    fn heartbeat(&self) -> Result<(bool, usize)> {
        let sql = format!(
            "WITH me AS (INSERT INTO cebe.cluster_nodes AS n (node, seen_at, alive_until) VALUES ($1, clock_timestamp(), {END}) \
             ON CONFLICT (node) DO UPDATE SET seen_at = clock_timestamp(), alive_until = {END} RETURNING draining) \
             SELECT (SELECT draining FROM me), (SELECT count(*) FROM cebe.cluster_nodes \
             WHERE node <> $1 AND alive_until > clock_timestamp() AND NOT draining)"
        );
        let rows = self.rows(&sql, self.own())?;
        let row = rows.first().ok_or(StoreError::Damaged(crate::Table::Meta))?;
        let draining: bool = row.try_get(0)?;
        let others = usize::try_from(row.try_get::<_, i64>(1)?).unwrap_or(0);
        Ok((draining, others + usize::from(!draining)))
    }

    /// Takes up to so many free leases.
    fn take(&self, leases_max: usize) -> Result<Vec<Lease>> {
        if leases_max == 0 {
            return Ok(Vec::new());
        }
        let sql = format!(
            "WITH free AS (SELECT l.shard FROM cebe.leases l WHERE {FREE} ORDER BY l.shard LIMIT $3 FOR UPDATE SKIP LOCKED) \
             UPDATE cebe.leases l SET node = $1, epoch = l.epoch + 1, expires_at = {END} FROM free \
             WHERE l.shard = free.shard RETURNING l.shard, l.epoch"
        );
        let mut parameters = self.own();
        parameters.push(Box::new(i64::try_from(leases_max).unwrap_or(i64::MAX)));
        self.leases(&sql, parameters)
    }

    /// The node and the milliseconds of its lease: the first two parameters.
    fn own(&self) -> Vec<Parameter<'_>> {
        let millis = i64::try_from(self.lease.as_millis()).unwrap_or(i64::MAX);
        vec![Box::new(self.node.clone()), Box::new(millis)]
    }

    fn own_and(&self, leases: &[Lease]) -> Vec<Parameter<'_>> {
        let mut parameters = self.own();
        parameters.push(Box::new(leases.iter().map(|lease| i16::from(lease.shard.number())).collect::<Vec<_>>()));
        parameters.push(Box::new(leases.iter().map(|lease| lease.epoch).collect::<Vec<_>>()));
        parameters
    }

    fn leases(&self, sql: &str, parameters: Vec<Parameter<'_>>) -> Result<Vec<Lease>> {
        let mut leases = Vec::new();
        for row in self.rows(sql, parameters)? {
            leases.push(Lease { shard: shard(&row)?, epoch: row.try_get(1)? });
        }
        leases.sort_unstable();
        Ok(leases)
    }

    fn rows(&self, sql: &str, parameters: Vec<Parameter<'_>>) -> Result<Vec<Row>> {
        let mut lent = self.pool.lend(Use::Lease)?;
        let rows = lent.wait(async |connection| Ok(connection.rows(sql, &parameters).await?))?;
        lent.finished();
        Ok(rows)
    }

    fn execute(&self, sql: &str, parameters: Vec<Parameter<'_>>) -> Result<()> {
        self.rows(sql, parameters).map(drop)
    }
}

fn shard(row: &Row) -> Result<Shard> {
    let number = u8::try_from(row.try_get::<_, i16>(0)?).ok();
    number.and_then(Shard::numbered).ok_or(StoreError::Damaged(crate::Table::Meta))
}

fn lease_row(row: &Row) -> Result<LeaseRow> {
    let position = |at| -> Result<Option<u64>> { Ok(row.try_get::<_, Option<i64>>(at)?.map(i64::cast_unsigned)) };
    Ok(LeaseRow {
        shard: shard(row)?,
        node: row.try_get(1)?,
        epoch: row.try_get(2)?,
        expires_at: row.try_get::<_, Timestamp>(3)?.0,
        expired: row.try_get(4)?,
        commits: row.try_get::<_, i64>(5)?.cast_unsigned(),
        live_position: position(6)?,
        backfill_position: position(7)?,
    })
}

impl std::fmt::Debug for Leases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Leases").field("node", &self.node).field("lease", &self.lease).finish_non_exhaustive()
    }
}
