//! How long events took, as counts in fixed buckets that can be added: what the worker measures beside the outcome counts.
//! The engine reads no clock; it only says how such counts add up and what quantiles they give.

use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Steps within one power of ten, in half milliseconds at its lowest: 5,000 ms, the promise, is an edge.
const STEPS: [i64; 8] = [1_000, 1_500, 2_000, 2_500, 3_000, 4_000, 5_000, 7_000];
/// Powers of ten.
const DECADES: usize = 8;
/// How many buckets there are.
pub const BUCKETS: usize = STEPS.len() * DECADES;

/// Upper edges of the buckets in microseconds, each inside its bucket; the last bucket has no end. Stored numbers of
/// buckets mean these edges: they never change.
pub const EDGES: [i64; BUCKETS] = edges();

const fn edges() -> [i64; BUCKETS] {
    let mut edges = [0; BUCKETS];
    let (mut place, mut unit) = (0, 1);
    while place < BUCKETS {
        edges[place] = STEPS[place % STEPS.len()] * unit;
        place += 1;
        if place.is_multiple_of(STEPS.len()) {
            unit *= 10;
        }
    }
    edges
}

/// Events by how long they took: number of a bucket and how many fell into it, in order, none at zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spread(Vec<(u8, u64)>);

impl Spread {
    /// Counts one event; a clock that ran ahead shows as no time.
    pub fn note(&mut self, micros: i64) {
        let bucket = EDGES.partition_point(|edge| *edge < micros).min(BUCKETS - 1);
        self.put(u8::try_from(bucket).unwrap_or(u8::MAX), 1);
    }

    /// Adds another's counts.
    pub fn add(&mut self, other: &Self) {
        for (bucket, events) in &other.0 {
            self.put(*bucket, *events);
        }
    }

    fn put(&mut self, bucket: u8, events: u64) {
        match self.0.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
            Ok(place) => self.0[place].1 += events,
            Err(place) => self.0.insert(place, (bucket, events)),
        }
    }

    /// How many events were counted.
    pub fn events(&self) -> u64 {
        self.0.iter().map(|(_, events)| events).sum()
    }

    /// How many took at most this long; exact where that is an edge.
    pub fn within(&self, micros: i64) -> u64 {
        let whole = EDGES.partition_point(|edge| *edge <= micros);
        self.0.iter().filter(|(bucket, _)| usize::from(*bucket) < whole).map(|(_, events)| events).sum()
    }

    /// The time that this many thousandths of the events did not exceed, in microseconds: by rank, and evenly within the
    /// bucket of that rank, so never further off than the bucket is wide. `None` of nothing.
    pub fn quantile(&self, permille: u16) -> Option<i64> {
        let rank = (u128::from(self.events()) * u128::from(permille)).div_ceil(1_000).max(1);
        let mut before = 0_u128;
        for (bucket, events) in &self.0 {
            let (bucket, events) = (usize::from(*bucket).min(BUCKETS - 1), u128::from(*events));
            if before + events >= rank {
                let low = bucket.checked_sub(1).map_or(0, |below| EDGES[below]);
                let wide = u128::from((EDGES[bucket] - low).unsigned_abs());
                return Some(low + i64::try_from(wide * (rank - before) / events).unwrap_or(0));
            }
            before += events;
        }
        None
    }
}

/// What one company's source took in one hour of receipt; events of the backfill lane are not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latencies {
    /// From emission to commit: `sent_at`, else `event_timestamp`, never later than the receipt.
    pub emission: Spread,
    /// From receipt to commit.
    pub receipt: Spread,
}

impl Latencies {
    /// Adds another's counts.
    pub fn add(&mut self, other: &Self) {
        self.emission.add(&other.emission);
        self.receipt.add(&other.receipt);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: i64 = 1_000;

    fn of(micros: impl IntoIterator<Item = i64>) -> Spread {
        let mut spread = Spread::default();
        micros.into_iter().for_each(|micros| spread.note(micros));
        spread
    }

    /// ANCHOR-MET-2: the promise of five seconds is an edge, so the share that kept it is exact.
    #[test]
    fn the_promise_is_an_edge() {
        let spread = of([4_999_999, 5_000_000, 5_000_001, 60_000_000]);
        assert!(EDGES.contains(&5_000_000));
        assert_eq!((spread.within(5_000_000), spread.events()), (2, 4));
        assert!(EDGES.is_sorted() && EDGES[BUCKETS - 1] == 70_000_000 * MILLI);
    }

    /// CORE-MET-1: quantiles lie in the bucket of the exact one.
    #[test]
    fn quantiles_lie_in_the_right_bucket() {
        let spread = of((1..=1_000).map(|n| n * MILLI));
        for (permille, exact) in [(500, 500 * MILLI), (950, 950 * MILLI), (990, 990 * MILLI), (1_000, 1_000 * MILLI)] {
            let found = spread.quantile(permille).unwrap();
            let bucket = |micros: i64| EDGES.partition_point(|edge| *edge < micros);
            assert_eq!(bucket(found), bucket(exact), "{permille}: {found} for {exact}");
        }
        assert_eq!(Spread::default().quantile(990), None);
        assert_eq!(of([0, -5]).events(), 2);
        assert!(of([i64::MAX]).quantile(500).unwrap() > 50_000_000 * MILLI);
    }

    /// Parts added in any order are the whole.
    #[test]
    fn parts_add_up() {
        let times: Vec<i64> = (0..200_i64).map(|n| n * n * 37 % 90_000_000).collect();
        let whole = of(times.iter().copied());
        let (left, right) = times.split_at(77);
        let (mut forth, mut back) = (of(left.iter().copied()), of(right.iter().copied()));
        forth.add(&back);
        back.add(&of(left.iter().copied()));
        assert_eq!((&forth, &back), (&whole, &whole));
    }
}
