//! How far the store is behind what was received: the queue's end is noted with the time, and once the worker has come
//! that far, everything received until then is in the answers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use cebe_catalog::{Micros, Record, limits::STALE_AFTER_MILLIS};
use cebe_queue::{Lane, PerLane, Position, Queue, ReadLimit};
use cebe_retriever::Freshness;
use tokio::sync::watch;

/// Notes closer together than this are one.
const NOTE_EVERY_MS: i64 = 20;
/// At this pace they reach back more than a minute; older lag shows as at least that.
const NOTES_MAX: usize = 4_096;

/// Watches one lane. Answers go by the live one: history that is being loaded does not make them stale.
pub(crate) struct Lag {
    lane: Lane,
    queue: Arc<dyn Queue>,
    applied: watch::Receiver<[u64; 2]>,
    clock: Arc<dyn Fn() -> Micros + Send + Sync>,
    notes: Mutex<Notes>,
}

#[derive(Default)]
struct Notes {
    /// (end of the lane, when), oldest first; the first is the newest that is applied.
    taken: VecDeque<(u64, Micros)>,
}

impl Lag {
    /// Watches this lane, whose first record from `start` on waits to be applied.
    pub(crate) fn new(
        lane: Lane,
        queue: Arc<dyn Queue>,
        applied: watch::Receiver<[u64; 2]>,
        clock: Arc<dyn Fn() -> Micros + Send + Sync>,
        start: u64,
    ) -> Self {
        let waiting_since = received_at(&*queue, lane, start);
        let taken = waiting_since.map(|at| (start, at)).into_iter().collect();
        Self { lane, queue, applied, clock, notes: Mutex::new(Notes { taken }) }
    }

    /// Watches this lane; how long what waits now has waited is not asked.
    pub(crate) fn from_now(
        lane: Lane,
        queue: Arc<dyn Queue>,
        applied: watch::Receiver<[u64; 2]>,
        clock: Arc<dyn Fn() -> Micros + Send + Sync>,
    ) -> Self {
        Self { lane, queue, applied, clock, notes: Mutex::default() }
    }

    /// How fresh answers are now.
    pub(crate) fn freshness(&self) -> Freshness {
        let now = (self.clock)();
        let [live, backfill] = *self.applied.borrow();
        let applied = PerLane { live, backfill }[self.lane];
        let end = self.queue.end(self.lane).0;
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        notes.take(end, now);
        let as_of = if applied >= end { now } else { notes.reached(applied) };
        let lag_ms = now.millis_since(as_of).max(0);
        Freshness { as_of, lag_ms, stale: lag_ms > STALE_AFTER_MILLIS }
    }
}

/// When the record at a place of a lane was received; `None` when there is none, or it is no event.
fn received_at(queue: &dyn Queue, lane: Lane, index: u64) -> Option<Micros> {
    let limit = ReadLimit { records_max: 1, bytes_max: 1 };
    let found = queue.read(lane, Position(index), limit).ok()?;
    let record = Record::from_bytes(&found.first()?.1).ok()?;
    record.header().map(|header| header.received_at)
}

impl Notes {
    fn take(&mut self, end: u64, now: Micros) {
        let is_new = self.taken.back().is_none_or(|(_, at)| now.millis_since(*at) >= NOTE_EVERY_MS);
        if is_new {
            self.taken.push_back((end, now));
        }
        if self.taken.len() > NOTES_MAX {
            // The oldest stays: it is what as_of falls back to while nothing moves.
            self.taken.remove(1);
        }
    }

    /// When the newest note that is applied was taken.
    fn reached(&mut self, applied: u64) -> Micros {
        while self.taken.get(1).is_some_and(|(end, _)| *end <= applied) {
            self.taken.pop_front();
        }
        self.taken.front().map_or(Micros(0), |(_, at)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_of_is_when_the_applied_end_was_noted() {
        let mut notes = Notes::default();
        let at = |ms: i64| Micros(ms * 1_000);
        for (end, ms) in [(0, 0), (10, 100), (20, 200), (30, 300)] {
            notes.take(end, at(ms));
        }
        assert_eq!(notes.reached(9), at(0));
        assert_eq!(notes.reached(20), at(200));
        assert_eq!(notes.reached(25), at(200));
        assert_eq!(notes.reached(30), at(300));
    }
}
