//! The tables, as steps that are part of the binary: each is taken once, in order, in a transaction of its own.

use super::{
    cells::Parameter,
    pool::{Pool, Use},
};
use crate::{
    OpenError, Result, StoreError,
    port::{FORMAT_VERSION, StoreFacts},
};
use std::sync::Arc;
use tokio_postgres::error::SqlState;

/// The version that this release reads and writes: the number of steps.
pub const SCHEMA_VERSION: u32 = 2;

const STEPS: [(&str, &str); SCHEMA_VERSION as usize] = [
    ("tables", include_str!("migrations/0001_tables.sql")),
    ("sealed parts", include_str!("migrations/0002_sealed_parts.sql")),
];

/// A step that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its number.
    pub version: u32,
    /// What it does.
    pub name: &'static str,
}

pub(super) fn version(pool: &Arc<Pool>) -> Result<u32, OpenError> {
    let mut lent = pool.lend(Use::Lease)?;
    let version = lent.wait(async |connection| {
        match connection.rows("SELECT COALESCE(max(version), 0) FROM cebe.migrations", &[]).await {
            Ok(rows) => Ok(rows.first().map(|row| row.try_get::<_, i32>(0)).transpose()?.unwrap_or(0)),
            Err(error) if is_missing(&error) => Ok(0),
            Err(error) => Err(StoreError::from(error)),
        }
    })?;
    lent.finished();
    Ok(version.cast_unsigned())
}

fn is_missing(error: &tokio_postgres::Error) -> bool {
    matches!(error.code(), Some(&SqlState::UNDEFINED_TABLE | &SqlState::INVALID_SCHEMA_NAME))
}

pub(super) fn migrate(pool: &Arc<Pool>) -> Result<Vec<Migration>, OpenError> {
    let found = version(pool)?;
    if found > SCHEMA_VERSION {
        return Err(OpenError::Schema { found, known: SCHEMA_VERSION });
    }
    let mut taken = Vec::new();
    for (version, (name, sql)) in (1..).zip(STEPS).skip(found as usize) {
        if take(pool, version, name, sql)? {
            taken.push(Migration { version, name });
        }
    }
    Ok(taken)
}

/// Takes a step, unless another process took it meanwhile.
fn take(pool: &Arc<Pool>, version: u32, name: &str, sql: &str) -> Result<bool, OpenError> {
    let mut lent = pool.lend(Use::Lease)?;
    let taken = lent.wait(async |connection| {
        connection.run("BEGIN; SELECT pg_advisory_xact_lock(hashtext('cebe.migrations'))").await?;
        connection
            .run(
                "CREATE SCHEMA IF NOT EXISTS cebe; CREATE TABLE IF NOT EXISTS cebe.migrations \
                 (version int PRIMARY KEY, name text NOT NULL, taken_at timestamptz NOT NULL DEFAULT now())",
            )
            .await?;
        const NOTE: &str = "INSERT INTO cebe.migrations (version, name) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        let parameters: Vec<Parameter<'_>> = vec![Box::new(version.cast_signed()), Box::new(name.to_owned())];
        let is_new = connection.execute(NOTE, &parameters).await? == 1;
        if is_new {
            connection.run(sql).await?;
        }
        connection.run("COMMIT").await?;
        Ok(is_new)
    })?;
    lent.finished();
    Ok(taken)
}

/// What the database says of itself; an id that is named first is written.
pub(super) fn installation(pool: &Arc<Pool>, store_id: Option<[u8; 16]>) -> Result<StoreFacts, OpenError> {
    const WRITE: &str = "INSERT INTO cebe.installation AS i (format_version, store_id) VALUES ($1, $2) \
         ON CONFLICT (only_one) DO UPDATE SET store_id = COALESCE(i.store_id, excluded.store_id) \
         RETURNING format_version, store_id";
    let mut lent = pool.lend(Use::Lease)?;
    let facts = lent.wait(async |connection| {
        let parameters: Vec<Parameter<'_>> =
            vec![Box::new(FORMAT_VERSION.cast_signed()), Box::new(store_id.map(|id| id.to_vec()))];
        let rows = connection.rows(WRITE, &parameters).await?;
        let row = rows.first().ok_or(StoreError::Damaged(crate::Table::Meta))?;
        let id: Option<Vec<u8>> = row.try_get(1)?;
        Ok(StoreFacts {
            store_id: id.and_then(|id| id.try_into().ok()),
            format_version: row.try_get::<_, i32>(0)?.cast_unsigned(),
            ..StoreFacts::default()
        })
    })?;
    lent.finished();
    Ok(facts)
}
