//! What the worker notes of a commit: how long its events took, and when names were last seen. Read, added to and written
//! in the same commit as all else.

use super::Batch;
use crate::{
    Result, Snapshot,
    row::{Stored, encode},
    rows::LatencyKey,
};
use cebe_engine::{
    change::Changes,
    latency::Latencies,
    rows::{LastSeen, LastSeenKey},
};
use serde::Serialize;
use std::collections::BTreeMap;

pub(super) fn write(batch: &mut Batch, now: &Snapshot, changes: &Changes) -> Result<()> {
    let latencies = changes.latencies.iter().map(|(key, row)| (LatencyKey(key.clone()), row));
    merge::<LatencyKey>(batch, now, latencies, Latencies::add)?;
    let seen = changes.last_seen.iter().map(|(key, row)| (key.clone(), row));
    merge::<LastSeenKey>(batch, now, seen, |row: &mut LastSeen, more| row.add(*more))
}

/// Adds rows to those that are stored; one that changes nothing is not written.
fn merge<'r, K: Stored>(
    batch: &mut Batch,
    now: &Snapshot,
    rows: impl Iterator<Item = (K, &'r K::Row)>,
    add: impl Fn(&mut K::Row, &K::Row),
) -> Result<()>
where
    K::Row: Default + Clone + PartialEq + Serialize + 'r,
{
    let mut merged: BTreeMap<Vec<u8>, K::Row> = BTreeMap::new();
    for (key, row) in rows {
        add(merged.entry(key.to_key()).or_default(), row);
    }
    let (keys, added): (Vec<Vec<u8>>, Vec<K::Row>) = merged.into_iter().unzip();
    let stored = now.values::<K::Row>(K::TABLE, &keys)?;
    for ((key, more), stored) in keys.into_iter().zip(added).zip(stored) {
        let stored = stored.unwrap_or_default();
        let mut row = stored.clone();
        add(&mut row, &more);
        if row != stored {
            batch.raw(K::TABLE, key, Some(encode(&row)));
        }
    }
    Ok(())
}
