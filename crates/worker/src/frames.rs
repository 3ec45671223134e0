//! Law 2 from outside the store: events counted in the heads of the queue's frames, as the door appended them, against the
//! outcomes that were counted in commits. What was trimmed from the queue cannot be counted any more; then only the hours
//! are compared that lie wholly in what is left.

use crate::{
    gather::catalog_lane,
    run::WorkerError,
    verify::{VerifyReport, text},
};
use cebe_catalog::{CompanyId, Micros, Record, record::Header, time::HOUR};
use cebe_central::Snapshot;
use cebe_engine::rows::{OutcomeKey, Place};
use cebe_queue::{Frame, Lane, Position, Queue, ReadError, ReadLimit};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, ops::ControlFlow, sync::Arc};

/// Reads the tag of a frame: received events by company, source and hour. `None` when it cannot be read.
pub type ReadTag<'a> = &'a dyn Fn(&[u8]) -> Option<Vec<(OutcomeKey, u64)>>;

/// Most frames looked at in one go.
const FRAMES_MAX: usize = 4_096;
/// Appends of requests that are taken at the same time may stand in another order than their receipts; none is this late.
const RECEIPTS_APART: i64 = HOUR;

/// What counting the queue's frames gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedCheck {
    /// Were received events and outcomes compared?
    pub compared: bool,
    /// Events in frames that were compared.
    pub events: u64,
    /// Only hours of receipt from here on were compared; absent: all there ever were.
    pub from: Option<String>,
    /// In words: what was compared, or why nothing was.
    pub said: String,
}

/// What frames hold up to the committed position, and from which hour on that is all there was.
#[derive(Default)]
struct Counted {
    events: BTreeMap<OutcomeKey, u64>,
    from: Option<Micros>,
}

/// Why frames cannot be compared.
enum Unknown {
    Because(String),
    Failed(WorkerError),
}

impl From<ReadError> for Unknown {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Trimmed { .. } => {
                Self::Because("the queue was trimmed while it was counted; verify again".into())
            }
            error => Self::Failed(error.into()),
        }
    }
}

/// A queue, and how far the snapshot that is verified has applied it.
pub struct Applied {
    /// The queue.
    pub queue: Arc<dyn Queue>,
    /// The next index to apply, per lane that was read at all.
    pub positions: Vec<Place>,
}

/// Compares what the frames of all queues say was received with the outcomes of a snapshot, for one company or all.
pub fn verify_received(
    queues: &[Applied],
    snapshot: &Snapshot,
    company: Option<&CompanyId>,
    read_tag: ReadTag<'_>,
    report: &mut VerifyReport,
) -> Result<(), WorkerError> {
    let mut counted = Counted::default();
    for (applied, lane) in queues.iter().flat_map(|applied| Lane::ALL.map(|lane| (applied, lane))) {
        match count_lane(applied, lane, read_tag, &mut counted) {
            Ok(()) => {}
            Err(Unknown::Because(said)) => {
                report.received = Some(ReceivedCheck { said, ..ReceivedCheck::default() });
                return Ok(());
            }
            Err(Unknown::Failed(error)) => return Err(error),
        }
    }
    let concerned = |key: &OutcomeKey| {
        company.is_none_or(|company| *company == key.company) && counted.from.is_none_or(|from| key.hour >= from)
    };
    counted.events.retain(|key, _| concerned(key));
    report.received = Some(counted.check());
    compare(snapshot, counted.events, &concerned, report)
}

impl Counted {
    fn check(&self) -> ReceivedCheck {
        let from = self.from.map(Micros::to_rfc3339);
        let said = match &from {
            None => "every event the queue ever took was compared with the outcomes".into(),
            Some(from) => format!(
                "older records were trimmed from the queue: hours of receipt from {from} on were compared with the outcomes"
            ),
        };
        ReceivedCheck { compared: true, events: self.events.values().sum(), from, said }
    }
}

fn compare(
    snapshot: &Snapshot,
    mut counted: BTreeMap<OutcomeKey, u64>,
    concerned: &dyn Fn(&OutcomeKey) -> bool,
    report: &mut VerifyReport,
) -> Result<(), WorkerError> {
    snapshot.outcomes(&mut |key, outcomes| {
        if concerned(key) {
            let frames = counted.remove(key).unwrap_or(0);
            report.rows += 1;
            if i64::try_from(frames) != Ok(outcomes.received) {
                report.note("received", &text(key), Some(outcomes.received.to_string()), Some(frames.to_string()));
            }
        }
        ControlFlow::Continue(())
    })?;
    for (key, frames) in counted.into_iter().filter(|(_, frames)| *frames > 0) {
        report.note("received", &text(&key), None, Some(frames.to_string()));
    }
    Ok(())
}

/// Counts a lane's frames up to the position that is committed.
fn count_lane(
    Applied { queue, positions }: &Applied,
    lane: Lane,
    read_tag: ReadTag<'_>,
    counted: &mut Counted,
) -> Result<(), Unknown> {
    let queue = queue.as_ref();
    let committed = positions.iter().find(|place| place.lane == catalog_lane(lane));
    let to = Position(committed.map_or(0, |place| place.index));
    let first = queue.facts().lanes[lane].first;
    let (mut at, mut earliest) = (first, None);
    while at < to {
        let frames = queue.frames(lane, at, FRAMES_MAX)?;
        let Some(last) = frames.last() else { break };
        at = last.end();
        for frame in frames.iter().filter(|frame| frame.first < to) {
            let rows = received(queue, lane, frame, to, read_tag)?;
            earliest = earliest.or_else(|| rows.iter().map(|(key, _)| key.hour).max());
            rows.into_iter().for_each(|(key, events)| *counted.events.entry(key).or_default() += events);
        }
    }
    if first > Position(0) {
        let because = || format!("records of the {lane} lane were trimmed from the queue, and it holds no later event");
        let kept = earliest.ok_or_else(|| Unknown::Because(because()))?;
        counted.from = counted.from.max(Some(kept.plus(HOUR + RECEIPTS_APART)));
    }
    Ok(())
}

/// The received events of a frame: its tag says, or its records where only some of them are committed.
fn received(
    queue: &dyn Queue,
    lane: Lane,
    frame: &Frame,
    to: Position,
    read_tag: ReadTag<'_>,
) -> Result<Vec<(OutcomeKey, u64)>, Unknown> {
    if frame.end() <= to {
        let unreadable = || Unknown::Because(format!("the tag at {} of the {lane} lane cannot be read", frame.first));
        return read_tag(&frame.tag).ok_or_else(unreadable);
    }
    let mut rows: BTreeMap<OutcomeKey, u64> = BTreeMap::new();
    let mut at = frame.first;
    while at < to {
        let records_max = usize::try_from(to.0 - at.0).unwrap_or(usize::MAX);
        let found = queue.read(lane, at, ReadLimit { records_max, bytes_max: 16 << 20 })?;
        let Some((last, _)) = found.last() else { break };
        at = last.plus(1);
        for record in found.iter().filter_map(|(_, bytes)| Record::from_bytes(bytes).ok()) {
            if let Some(header) = record.header() {
                *rows.entry(key_of(header)).or_default() += 1;
            }
        }
    }
    Ok(rows.into_iter().collect())
}

fn key_of(header: &Header) -> OutcomeKey {
    let hour = Micros(header.received_at.0.div_euclid(HOUR) * HOUR);
    OutcomeKey { company: header.company.clone(), module: header.module.clone(), hour }
}
