//! Replacing what is derived of one company by a recomputation: only rows that differ are written.

use super::Batch;
use crate::{
    Result, Snapshot,
    key::KeyWriter,
    port::{KeyRange, Order, Table},
    row::{Stored, decode, encode},
};
use cebe_catalog::CompanyId;
use cebe_engine::rows::{ActivityKey, Adds, Parted, PointKey, Sum, TallyKey};
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, ops::ControlFlow};

/// Tables whose rows are all recomputed.
const WHOLE: [Table; 3] = [Table::Node, Table::Fact, Table::Held];

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

pub(super) fn write(batch: &mut Batch, now: &Snapshot, company: &CompanyId, from: &Snapshot) -> Result<()> {
    for table in WHOLE {
        let (before, after) = (rows(now, table, company)?, rows(from, table, company)?);
        differences(batch, table, before, after);
    }
    live::<PointKey, Sum>(batch, now, company, from)?;
    live::<ActivityKey, i64>(batch, now, company, from)?;
    live::<TallyKey, Sum>(batch, now, company, from)
}

/// Replaces the live part of every row of a table, and leaves the sealed part as it stands.
fn live<K, T>(batch: &mut Batch, now: &Snapshot, company: &CompanyId, from: &Snapshot) -> Result<()>
where
    K: Stored<Row = Parted<T>>,
    T: Adds + Serialize + DeserializeOwned,
{
    let (before, replayed) = (rows(now, K::TABLE, company)?, rows(from, K::TABLE, company)?);
    let mut parts: BTreeMap<&Vec<u8>, Parted<T>> = BTreeMap::new();
    for (key, bytes) in &before {
        let stored: Parted<T> = decode(K::TABLE, bytes)?;
        parts.insert(key, Parted { live: T::default(), sealed: stored.sealed });
    }
    for (key, bytes) in &replayed {
        let recomputed: Parted<T> = decode(K::TABLE, bytes)?;
        parts.entry(key).or_default().live = recomputed.live;
    }
    let kept = parts.into_iter().filter(|(_, parts)| !parts.is_zero());
    let after = kept.map(|(key, parts)| (key.clone(), encode(&parts))).collect();
    differences(batch, K::TABLE, before, after);
    Ok(())
}

fn rows(snapshot: &Snapshot, table: Table, company: &CompanyId) -> Result<Rows> {
    let mut rows = Rows::new();
    let range = KeyRange::prefix(KeyWriter::company(company).finish());
    snapshot.view().scan(table, range, Order::Forward, &mut |key, value| {
        rows.insert(key.to_vec(), value.to_vec());
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

fn differences(batch: &mut Batch, table: Table, mut before: Rows, after: Rows) {
    for (key, value) in after {
        if before.remove(&key).as_ref() != Some(&value) {
            batch.raw(table, key, Some(value));
        }
    }
    for key in before.into_keys() {
        batch.raw(table, key, None);
    }
}
