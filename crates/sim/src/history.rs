//! History comes by the same door and goes by the other lane. What loading files adds to that (files, pace, progress) has
//! tests of its own; here it is the lane that matters.

use bytes::Bytes;
use cebe_catalog::{Lane as RecordLane, Record};
use cebe_queue::{
    AppendError, Appended, BoxFuture, Embedded, Frame, Lane, PerLane, Position, Queue, QueueFacts, ReadError,
    ReadLimit, TrimError,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// The queue as the door sees it: while history is being taken, what is appended goes by the backfill lane.
pub(crate) struct LaneSwitch {
    pub(crate) queue: Arc<Embedded>,
    pub(crate) history: Arc<AtomicBool>,
}

impl Queue for LaneSwitch {
    fn append(&self, lane: Lane, tag: Bytes, records: Vec<Bytes>) -> BoxFuture<Result<Appended, AppendError>> {
        if !self.history.load(Ordering::SeqCst) {
            return self.queue.append(lane, tag, records);
        }
        self.queue.append(Lane::Backfill, tag, records.iter().map(as_history).collect())
    }

    fn read(&self, lane: Lane, from: Position, limit: ReadLimit) -> Result<Vec<(Position, Bytes)>, ReadError> {
        self.queue.read(lane, from, limit)
    }

    fn frames(&self, lane: Lane, from: Position, frames_max: usize) -> Result<Vec<Frame>, ReadError> {
        self.queue.frames(lane, from, frames_max)
    }

    fn wait(&self, seen: PerLane<Position>, timeout: Duration) -> PerLane<Position> {
        self.queue.wait(seen, timeout)
    }

    fn trim(&self, lane: Lane, below: Position) -> Result<Position, TrimError> {
        self.queue.trim(lane, below)
    }

    fn facts(&self) -> QueueFacts {
        self.queue.facts()
    }
}

/// The record, but received by the backfill lane.
fn as_history(bytes: &Bytes) -> Bytes {
    let Ok(mut record) = Record::from_bytes(bytes) else { return bytes.clone() };
    match &mut record {
        Record::Event(event, _) => event.header.lane = RecordLane::Backfill,
        Record::Ignored(header) => header.lane = RecordLane::Backfill,
        Record::Quarantined(refused) => refused.header.lane = RecordLane::Backfill,
        Record::Control(_) | Record::Tick(_) => {}
    }
    record.to_bytes().into()
}
