//! Replacing what is derived of one company by a recomputation: only rows that differ are written.

use super::{Batch, nodes::write as write_nodes};
use crate::{
    Result, Snapshot,
    key::KeyWriter,
    port::{KeyRange, Order, Table},
    row::{Stored, decode, encode},
};
use cebe_catalog::CompanyId;
use cebe_engine::{
    change::{Changes, Counts},
    rows::{ActivityKey, Adds, NodeKey, NodeRow, Parted, PointKey, Sum, TallyKey},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{collections::BTreeMap, ops::ControlFlow, sync::Arc};

/// Tables whose rows are all recomputed; rows of nodes are not the same in every store.
const WHOLE: [Table; 2] = [Table::Fact, Table::Held];

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

pub(super) fn write(batch: &mut Batch, now: &Snapshot, company: &CompanyId, from: &Snapshot) -> Result<()> {
    for table in WHOLE {
        let (before, after) = (rows(now, table, company)?, rows(from, table, company)?);
        differences(batch, table, before, after);
    }
    nodes(batch, now, company, from)?;
    live::<PointKey, Sum>(batch, now, company, from)?;
    live::<ActivityKey, i64>(batch, now, company, from)?;
    live::<TallyKey, Sum>(batch, now, company, from)
}

fn nodes(batch: &mut Batch, now: &Snapshot, company: &CompanyId, from: &Snapshot) -> Result<()> {
    let mut before = BTreeMap::new();
    now.nodes(company, &mut |node, row| {
        before.insert(node, row);
        ControlFlow::Continue(())
    })?;
    let mut changes = Changes::default();
    let mut change = |node, before: Option<&NodeRow>, after: Option<NodeRow>| {
        let key = NodeKey { company: company.clone(), node };
        let (nothing, becomes) = (NodeRow::default(), after.as_ref());
        let counts = Counts::between(before.unwrap_or(&nothing), becomes.unwrap_or(&nothing));
        changes.node_counts.extend(counts.map(|counts| (key.clone(), counts)));
        changes.nodes.push((key, after.map(Arc::new)));
    };
    from.nodes(company, &mut |node, row| {
        let stored = before.remove(&node);
        if stored.as_ref() != Some(&row) {
            change(node, stored.as_ref(), Some(row));
        }
        ControlFlow::Continue(())
    })?;
    before.into_iter().for_each(|(node, row)| change(node, Some(&row), None));
    write_nodes(batch, &changes, now.view().counts_lie_apart());
    Ok(())
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
