//! The one thread that writes: it takes what waits, encodes it, writes, flushes, shows it to readers, and only then
//! answers. A failure whose effect is unknown ends it for good.

use std::io;
use std::sync::Arc;

use super::Core;
use super::block::{self, FrameParts};
use super::intake::Request;
use super::lane::{LaneLog, Segment};
use super::pressure;
use super::recover;
use super::segment::{HEAD_BYTES, SegmentHead};
use crate::disk::{DiskFile, write_all_at};
use crate::error::{AppendError, FatalError};
use crate::port::{Appended, Lane, PerLane, Position};

/// Small appends are put together up to this size, so that compression and reading are worth while.
const BLOCK_RECORD_BYTES: usize = 256 << 10;

/// The end of the segment being written.
pub(super) struct Tail {
    pub(super) file: Arc<dyn DiskFile>,
    /// The durable length.
    pub(super) offset: u64,
    /// The durable end of the lane.
    pub(super) next: Position,
}

/// The writer and its two tails.
pub(super) struct Writer {
    pub(super) core: Arc<Core>,
    pub(super) tails: PerLane<Tail>,
}

/// Why a commit did not happen.
enum CommitFault {
    /// The disk had no room; what was written is gone again.
    NoSpace,
    /// Nobody knows what is on disk.
    Unknown(FatalError),
}

/// Blocks ready to be written.
struct Encoded {
    bytes: Vec<u8>,
    /// Where each block starts, counted from the start of `bytes`.
    starts: Vec<(Position, u64)>,
    appended: Vec<Appended>,
    end: Position,
}

impl Writer {
    /// Writes until there will be nothing more, or until a failure ends it.
    pub(super) fn run(mut self) {
        let _guard = StopOnPanic(Arc::clone(&self.core));
        while let Some((lane, requests)) = self.core.intake.take() {
            if let Err(fatal) = self.serve(lane, requests) {
                self.core.end(&fatal);
                return;
            }
        }
    }

    /// Writes what shares the next flush, if anything waits. False when nothing does, or when a failure ended it.
    pub(super) fn write_waiting(&mut self) -> bool {
        let Some((lane, requests)) = self.core.intake.take_waiting() else { return false };
        let served = self.serve(lane, requests);
        if let Err(fatal) = &served {
            self.core.end(fatal);
        }
        served.is_ok()
    }

    fn serve(&mut self, lane: Lane, requests: Vec<Request>) -> Result<(), FatalError> {
        let bytes = requests.iter().map(|request| request.bytes).sum();
        let result = if self.core.is_stop_full() { Err(CommitFault::NoSpace) } else { self.commit(lane, &requests) };
        self.core.intake.answered(lane, requests.len(), bytes);
        let fatal = match result {
            Ok(appended) => {
                answer(requests, appended.into_iter().map(Ok));
                return Ok(());
            }
            Err(CommitFault::NoSpace) => {
                answer(requests, std::iter::repeat_with(|| Err(pressure::full())));
                return Ok(());
            }
            Err(CommitFault::Unknown(fatal)) => fatal,
        };
        let stopped = || Err(AppendError::Stopped { reason: fatal.to_string() });
        // Closed before the first answer, so that nobody who hears of it gets another append in.
        self.core.intake.stop(&fatal.to_string());
        answer(requests, std::iter::repeat_with(stopped));
        Err(fatal)
    }

    fn commit(&mut self, lane: Lane, requests: &[Request]) -> Result<Vec<Appended>, CommitFault> {
        let log = Arc::clone(&self.core.logs[lane]);
        self.roll_when_due(lane, &log)?;
        let tail = &mut self.tails[lane];
        let encoded = encode(requests, log.seed, tail.next);
        if let Err(source) = write_all_at(&*tail.file, &encoded.bytes, tail.offset) {
            return Err(tail.take_back(lane, "write", source));
        }
        if let Err(source) = tail.file.sync() {
            return Err(tail.forget(lane, "flush", source));
        }
        let starts: Vec<_> = encoded.starts.iter().map(|&(first, at)| (first, tail.offset + at)).collect();
        tail.offset += encoded.bytes.len() as u64;
        tail.next = encoded.end;
        LaneLog::count(&log.syncs, 1);
        LaneLog::count(&log.appends, requests.len());
        log.grown(tail.offset, &starts);
        self.core.ends.advance(lane, tail.next);
        Ok(encoded.appended)
    }

    fn roll_when_due(&mut self, lane: Lane, log: &LaneLog) -> Result<(), CommitFault> {
        let tail = &mut self.tails[lane];
        let is_due = tail.offset >= self.core.settings.segment_bytes && tail.offset > HEAD_BYTES as u64;
        if !is_due {
            return Ok(());
        }
        let created_ms = (self.core.clock)();
        let head = SegmentHead { lane, store: self.core.store, first: tail.next, created_ms };
        match recover::create(&*self.core.disk, &log.dir, head) {
            Ok(file) => {
                *tail = Tail { file, offset: HEAD_BYTES as u64, next: tail.next };
                LaneLog::count(&log.syncs, 1);
                log.rolled(Segment::new(&log.dir, tail.next, created_ms));
                Ok(())
            }
            // What is left of the file is made anew by the next attempt, or dropped by the next start.
            Err(source) if is_no_space(&source) => Err(CommitFault::NoSpace),
            Err(source) => Err(CommitFault::Unknown(FatalError { lane, action: "roll", source })),
        }
    }
}

impl Tail {
    /// A write failed. With no space the file is cut back, durably, and the writer can go on.
    fn take_back(&self, lane: Lane, action: &'static str, source: io::Error) -> CommitFault {
        if !is_no_space(&source) {
            return self.forget(lane, action, source);
        }
        match self.file.truncate(self.offset).and_then(|()| self.file.sync()) {
            Ok(()) => CommitFault::NoSpace,
            Err(source) => CommitFault::Unknown(FatalError { lane, action: "cut", source }),
        }
    }

    /// A flush failed. The page cache may still show what the disk does not have, and the next start would believe it:
    /// so it is cut away, as well as that still works.
    fn forget(&self, lane: Lane, action: &'static str, source: io::Error) -> CommitFault {
        if let Err(e) = self.file.truncate(self.offset) {
            tracing::error!(%lane, error = %e, "cannot cut what was not flushed");
        }
        CommitFault::Unknown(FatalError { lane, action, source })
    }
}

fn is_no_space(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn answer(requests: Vec<Request>, results: impl Iterator<Item = Result<Appended, AppendError>>) {
    for (request, result) in requests.into_iter().zip(results) {
        // A caller that went away needs no answer.
        let _ = request.reply.send(result);
    }
}

fn encode(requests: &[Request], seed: u32, first: Position) -> Encoded {
    let mut encoded = Encoded { bytes: Vec::new(), starts: Vec::new(), appended: Vec::new(), end: first };
    let mut rest = requests;
    while !rest.is_empty() {
        let (group, later) = rest.split_at(group_len(rest));
        let frames: Vec<FrameParts<'_>> = group.iter().map(|r| (&r.tag[..], &r.records[..])).collect();
        encoded.starts.push((encoded.end, encoded.bytes.len() as u64));
        let mut at = encoded.end;
        for request in group {
            let count = u32::try_from(request.records.len()).expect("the record count was checked");
            encoded.appended.push(Appended { first: at, count });
            at = at.plus(u64::from(count));
        }
        encoded.end = block::encode(&mut encoded.bytes, seed, encoded.end, first, &frames);
        rest = later;
    }
    encoded
}

/// How many of these requests go into one block: at least one.
fn group_len(requests: &[Request]) -> usize {
    let mut bytes = 0;
    let fitting = requests.iter().take_while(|request| {
        bytes += request.bytes;
        bytes <= BLOCK_RECORD_BYTES
    });
    fitting.count().max(1)
}

/// A writer that panics must not leave callers waiting, nor acknowledge anything more.
struct StopOnPanic(Arc<Core>);

impl Drop for StopOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let source = io::Error::other("the writer panicked");
            self.0.end(&FatalError { lane: Lane::Live, action: "write", source });
        }
    }
}
