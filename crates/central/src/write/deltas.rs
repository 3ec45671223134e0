//! What only adds: points, activity, tallies, outcome counts. Read, added to and written in one commit; a row at zero
//! goes.

use super::Batch;
use crate::{
    Result, Snapshot,
    row::{Stored, encode},
};
use cebe_engine::{
    change::Changes,
    rows::{Adds, Arrivals, Outcomes, Parted, Point, PointKey},
};
use std::collections::{BTreeMap, HashMap};

/// A row that adds up.
trait Delta: Copy + Default {
    fn add(&mut self, other: Self);
    fn is_zero(&self) -> bool;
}

impl<T: Adds> Delta for Parted<T> {
    fn add(&mut self, other: Self) {
        Parted::add(self, other);
    }

    fn is_zero(&self) -> bool {
        Parted::is_zero(*self)
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
    for (key, point) in points(now, changes, cache)? {
        cache.keep(&key, point);
        put::<PointKey>(batch, key, point);
    }
    add(batch, now, &changes.activity)?;
    add(batch, now, &changes.tallies)?;
    add(batch, now, &changes.outcomes)?;
    add(batch, now, &changes.arrivals)
}

/// The points of a commit as they will be.
fn points(now: &Snapshot, changes: &Changes, cache: &PointCache) -> Result<Vec<(Vec<u8>, Point)>> {
    let total = total(&changes.points);
    let unknown: Vec<Vec<u8>> = total.keys().filter(|key| !cache.points.contains_key(*key)).cloned().collect();
    let mut read = now.values::<Point>(PointKey::TABLE, &unknown)?.into_iter();
    let sum = |(key, delta): (Vec<u8>, Point)| {
        let known = cache.points.get(&key).copied();
        let mut point = known.unwrap_or_else(|| read.next().flatten().unwrap_or_default());
        Delta::add(&mut point, delta);
        (key, point)
    };
    Ok(total.into_iter().map(sum).collect())
}

fn add<K: Stored<Row: Delta>>(batch: &mut Batch, now: &Snapshot, deltas: &[(K, K::Row)]) -> Result<()> {
    let (keys, deltas): (Vec<Vec<u8>>, Vec<K::Row>) = total(deltas).into_iter().unzip();
    let stored = now.values::<K::Row>(K::TABLE, &keys)?;
    for ((key, delta), row) in keys.into_iter().zip(deltas).zip(stored) {
        let mut row = row.unwrap_or_default();
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

fn put<K: Stored<Row: Delta>>(batch: &mut Batch, key: Vec<u8>, row: K::Row) {
    batch.raw(K::TABLE, key, (!row.is_zero()).then(|| encode(&row)));
}
