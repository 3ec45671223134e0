//! Where a shard stands: commits, positions, what the writer remembers. One row of `cebe.shards` each, moved by every
//! commit from what it was to what it will be; a writer whose row was moved by another finds it cannot.

use super::{Scope, cells::Parameter, pool::Connection};
use crate::{Result, StoreError, write::Next};
use cebe_catalog::Lane;
use cebe_engine::rows::Place;
use tokio_postgres::error::SqlState;

/// Where a shard stands.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Standing {
    pub(super) commits: u64,
    pub(super) control_version: u64,
    pub(super) positions: Vec<Place>,
    pub(super) newest_id: Option<[u8; 16]>,
    pub(super) store_id: Option<[u8; 16]>,
}

/// Reads it. For readers of everything the counts of all shards add up, and positions, which mean nothing together, are
/// those of an installation with one writer.
pub(super) async fn read(connection: &mut Connection, scope: Scope) -> Result<Standing> {
    const SQL: &str = "SELECT COALESCE(sum(commits), 0)::bigint, COALESCE(sum(control_version), 0)::bigint, \
         max(live_position) FILTER (WHERE shard = $2), max(backfill_position) FILTER (WHERE shard = $2), \
         (SELECT newest_id FROM cebe.shards s WHERE s.newest_id IS NOT NULL AND ($1::smallint IS NULL OR s.shard = $1) \
         ORDER BY s.newest_id DESC LIMIT 1), (SELECT store_id FROM cebe.installation) \
         FROM cebe.shards WHERE $1::smallint IS NULL OR shard = $1";
    let parameters: Vec<Parameter<'_>> = vec![Box::new(scope.row()), Box::new(scope.row().unwrap_or(Scope::WHOLE_ROW))];
    let rows = connection.rows(SQL, &parameters).await?;
    let row = rows.first().ok_or(StoreError::Damaged(crate::Table::Meta))?;
    let id = |at| -> Result<Option<[u8; 16]>> {
        Ok(row.try_get::<_, Option<Vec<u8>>>(at)?.and_then(|bytes| bytes.try_into().ok()))
    };
    let mut positions = Vec::new();
    for (lane, at) in [(Lane::Live, 2), (Lane::Backfill, 3)] {
        let index = row.try_get::<_, Option<i64>>(at)?;
        positions.extend(index.map(|index| Place { lane, index: index.cast_unsigned() }));
    }
    Ok(Standing {
        commits: row.try_get::<_, i64>(0)?.cast_unsigned(),
        control_version: row.try_get::<_, i64>(1)?.cast_unsigned(),
        positions,
        newest_id: id(4)?,
        store_id: id(5)?,
    })
}

/// Moves it, inside the transaction of a commit. If the row is not where this writer left it, the lease was lost.
pub(super) async fn advance(
    connection: &mut Connection,
    (shard, epoch): (i16, i64),
    before: (u64, &[Place]),
    next: &Next,
) -> Result<()> {
    const SQL: &str = "UPDATE cebe.shards SET commits = $3, control_version = $4, live_position = $5, \
         backfill_position = $6, newest_id = $7, committed_at = now() WHERE shard = $1 AND epoch = $2 \
         AND commits = $8 AND live_position IS NOT DISTINCT FROM $9 AND backfill_position IS NOT DISTINCT FROM $10";
    let index =
        |places: &[Place], lane| places.iter().find(|place| place.lane == lane).map(|place| place.index.cast_signed());
    let parameters: Vec<Parameter<'_>> = vec![
        Box::new(shard),
        Box::new(epoch),
        Box::new(next.commits().cast_signed()),
        Box::new(next.control_version().cast_signed()),
        Box::new(index(next.positions(), Lane::Live)),
        Box::new(index(next.positions(), Lane::Backfill)),
        Box::new(next.newest_id().map(|id| id.to_vec())),
        Box::new(before.0.cast_signed()),
        Box::new(index(before.1, Lane::Live)),
        Box::new(index(before.1, Lane::Backfill)),
    ];
    match connection.execute(SQL, &parameters).await? {
        0 => Err(StoreError::LeaseLost { shard: Scope::named(shard) }),
        _ => Ok(()),
    }
}

/// The beginning of a commit of a shard. That it is under way is seen by whoever takes the shard next.
pub(super) fn begin(shard: i16) -> String {
    format!("BEGIN; SELECT pg_advisory_xact_lock_shared({COMMITTING}, {shard})")
}

/// The first key of the locks that name commits under way; the second is the shard.
const COMMITTING: i32 = i32::from_be_bytes(*b"cebe");

/// How long whoever had a shard is waited for at a time, and how often.
const FORMER_WAIT: &str = "SET LOCAL lock_timeout = '2s'";
const FORMER_WAITS: usize = 5;

/// Takes a shard for a writer of an epoch: whoever had it finishes or fails first. One that does neither in time was cut
/// off or paused in the middle of a commit, and would keep the shard for as long as the server takes it for alive: its
/// session is ended. Without an epoch the next one is taken.
pub(super) async fn take(connection: &mut Connection, shard: i16, epoch: Option<i64>) -> Result<i64> {
    for _ in 1..FORMER_WAITS {
        match take_in_time(connection, shard, epoch).await {
            Err(StoreError::Committing { .. }) => end_commits(connection, shard).await?,
            taken => return taken,
        }
    }
    take_in_time(connection, shard, epoch).await
}

async fn take_in_time(connection: &mut Connection, shard: i16, epoch: Option<i64>) -> Result<i64> {
    connection.run(&format!("BEGIN; {FORMER_WAIT}")).await?;
    let taken = take_now(connection, shard, epoch).await;
    connection.run(if taken.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
    taken
}

/// Ends the sessions that are committing to a shard. Without the right to, they are waited for.
async fn end_commits(connection: &mut Connection, shard: i16) -> Result<()> {
    const SQL: &str = "SELECT pid, pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 \
         AND classid::bigint = $1 AND objid::bigint = $2 AND pid <> pg_backend_pid() \
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let parameters: Vec<Parameter<'_>> =
        vec![Box::new(i64::from(COMMITTING)), Box::new(i64::from(i32::from(shard).cast_unsigned()))];
    match connection.rows(SQL, &parameters).await {
        Ok(ended) => {
            for row in ended {
                let (shard, session) = (Scope::named(shard), row.try_get::<_, i32>(0)?);
                tracing::warn!(shard, session, "a former holder of the shard hung in a commit; its session was ended");
            }
            Ok(())
        }
        Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => {
            tracing::warn!(shard = Scope::named(shard), %error, "a former holder of the shard hangs in a commit");
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

async fn take_now(connection: &mut Connection, shard: i16, epoch: Option<i64>) -> Result<i64> {
    // An installation that had one writer before goes on counting its commits.
    const SQL: &str = "INSERT INTO cebe.shards AS s (shard, epoch, commits) \
         SELECT $1, COALESCE($2::bigint, 1), COALESCE(max(commits), 0) FROM cebe.shards WHERE shard = $3 \
         ON CONFLICT (shard) DO UPDATE SET epoch = COALESCE($2::bigint, s.epoch + 1) \
         WHERE $2::bigint IS NULL OR s.epoch <= $2::bigint RETURNING s.epoch";
    let parameters: Vec<Parameter<'_>> = vec![Box::new(shard), Box::new(epoch), Box::new(Scope::WHOLE_ROW)];
    let rows = match connection.rows(SQL, &parameters).await {
        Err(error) if error.code() == Some(&SqlState::LOCK_NOT_AVAILABLE) => {
            return Err(StoreError::Committing { shard: Scope::named(shard) });
        }
        answered => answered?,
    };
    match rows.first() {
        Some(row) => Ok(row.try_get(0)?),
        None => Err(StoreError::LeaseLost { shard: Scope::named(shard) }),
    }
}
