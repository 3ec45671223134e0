//! Writes down which sequence numbers of publishers arrived, so that gaps show.

use cebe_catalog::{
    Micros, Record,
    control::Change,
    sequence::{ProducerRow, SequenceSpan},
};
use cebe_central::{Central, Snapshot, StoreError};
use cebe_engine::{
    change::{ControlChange, ControlKind, ControlRow},
    rows::Place,
    sequence,
};
use std::collections::BTreeMap;

/// Numbers of a batch, with when they were received.
#[derive(Debug, Default)]
pub struct Numbered(Vec<(Micros, SequenceSpan)>);

impl Numbered {
    /// Notes the numbers in a batch.
    pub fn of(records: &[(Place, Record)]) -> Self {
        let mut numbered = Self::default();
        for (_, record) in records {
            if let Record::Control(record) = record
                && let Change::Sequences(spans) = &record.change
            {
                numbered.0.extend(spans.iter().map(|span| (record.received_at, span.clone())));
            }
        }
        numbered
    }

    /// Producer rows that the batch changes; everything before it is committed.
    pub fn rows(&self, central: &dyn Central) -> Result<Vec<ControlChange>, StoreError> {
        if self.0.is_empty() {
            return Ok(Vec::new());
        }
        let snapshot = central.snapshot()?;
        let mut rows: BTreeMap<String, ProducerRow> = BTreeMap::new();
        for (at, span) in &self.0 {
            let id = format!("{}\0{}\0{}", span.company, span.module, span.producer);
            let mut row = match rows.remove(&id) {
                Some(row) => row,
                None => stored(&snapshot, &id)?,
            };
            sequence::add(&mut row, span, *at);
            rows.insert(id, row);
        }
        let put = |(id, row): (String, ProducerRow)| ControlChange {
            kind: ControlKind::Producer,
            id: id.into(),
            row: Some(ControlRow::Producer(row)),
        };
        Ok(rows.into_iter().map(put).collect())
    }
}

fn stored(snapshot: &Snapshot, id: &str) -> Result<ProducerRow, StoreError> {
    match snapshot.control(ControlKind::Producer, id)? {
        Some(ControlRow::Producer(row)) => Ok(row),
        _ => Ok(ProducerRow::default()),
    }
}
