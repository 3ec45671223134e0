//! A record that the store refuses, in whatever batch it comes, would stop its shard for ever. It is found by ever smaller
//! batches and set aside as `quarantined: engine_fault`, like one that the engine cannot bear; what follows it goes on.

use crate::{
    apply::engine_fault,
    gather::catalog_lane,
    run::{Worker, WorkerError},
};
use bytes::Bytes;
use cebe_catalog::{Record, limits::COMMIT_EVENTS_MAX};
use cebe_engine::rows::Place;
use cebe_queue::{
    AppendError, Appended, BoxFuture, Frame, Lane, PerLane, Position, Queue, QueueFacts, ReadError, ReadLimit,
    TrimError,
};
use std::{sync::Arc, time::Duration};

/// Bytes of the records that are looked at together.
const BYTES_MAX: usize = 64 << 20;

/// Whether the store refused what was to be written, and will again.
pub fn is_refused(error: &WorkerError) -> bool {
    matches!(error, WorkerError::Store(error) if error.is_refusal())
}

/// Applies what waits up to the first event that the store refuses, and puts a quarantine record in its place; gives where
/// it stood. `make` opens a worker on a queue where the store says it stopped.
pub fn set_aside<E: From<WorkerError>>(
    queue: &Arc<dyn Queue>,
    make: impl Fn(Arc<dyn Queue>) -> Result<Worker, E>,
) -> Result<Option<Place>, E> {
    for lane in Lane::ALL {
        if let Some(place) = in_lane(queue, lane, &make)? {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

fn in_lane<E: From<WorkerError>>(
    queue: &Arc<dyn Queue>,
    lane: Lane,
    make: &impl Fn(Arc<dyn Queue>) -> Result<Worker, E>,
) -> Result<Option<Place>, E> {
    let mut records_max = COMMIT_EVENTS_MAX;
    loop {
        let from = make(Arc::clone(queue))?.committed()[lane];
        let limit = ReadLimit { records_max, bytes_max: BYTES_MAX };
        let found = queue.read(lane, from, limit).map_err(WorkerError::from)?;
        let Some((last, _)) = found.last() else { return Ok(None) };
        let part = Part { whole: Arc::clone(queue), lane, last: *last, instead: None };
        match make(Arc::new(part))?.drain() {
            Ok(()) => {}
            Err(error) if !is_refused(&error) => return Err(error.into()),
            Err(_) if found.len() > 1 => records_max = found.len() / 2,
            Err(error) => return replace(queue, lane, &found[0], error, make).map(Some),
        }
    }
}

/// Applies the quarantine record of an event in its place.
fn replace<E: From<WorkerError>>(
    queue: &Arc<dyn Queue>,
    lane: Lane,
    (position, bytes): &(Position, Bytes),
    error: WorkerError,
    make: &impl Fn(Arc<dyn Queue>) -> Result<Worker, E>,
) -> Result<Place, E> {
    let place = Place { lane: catalog_lane(lane), index: position.0 };
    let record = Record::from_bytes(bytes).ok();
    // What is no event has no quarantine: a change of settings that the store refuses is for people.
    let Some(fault) = record.and_then(|record| engine_fault(place, &record)) else { return Err(error.into()) };
    let instead = Some(fault.to_bytes().into());
    let part = Part { whole: Arc::clone(queue), lane, last: *position, instead };
    make(Arc::new(part))?.drain()?;
    tracing::error!(?lane, index = position.0, %error, "the store refuses a record; it is quarantined as engine_fault");
    Ok(place)
}

/// One lane of a queue up to a record, and that record perhaps another.
struct Part {
    whole: Arc<dyn Queue>,
    lane: Lane,
    last: Position,
    instead: Option<Bytes>,
}

impl Queue for Part {
    fn append(&self, lane: Lane, tag: Bytes, records: Vec<Bytes>) -> BoxFuture<Result<Appended, AppendError>> {
        self.whole.append(lane, tag, records)
    }

    fn read(&self, lane: Lane, from: Position, limit: ReadLimit) -> Result<Vec<(Position, Bytes)>, ReadError> {
        if lane != self.lane || from > self.last {
            return Ok(Vec::new());
        }
        let mut found = self.whole.read(lane, from, limit)?;
        found.retain(|(position, _)| *position <= self.last);
        if let (Some((_, bytes)), Some(instead)) =
            (found.last_mut().filter(|(position, _)| *position == self.last), &self.instead)
        {
            *bytes = instead.clone();
        }
        Ok(found)
    }

    fn frames(&self, lane: Lane, from: Position, frames_max: usize) -> Result<Vec<Frame>, ReadError> {
        self.whole.frames(lane, from, frames_max)
    }

    fn wait(&self, seen: PerLane<Position>, timeout: Duration) -> PerLane<Position> {
        self.whole.wait(seen, timeout)
    }

    fn trim(&self, lane: Lane, below: Position) -> Result<Position, TrimError> {
        self.whole.trim(lane, below)
    }

    fn facts(&self) -> QueueFacts {
        self.whole.facts()
    }
}
