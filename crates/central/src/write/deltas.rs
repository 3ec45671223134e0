//! What only adds: points, activity, tallies, outcome counts. Read, added to and written in one commit; a row at zero
//! goes.

use super::Batch;
use crate::{
    Result, Snapshot,
    row::{Stored, encode},
};
use cebe_engine::{
    change::Changes,
    rows::{Arrivals, Outcomes, Point, Sum},
};
use std::collections::{BTreeMap, HashMap};

/// A row that adds up.
trait Delta: Copy + Default {
    fn add(&mut self, other: Self);
    fn is_zero(&self) -> bool;
}

impl Delta for Point {
    fn add(&mut self, other: Self) {
        Point::add(self, other);
    }

    fn is_zero(&self) -> bool {
        Point::is_zero(*self)
    }
}

impl Delta for Sum {
    fn add(&mut self, other: Self) {
        *self += other;
    }

    fn is_zero(&self) -> bool {
        Sum::is_zero(*self)
    }
}

impl Delta for i64 {
    fn add(&mut self, other: Self) {
        *self += other;
    }

    fn is_zero(&self) -> bool {
        *self == 0
    }
}

impl Delta for Outcomes {
    fn add(&mut self, other: Self) {
        Outcomes::add(self, other);
    }

    fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

impl Delta for Arrivals {
    fn add(&mut self, other: Self) {
        Arrivals::add(self, other);
    }

    fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

/// The points written last, as they are stored (zero for none): a company's points of the hour are hit by every commit.
#[derive(Debug)]
pub(crate) struct PointCache {
    points: HashMap<Vec<u8>, Point>,
    points_max: usize,
}

impl PointCache {
    pub(crate) fn new(points_max: usize) -> Self {
        Self { points: HashMap::new(), points_max }
    }

    pub(crate) fn clear(&mut self) {
        self.points.clear();
    }

    fn keep(&mut self, key: &[u8], point: Point) {
        if self.points.len() >= self.points_max {
            self.points.clear();
        }
        if self.points_max > 0 {
            self.points.insert(key.to_vec(), point);
        }
    }
}

pub(super) fn write(batch: &mut Batch, now: &Snapshot, changes: &Changes, cache: &mut PointCache) -> Result<()> {
    for (key, delta) in total(&changes.points) {
        let mut point = match cache.points.get(&key) {
            Some(point) => *point,
            None => stored::<cebe_engine::rows::PointKey>(now, &key)?,
        };
        Delta::add(&mut point, delta);
        cache.keep(&key, point);
        put::<cebe_engine::rows::PointKey>(batch, key, point);
    }
    add(batch, now, &changes.activity)?;
    add(batch, now, &changes.tallies)?;
    add(batch, now, &changes.outcomes)?;
    add(batch, now, &changes.arrivals)
}

fn add<K: Stored<Row: Delta>>(batch: &mut Batch, now: &Snapshot, deltas: &[(K, K::Row)]) -> Result<()> {
    for (key, delta) in total(deltas) {
        let mut row = stored::<K>(now, &key)?;
        row.add(delta);
        put::<K>(batch, key, row);
    }
    Ok(())
}

/// One delta per key, in key order, without those that change nothing.
fn total<K: Stored<Row: Delta>>(deltas: &[(K, K::Row)]) -> BTreeMap<Vec<u8>, K::Row> {
    let mut total: BTreeMap<Vec<u8>, K::Row> = BTreeMap::new();
    for (key, delta) in deltas {
        total.entry(key.to_key()).or_default().add(*delta);
    }
    total.retain(|_, delta| !delta.is_zero());
    total
}

fn stored<K: Stored<Row: Delta>>(now: &Snapshot, key: &[u8]) -> Result<K::Row> {
    Ok(now.value(K::TABLE, key)?.unwrap_or_default())
}

fn put<K: Stored<Row: Delta>>(batch: &mut Batch, key: Vec<u8>, row: K::Row) {
    batch.raw(K::TABLE, key, (!row.is_zero()).then(|| encode(&row)));
}
