//! Replacing what is derived of one company by a recomputation: only rows that differ are written.

use super::Batch;
use crate::{
    Result, Snapshot,
    key::KeyWriter,
    port::{KeyRange, Order, Table},
    row::{decode, encode},
};
use cebe_catalog::CompanyId;
use cebe_engine::rows::{Point, Sum};
use std::{collections::BTreeMap, ops::ControlFlow};

/// Tables whose rows are all recomputed.
const WHOLE: [Table; 5] = [Table::Node, Table::Fact, Table::Activity, Table::Tally, Table::Held];

type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

pub(super) fn write(batch: &mut Batch, now: &Snapshot, company: &CompanyId, from: &Snapshot) -> Result<()> {
    for table in WHOLE {
        let (before, after) = (rows(now, table, company)?, rows(from, table, company)?);
        differences(batch, table, before, after);
    }
    let (before, replayed) = (rows(now, Table::Point, company)?, rows(from, Table::Point, company)?);
    let after = points(&before, &replayed)?;
    differences(batch, Table::Point, before, after);
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

/// Live as recomputed, sealed as it stands.
fn points(before: &Rows, replayed: &Rows) -> Result<Rows> {
    let mut points: BTreeMap<&Vec<u8>, Point> = BTreeMap::new();
    for (key, bytes) in before {
        let point: Point = decode(Table::Point, bytes)?;
        points.insert(key, Point { live: Sum::default(), sealed: point.sealed });
    }
    for (key, bytes) in replayed {
        let point: Point = decode(Table::Point, bytes)?;
        points.entry(key).or_default().live = point.live;
    }
    let kept = points.into_iter().filter(|(_, point)| !point.is_zero());
    Ok(kept.map(|(key, point)| (key.clone(), encode(&point))).collect())
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
