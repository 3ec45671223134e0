//! What a control record changes in the control table. Links, erasures and rebuilds are steps of their own; here is what
//! is a plain row.

use crate::{
    change::{CompanyRow, ControlChange, ControlKind, ControlRow},
    rows::Place,
};
use alloc::{format, vec, vec::Vec};
use cebe_catalog::{
    CompanyId, CompanySettings, Lane,
    control::{Change, ControlRecord},
};
use smol_str::SmolStr;

/// Control rows that a record puts or deletes. `company` is the stored row of the company that a `Company` change is
/// about: its secrets and its creation are kept.
pub fn rows(record: &ControlRecord, place: Place, company: Option<&CompanyRow>) -> Vec<ControlChange> {
    let mut changes = plain_row(record, company).map_or_else(Vec::new, |change| vec![change]);
    if is_audited(&record.change) {
        let row = Some(ControlRow::Operation(without_secrets(record)));
        changes.push(ControlChange { kind: ControlKind::Operation, id: operation_id(record, place), row });
    }
    changes
}

fn plain_row(record: &ControlRecord, company: Option<&CompanyRow>) -> Option<ControlChange> {
    let put = |kind, id: SmolStr, row| Some(ControlChange { kind, id, row: Some(row) });
    match &record.change {
        Change::Company { id, settings, secrets } => {
            let row = company_row(record, settings, secrets.as_deref(), company);
            put(ControlKind::Company, id.0.clone(), ControlRow::Company(row))
        }
        Change::Source(flag) => put(ControlKind::Source, flag.module.clone(), ControlRow::Source(flag.clone())),
        Change::Key(key) => put(ControlKind::Key, key.id.clone(), ControlRow::Key(key.clone())),
        Change::KeyRemoved { id } => Some(ControlChange { kind: ControlKind::Key, id: id.clone(), row: None }),
        Change::Team(team) => put(ControlKind::Team, team.id.clone(), ControlRow::Team(team.clone())),
        Change::Fields { company, classes } => {
            let classes = classes.iter().map(|(name, class)| (name.clone(), class.clone())).collect();
            put(ControlKind::Fields, company.0.clone(), ControlRow::Fields(classes))
        }
        Change::EventDefinition { company, name, json } => {
            put(ControlKind::EventDefinition, within(company, name), ControlRow::EventDefinition(json.clone()))
        }
        Change::Replayed { company, receipt } => {
            put(ControlKind::Replayed, within(company, receipt), ControlRow::Replayed(record.received_at))
        }
        Change::Reconciliation(row) => {
            let id = within(&row.company, &row.id);
            put(ControlKind::Reconciliation, id, ControlRow::Reconciliation((**row).clone()))
        }
        Change::Unlink(_) | Change::Erase { .. } | Change::Operation(_) | Change::Rebuild { .. } => None,
        // They build on the stored row: see `backfill.rs` and `sequence.rs`.
        Change::Backfill(_) | Change::Sequences(_) => None,
    }
}

/// A company's row after a change; a change that rewrites history starts a rebuild.
fn company_row(
    record: &ControlRecord,
    settings: &CompanySettings,
    secrets: Option<&[u8]>,
    stored: Option<&CompanyRow>,
) -> CompanyRow {
    match stored {
        Some(stored) => CompanyRow {
            settings: settings.clone(),
            rebuilding: stored.rebuilding || stored.settings.needs_rebuild(settings),
            ..stored.clone()
        },
        None => CompanyRow {
            settings: settings.clone(),
            secrets: secrets.unwrap_or_default().to_vec(),
            created_at: record.received_at,
            rebuilding: false,
        },
    }
}

/// Changes of settings, keys, flags and links, erasures and reveals are kept to be looked up.
fn is_audited(change: &Change) -> bool {
    !matches!(change, Change::Rebuild { .. } | Change::Backfill(_) | Change::Sequences(_) | Change::Reconciliation(_))
}

/// The audit shows that keys were made, never their wrapped bytes or hashes.
fn without_secrets(record: &ControlRecord) -> ControlRecord {
    let mut record = record.clone();
    match &mut record.change {
        Change::Company { secrets, .. } => *secrets = None,
        Change::Key(key) => key.hash = [0; 32],
        _ => {}
    }
    record
}

/// Time-ordered id of an operation; the place in the queue makes it unique and the same after every replay.
pub fn operation_id(record: &ControlRecord, place: Place) -> SmolStr {
    let lane = match place.lane {
        Lane::Live => 'l',
        Lane::Backfill => 'b',
    };
    format!("{:020}{lane}{:020}", record.received_at.0, place.index).into()
}

/// Id of a row that belongs to a company.
pub fn within(company: &CompanyId, id: &str) -> SmolStr {
    format!("{company}\0{id}").into()
}
