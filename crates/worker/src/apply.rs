//! Drives a step to its end, and keeps a record that the engine cannot bear from stopping the rest: the batch is halved
//! until that record is alone, and it becomes `quarantined: engine_fault`.

use crate::run::WorkerError;
use cebe_catalog::{QuarantineCode, Record, record::QuarantineRecord};
use cebe_central::Snapshot;
use cebe_engine::{
    change::Changes,
    rows::Place,
    step::{Context, Step},
    want::{Loaded, Wants},
};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Loads what a step wants until it can finish.
pub fn drive(step: Step<'_>, snapshot: &Snapshot) -> Result<Changes, WorkerError> {
    drive_with(step, |wants| Ok(snapshot.load(&wants)?))
}

fn drive_with(mut step: Step<'_>, load: impl Fn(Wants) -> Result<Loaded, WorkerError>) -> Result<Changes, WorkerError> {
    while let Some(wants) = step.wants() {
        step.supply(load(wants)?);
    }
    Ok(step.finish())
}

/// What became of a batch.
#[derive(Debug)]
pub enum Applied {
    /// These changes.
    Changes(Box<Changes>),
    /// The engine failed on it; a batch of one is replaced by its quarantine record.
    Fault,
}

/// Applies a batch, or says that the engine failed on it.
pub fn records(
    context: Context<'_>,
    records: Vec<(Place, Record)>,
    load: impl Fn(Wants) -> Result<Loaded, WorkerError>,
) -> Result<Applied, WorkerError> {
    let run = AssertUnwindSafe(|| drive_with(Step::records(context, records), load));
    match catch_unwind(run) {
        Ok(changes) => Ok(Applied::Changes(Box::new(changes?))),
        Err(_) => Ok(Applied::Fault),
    }
}

/// The quarantine record that stands for an event the engine could not bear. Its body is the masked record, so it can
/// be applied by a later release.
pub fn engine_fault(place: Place, record: &Record) -> Option<Record> {
    let header = record.header()?.clone();
    let (name, id) = match record {
        Record::Event(event, _) => (Some(event.name.clone()), Some(event.id.clone())),
        _ => (None, None),
    };
    Some(Record::Quarantined(Box::new(QuarantineRecord {
        receipt: format!("{:020}-{:?}-{:020}", header.received_at.0, place.lane, place.index).to_lowercase().into(),
        header,
        name,
        id,
        code: QuarantineCode::EngineFault,
        path: None,
        hint: QuarantineCode::EngineFault.hint().into(),
        body: record.to_bytes(),
        key_id: "system".into(),
    })))
}
