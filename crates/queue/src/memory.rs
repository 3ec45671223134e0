//! The queue in memory: the whole contract but survival of the process. For tests, simulation and trying things out.

use std::collections::VecDeque;
use std::future::ready;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;

use crate::ends::{Ends, locked};
use crate::error::{AppendError, ReadError, TrimError};
use crate::facts::{LaneFacts, QueueFacts, StoreId};
use crate::limits::{Taking, append_bytes};
use crate::port::{Appended, BoxFuture, Clock, Frame, Lane, PerLane, Position, Queue, ReadLimit, system_clock};

/// When to try again after `Full`.
const FULL_RETRY_AFTER: Duration = Duration::from_secs(30);

/// How much a queue in memory may hold, and for how long it holds at least.
#[derive(Clone, Debug)]
pub struct MemorySettings {
    /// Most bytes of both lanes together; beyond it an append is refused with `Full`.
    pub bytes_max: usize,
    /// Records younger than this are not trimmed.
    pub trim_age_ms: u64,
    /// Most bytes of one append, as where an append is one message.
    pub append_bytes_max: usize,
}

impl Default for MemorySettings {
    fn default() -> Self {
        MemorySettings { bytes_max: 1 << 30, trim_age_ms: 0, append_bytes_max: usize::MAX }
    }
}

/// A queue in memory.
pub struct Memory {
    settings: MemorySettings,
    clock: Clock,
    store: StoreId,
    lanes: Mutex<PerLane<LaneLog>>,
    ends: Ends,
}

#[derive(Default)]
struct LaneLog {
    frames: VecDeque<Stored>,
    end: Position,
    bytes: usize,
    appends: u64,
}

struct Stored {
    frame: Frame,
    records: Vec<Bytes>,
    bytes: usize,
    appended_ms: u64,
}

impl Default for Memory {
    fn default() -> Self {
        Memory::new(MemorySettings::default(), StoreId([0; 16]), system_clock())
    }
}

impl Memory {
    /// Makes an empty queue; identity and time come from the caller.
    #[must_use]
    pub fn new(settings: MemorySettings, store: StoreId, clock: Clock) -> Memory {
        Memory { settings, clock, store, lanes: Mutex::default(), ends: Ends::default() }
    }

    fn store(&self, lane: Lane, tag: Bytes, records: Vec<Bytes>) -> Result<Appended, AppendError> {
        let (bytes, max) = (append_bytes(&tag, &records)?, self.settings.append_bytes_max);
        if bytes > max {
            return Err(AppendError::TooLarge { what: "bytes", size: bytes, max });
        }
        let mut lanes = locked(&self.lanes);
        if lanes.live.bytes + lanes.backfill.bytes + bytes > self.settings.bytes_max {
            return Err(AppendError::Full { retry_after: FULL_RETRY_AFTER });
        }
        let log = &mut lanes[lane];
        let count = u32::try_from(records.len()).expect("the record count was checked");
        let frame = Frame { first: log.end, count, tag };
        let appended = Appended { first: frame.first, count };
        log.end = frame.end();
        log.bytes += bytes;
        log.appends += 1;
        log.frames.push_back(Stored { frame, records, bytes, appended_ms: (self.clock)() });
        self.ends.advance(lane, log.end);
        Ok(appended)
    }

    fn log_from(&self, lane: Lane, at: Position) -> Result<MutexGuard<'_, PerLane<LaneLog>>, ReadError> {
        let lanes = locked(&self.lanes);
        let (first, end) = (lanes[lane].first(), lanes[lane].end);
        if at < first {
            return Err(ReadError::Trimmed { lane, at, first });
        }
        if at > end {
            return Err(ReadError::Beyond { lane, at, end });
        }
        Ok(lanes)
    }
}

impl LaneLog {
    fn first(&self) -> Position {
        self.frames.front().map_or(self.end, |stored| stored.frame.first)
    }

    fn from(&self, at: Position) -> impl Iterator<Item = &Stored> {
        let skipped = self.frames.partition_point(|stored| stored.frame.end() <= at);
        self.frames.range(skipped..)
    }

    fn trim(&mut self, below: Position, older_than_ms: u64) {
        while let Some(oldest) = self.frames.front() {
            if oldest.frame.end() > below || oldest.appended_ms > older_than_ms {
                break;
            }
            self.bytes -= oldest.bytes;
            self.frames.pop_front();
        }
    }
}

impl Queue for Memory {
    fn append(&self, lane: Lane, tag: Bytes, records: Vec<Bytes>) -> BoxFuture<Result<Appended, AppendError>> {
        Box::pin(ready(self.store(lane, tag, records)))
    }

    fn read(&self, lane: Lane, from: Position, limit: ReadLimit) -> Result<Vec<(Position, Bytes)>, ReadError> {
        let lanes = self.log_from(lane, from)?;
        let positioned = lanes[lane].from(from).flat_map(|stored| {
            stored.records.iter().zip(0..).map(|(record, index)| (stored.frame.first.plus(index), record))
        });
        let mut taking = Taking::new(limit);
        for (position, record) in positioned.skip_while(|(position, _)| *position < from) {
            if !taking.take(position, record) {
                break;
            }
        }
        Ok(taking.taken)
    }

    fn frames(&self, lane: Lane, from: Position, frames_max: usize) -> Result<Vec<Frame>, ReadError> {
        let lanes = self.log_from(lane, from)?;
        Ok(lanes[lane].from(from).take(frames_max).map(|stored| stored.frame.clone()).collect())
    }

    fn wait(&self, seen: PerLane<Position>, timeout: Duration) -> PerLane<Position> {
        self.ends.wait(seen, timeout)
    }

    fn trim(&self, lane: Lane, below: Position) -> Result<Position, TrimError> {
        let mut lanes = locked(&self.lanes);
        lanes[lane].trim(below, (self.clock)().saturating_sub(self.settings.trim_age_ms));
        Ok(lanes[lane].first())
    }

    fn facts(&self) -> QueueFacts {
        let lanes = locked(&self.lanes);
        let facts = |lane: Lane| {
            let log = &lanes[lane];
            let bytes = log.bytes as u64;
            LaneFacts { first: log.first(), end: log.end, bytes, appends: log.appends, ..LaneFacts::default() }
        };
        let used = (lanes.live.bytes + lanes.backfill.bytes) as f64;
        QueueFacts {
            store: self.store,
            lanes: PerLane::from_fn(facts),
            used_share: used / self.settings.bytes_max.max(1) as f64,
            torn: Vec::new(),
            stopped: false,
        }
    }
}
