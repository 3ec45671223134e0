//! The port: lanes, positions, frames and the trait every queue implements. The doc comments are the contract that
//! `tests/contract.rs` holds against each implementation.

use std::fmt;
use std::ops::{Index, IndexMut};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::error::{AppendError, ReadError, TrimError};
use crate::facts::QueueFacts;

/// Most records one append may hold; an implementation may pack the index inside a frame into the low 20 bits.
pub const APPEND_RECORDS_MAX: usize = 1 << 20;

/// Most bytes the tag of one append may have.
pub const TAG_BYTES_MAX: usize = 1 << 20;

/// Frames fetched at a time when records are counted.
const COUNT_FRAMES_MAX: usize = 4_096;

/// A future that owns everything it needs.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// Milliseconds since 1970, handed in so that tests and simulation own time.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The clock of the machine.
#[must_use]
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// The two independent logs of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// What happens now: always first.
    Live,
    /// History being loaded: never below a tenth of the writing, so that it ends.
    Backfill,
}

impl Lane {
    /// Both lanes, the preferred one first.
    pub const ALL: [Lane; 2] = [Lane::Live, Lane::Backfill];

    /// The name used for folders, log lines and metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Lane::Live => "live",
            Lane::Backfill => "backfill",
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One value for each lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PerLane<T> {
    /// The value of [`Lane::Live`].
    pub live: T,
    /// The value of [`Lane::Backfill`].
    pub backfill: T,
}

impl<T> PerLane<T> {
    /// Makes the value of each lane.
    pub fn from_fn(mut make: impl FnMut(Lane) -> T) -> Self {
        PerLane { live: make(Lane::Live), backfill: make(Lane::Backfill) }
    }

    /// Makes the value of each lane, or stops at the first failure.
    pub fn try_from_fn<E>(mut make: impl FnMut(Lane) -> Result<T, E>) -> Result<Self, E> {
        Ok(PerLane { live: make(Lane::Live)?, backfill: make(Lane::Backfill)? })
    }
}

impl<T> Index<Lane> for PerLane<T> {
    type Output = T;

    fn index(&self, lane: Lane) -> &T {
        match lane {
            Lane::Live => &self.live,
            Lane::Backfill => &self.backfill,
        }
    }
}

impl<T> IndexMut<Lane> for PerLane<T> {
    fn index_mut(&mut self, lane: Lane) -> &mut T {
        match lane {
            Lane::Live => &mut self.live,
            Lane::Backfill => &mut self.backfill,
        }
    }
}

/// Where a record stands in its lane; the first is at 0.
///
/// Positions strictly increase with the order of the log, and the records of one append stand at consecutive ones.
/// Between two appends there may be a gap (a replicated log numbers appends, not records), so count with
/// [`Queue::frames`] and never by subtracting. `position.plus(1)` is always a valid place to resume from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// Before every record.
    pub const START: Position = Position(0);
    /// After every record there will ever be.
    pub const MAX: Position = Position(u64::MAX);

    /// The position `records` further on.
    #[must_use]
    pub const fn plus(self, records: u64) -> Position {
        Position(self.0.saturating_add(records))
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Where the records of an append went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The position of the first.
    pub first: Position,
    /// How many there are, at consecutive positions.
    pub count: u32,
}

/// The head of one append, readable without its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The position of its first record.
    pub first: Position,
    /// How many records it holds.
    pub count: u32,
    /// The bytes the appender attached: opaque to the queue.
    pub tag: Bytes,
}

impl Frame {
    /// The position after its last record.
    #[must_use]
    pub const fn end(&self) -> Position {
        self.first.plus(self.count as u64)
    }
}

/// How much one read may return. The first record is returned even when it is larger than `bytes_max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimit {
    /// Most records.
    pub records_max: usize,
    /// Most bytes of records, together.
    pub bytes_max: usize,
}

/// A durable, ordered log of opaque records in two independent lanes.
///
/// - **Order.** The records of one append are contiguous and in the order given; appends are ordered by position, and
///   an append started after another one was acknowledged stands after it. Every reader sees the same order, always.
/// - **Durability.** An append that resolved `Ok` survives a crash of process and machine. Readers see only what is
///   durable, so nothing that was read can vanish.
/// - **Idempotency.** None: the same records appended twice are there twice. An `Err` that is a refusal (`Busy`,
///   `Full`, `Empty`, `TooLarge`) stored nothing; after `Stopped` the records may be there or not, whole or not at
///   all, and are safe to send again when the consumer is idempotent.
/// - **Backpressure.** An append never waits for room: it is refused at once with the time after which to try again.
///   One lane's pressure does not refuse the other's appends.
/// - **Cancellation.** The request is handed over by the call itself. Dropping the future withdraws nothing and harms
///   nothing: the records are stored whole, or, when the queue stops first, not at all.
/// - **Reading** needs no acknowledgement and changes nothing; any number of readers may stand anywhere. `read`,
///   `frames`, `wait` and `trim` may block and belong on a worker thread, not on the async runtime.
pub trait Queue: Send + Sync + 'static {
    /// Stores `records` (at least one) as one frame with `tag`, and resolves once they are durable. Concurrent appends
    /// share one flush; there is no need to batch them first.
    fn append(&self, lane: Lane, tag: Bytes, records: Vec<Bytes>) -> BoxFuture<Result<Appended, AppendError>>;

    /// Returns what is there at and after `from`, without waiting, within `limit`; empty when `from` is at the end. The
    /// first record is the one with the smallest position not below `from`. Below the first retained position, or
    /// beyond the end, is an error: the reader and this queue do not belong together any more.
    fn read(&self, lane: Lane, from: Position, limit: ReadLimit) -> Result<Vec<(Position, Bytes)>, ReadError>;

    /// Returns the frames that hold a record at or after `from`, oldest first, at most `frames_max`. Heads only: far
    /// cheaper than the records. Go on from the last one's [`Frame::end`].
    fn frames(&self, lane: Lane, from: Position, frames_max: usize) -> Result<Vec<Frame>, ReadError>;

    /// Sleeps until the end of any lane lies beyond `seen`, or `timeout` is over, and returns the ends as they are. To
    /// miss nothing and never poll: keep what it returned, read both lanes until they are empty, hand it in again.
    /// [`Position::MAX`] for a lane means not to wait for that one.
    fn wait(&self, seen: PerLane<Position>, timeout: Duration) -> PerLane<Position>;

    /// Allows records below `below` to be forgotten, because they are persisted downstream, and returns the first
    /// position that is still there. Never removes a record at or above `below`, nor one younger than the configured
    /// age; may remove less. A position is never given out twice, whatever was trimmed.
    fn trim(&self, lane: Lane, below: Position) -> Result<Position, TrimError>;

    /// What the queue knows about itself, cheap enough to ask every second.
    fn facts(&self) -> QueueFacts;

    /// The durable end of a lane: every record stands below it.
    fn end(&self, lane: Lane) -> Position {
        self.wait(PerLane { live: Position::MAX, backfill: Position::MAX }, Duration::ZERO)[lane]
    }

    /// [`Queue::read`], but sleeps up to `wait` for a first record when there is none yet.
    fn read_within(
        &self,
        lane: Lane,
        from: Position,
        limit: ReadLimit,
        wait: Duration,
    ) -> Result<Vec<(Position, Bytes)>, ReadError> {
        let mut seen = PerLane { live: Position::MAX, backfill: Position::MAX };
        seen[lane] = self.end(lane);
        let found = self.read(lane, from, limit)?;
        if !found.is_empty() || wait.is_zero() {
            return Ok(found);
        }
        self.wait(seen, wait);
        self.read(lane, from, limit)
    }

    /// How many records stand at or after `from` and below `to`, from the frame heads.
    fn records_between(&self, lane: Lane, from: Position, to: Position) -> Result<u64, ReadError> {
        let (mut records, mut at) = (0, from);
        while at < to {
            let frames = self.frames(lane, at, COUNT_FRAMES_MAX)?;
            let Some(last) = frames.last() else { break };
            at = last.end();
            records += frames.iter().map(|frame| overlap(frame, from, to)).sum::<u64>();
        }
        Ok(records)
    }
}

fn overlap(frame: &Frame, from: Position, to: Position) -> u64 {
    frame.end().min(to).0.saturating_sub(frame.first.max(from).0)
}
