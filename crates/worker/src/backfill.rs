//! Keeps the books of backfills: what became of each record of the backfill lane is counted in the commit that decided
//! it, and a chunk's counts go to its backfill when the record at the chunk's end is applied. So progress is never
//! ahead of the store, and a crash can neither lose nor double a count.

use cebe_catalog::{
    Lane, Micros, Record,
    backfill::{BackfillCounts, BackfillRow, BackfillState, BackfillStep},
    control::{Change, ControlRecord, Operation},
};
use cebe_central::{Central, Snapshot, StoreError};
use cebe_engine::{
    backfill,
    change::{Changes, ControlChange, ControlKind, ControlRow},
    control::operation_id,
    rows::Place,
};
use std::collections::{BTreeMap, BTreeSet};

/// The name of the operating event.
pub const PROGRESS: &str = "cebe_backfill_progress";

/// What is needed of a batch after its records were handed to the engine.
#[derive(Debug, Default)]
pub struct Noted(Vec<(Place, Note)>);

#[derive(Debug)]
enum Note {
    Event,
    Ignored,
    Quarantined,
    Step(Box<ControlRecord>),
}

impl Noted {
    /// Notes the records of a batch that backfills are about.
    pub fn of(records: &[(Place, Record)]) -> Self {
        Self(records.iter().filter_map(|(place, record)| Some((*place, note(*place, record)?))).collect())
    }

    /// Rows that the batch changes, given what the engine made of it; everything before it is committed.
    pub fn rows(&self, changes: &Changes, central: &dyn Central) -> Result<Vec<ControlChange>, StoreError> {
        if self.0.is_empty() {
            return Ok(Vec::new());
        }
        let snapshot = central.snapshot()?;
        let mut books = Books { open: open_counts(&snapshot)?, ..Books::default() };
        let applied: BTreeSet<Place> = changes.applied.iter().map(|applied| applied.place).collect();
        let conflicts: BTreeSet<Place> = changes.conflicts.iter().map(|conflict| conflict.place).collect();
        for (place, note) in &self.0 {
            match note {
                Note::Ignored => books.open.ignored += 1,
                Note::Quarantined => books.open.quarantined += 1,
                Note::Event if applied.contains(place) => books.open.applied += 1,
                Note::Event if conflicts.contains(place) => books.open.conflict += 1,
                Note::Event => books.open.duplicate += 1,
                Note::Step(record) => books.step(record, *place, &snapshot)?,
            }
        }
        Ok(books.finish())
    }
}

fn note(place: Place, record: &Record) -> Option<Note> {
    match record {
        Record::Control(control) if matches!(control.change, Change::Backfill(_)) => Some(Note::Step(control.clone())),
        _ if place.lane != Lane::Backfill => None,
        Record::Event(..) => Some(Note::Event),
        Record::Ignored(_) => Some(Note::Ignored),
        Record::Quarantined(_) => Some(Note::Quarantined),
        Record::Control(_) | Record::Tick(_) => None,
    }
}

fn open_counts(snapshot: &Snapshot) -> Result<BackfillCounts, StoreError> {
    match snapshot.control(ControlKind::BackfillOpen, "")? {
        Some(ControlRow::BackfillOpen(counts)) => Ok(counts),
        _ => Ok(BackfillCounts::default()),
    }
}

#[derive(Default)]
struct Books {
    /// Outcomes since the last chunk's end.
    open: BackfillCounts,
    rows: BTreeMap<String, BackfillRow>,
    operations: Vec<ControlChange>,
}

impl Books {
    fn step(&mut self, record: &ControlRecord, place: Place, snapshot: &Snapshot) -> Result<(), StoreError> {
        let Change::Backfill(step) = &record.change else { return Ok(()) };
        let counts = match step {
            BackfillStep::Chunk(_) => std::mem::take(&mut self.open),
            _ => BackfillCounts::default(),
        };
        let id = backfill::id_of(step).to_string();
        let before = match self.rows.get(&id) {
            Some(row) => Some(row.clone()),
            None => stored(snapshot, &id)?,
        };
        let Some(row) = backfill::after(before.as_ref(), step, &counts, record.received_at) else { return Ok(()) };
        if is_news(before.as_ref(), &row) {
            self.operations.push(progress(&row, record.received_at, place));
        }
        self.rows.insert(id, row);
        Ok(())
    }

    fn finish(self) -> Vec<ControlChange> {
        let put = |kind, id: &str, row| ControlChange { kind, id: id.into(), row: Some(row) };
        let mut changes = self.operations;
        changes.push(put(ControlKind::BackfillOpen, "", ControlRow::BackfillOpen(self.open)));
        changes
            .extend(self.rows.into_iter().map(|(id, row)| put(ControlKind::Backfill, &id, ControlRow::Backfill(row))));
        changes
    }
}

fn stored(snapshot: &Snapshot, id: &str) -> Result<Option<BackfillRow>, StoreError> {
    match snapshot.control(ControlKind::Backfill, id)? {
        Some(ControlRow::Backfill(row)) => Ok(Some(row)),
        _ => Ok(None),
    }
}

/// Each tenth of the way, each beginning and each end is an operating event.
fn is_news(before: Option<&BackfillRow>, row: &BackfillRow) -> bool {
    let tenth = |row: &BackfillRow| (row.percent_complete() / 10.0) as u64;
    let Some(before) = before else { return true };
    (before.state, tenth(before)) != (row.state, tenth(row))
}

fn progress(row: &BackfillRow, at: Micros, place: Place) -> ControlChange {
    let mut json = serde_json::json!({
        "backfill_id": row.id, "name": row.name, "state": row.state.as_str(),
        "percent_complete": row.percent_complete(), "events": row.events, "events_total": row.events_total,
        "modules": row.modules,
    });
    for (name, count) in row.counts.named() {
        json[name] = count.into();
    }
    if row.state == BackfillState::Failed {
        json["message"] = row.message.as_str().into();
    }
    let operation = Operation { kind: PROGRESS.into(), company: row.company.clone(), json: json.to_string() };
    let record = ControlRecord { received_at: at, by: row.key_id.clone(), change: Change::Operation(operation) };
    let id = operation_id(&record, place);
    ControlChange { kind: ControlKind::Operation, id, row: Some(ControlRow::Operation(record)) }
}
