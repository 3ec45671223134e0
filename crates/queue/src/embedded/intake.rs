//! Where appends wait for the writer: bounded, lane by lane, and handed out so that live goes first and backfill still
//! gets its tenth.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use crate::ends::locked;
use crate::error::AppendError;
use crate::port::{Appended, Lane, PerLane};

/// When to try again after `Busy`.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(1);
/// Against a full live commit, so much less backfill makes a tenth of both.
const LIVE_PER_BACKFILL: usize = 9;

/// One append that waits.
pub(super) struct Request {
    pub(super) tag: Bytes,
    pub(super) records: Vec<Bytes>,
    pub(super) bytes: usize,
    pub(super) reply: oneshot::Sender<Result<Appended, AppendError>>,
}

#[derive(Default)]
struct Waiting {
    requests: PerLane<VecDeque<Request>>,
    /// Appends and bytes not yet answered, those being written included.
    appends: PerLane<usize>,
    bytes: PerLane<usize>,
    /// The lane whose turn it is when both wait.
    turn: Option<Lane>,
    closed: bool,
    stopped: Option<String>,
}

/// The appends that wait.
pub(super) struct Intake {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    waiting_bytes_max: usize,
    commit_bytes_max: usize,
}

impl Intake {
    pub(super) fn new(waiting_bytes_max: usize, commit_bytes_max: usize) -> Intake {
        Intake { waiting: Mutex::default(), arrived: Condvar::new(), waiting_bytes_max, commit_bytes_max }
    }

    /// Takes a request in, or says at once why not.
    pub(super) fn offer(&self, lane: Lane, request: Request) -> Result<(), AppendError> {
        let mut waiting = locked(&self.waiting);
        if let Some(reason) = waiting.stopped.clone() {
            return Err(AppendError::Stopped { reason });
        }
        let bytes = waiting.bytes[lane];
        if bytes > 0 && bytes + request.bytes > self.waiting_bytes_max {
            return Err(AppendError::Busy { lane, retry_after: BUSY_RETRY_AFTER });
        }
        waiting.bytes[lane] += request.bytes;
        waiting.appends[lane] += 1;
        waiting.requests[lane].push_back(request);
        self.arrived.notify_one();
        Ok(())
    }

    /// Sleeps until there is something to write and returns what shares the next flush; `None` when there will be
    /// nothing more.
    pub(super) fn take(&self) -> Option<(Lane, Vec<Request>)> {
        let idle = |waiting: &mut Waiting| waiting.next_lane().is_none() && !waiting.closed;
        let waiting = self.arrived.wait_while(locked(&self.waiting), idle).unwrap_or_else(PoisonError::into_inner);
        self.next(waiting)
    }

    /// As [`Intake::take`], but `None` when nothing waits now.
    pub(super) fn take_waiting(&self) -> Option<(Lane, Vec<Request>)> {
        self.next(locked(&self.waiting))
    }

    fn next(&self, mut waiting: MutexGuard<'_, Waiting>) -> Option<(Lane, Vec<Request>)> {
        let lane = waiting.next_lane()?;
        let contended = lane == Lane::Backfill && !waiting.requests.live.is_empty();
        let bytes_max = if contended { self.commit_bytes_max / LIVE_PER_BACKFILL } else { self.commit_bytes_max };
        waiting.turn = Some(if lane == Lane::Live { Lane::Backfill } else { Lane::Live });
        Some((lane, waiting.pop(lane, bytes_max)))
    }

    /// Requests of this lane were answered.
    pub(super) fn answered(&self, lane: Lane, appends: usize, bytes: usize) {
        let mut waiting = locked(&self.waiting);
        waiting.appends[lane] -= appends;
        waiting.bytes[lane] -= bytes;
    }

    /// Nothing new comes; what waits is still written.
    pub(super) fn close(&self) {
        let mut waiting = locked(&self.waiting);
        waiting.closed = true;
        drop(waiting);
        self.arrived.notify_all();
    }

    /// Ends it: fails everything that waits, now and later.
    pub(super) fn stop(&self, reason: &str) {
        let mut waiting = locked(&self.waiting);
        waiting.stopped = Some(reason.to_owned());
        for lane in Lane::ALL {
            for request in std::mem::take(&mut waiting.requests[lane]) {
                // A caller that went away needs no answer.
                let _ = request.reply.send(Err(AppendError::Stopped { reason: reason.to_owned() }));
            }
        }
        (waiting.appends, waiting.bytes) = Default::default();
    }

    /// Whether it was ended.
    pub(super) fn is_stopped(&self) -> bool {
        locked(&self.waiting).stopped.is_some()
    }

    /// Appends and bytes that wait in a lane.
    pub(super) fn waiting(&self, lane: Lane) -> (usize, usize) {
        let waiting = locked(&self.waiting);
        (waiting.appends[lane], waiting.bytes[lane])
    }
}

impl Waiting {
    fn next_lane(&self) -> Option<Lane> {
        let has = |lane: &Lane| !self.requests[*lane].is_empty();
        self.turn.filter(has).or_else(|| Lane::ALL.into_iter().find(|lane| has(lane)))
    }

    /// At least one request, and more while they fit.
    fn pop(&mut self, lane: Lane, bytes_max: usize) -> Vec<Request> {
        let queue = &mut self.requests[lane];
        let mut bytes = 0;
        let fitting = queue.iter().take_while(|request| {
            bytes += request.bytes;
            bytes <= bytes_max
        });
        let count = fitting.count().max(1);
        queue.drain(..count.min(queue.len())).collect()
    }
}

#[cfg(test)]
mod tests;
