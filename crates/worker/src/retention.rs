//! What leaves the log: expiry by day as ticks come, and erasure. What left is counted and digested in a sealing record,
//! so that lifetime numbers stay provable.

use crate::{companies::Companies, run::WorkerError};
use cebe_catalog::{
    CompanyId, EventRecord, Micros, Node,
    limits::{AUDIT_DAYS, CONFLICT_DAYS, OPERATION_DAYS, QUARANTINE_DAYS},
    time::DAY,
};
use cebe_central::{Central, Order, Snapshot};
use cebe_engine::change::{Changes, ControlChange, ControlKind, ControlRow};
use smol_str::SmolStr;
use std::ops::ControlFlow;

/// Events retired in one commit.
const RETIRE_EVENTS: usize = 5_000;

/// A month of retention in days: the longest, so that nothing goes early.
const MONTH_DAYS: i64 = 31;

/// What a tick takes out of the log.
#[derive(Debug, Default)]
pub struct Expired {
    /// Events to retire, company by company, in commits of bounded size.
    pub batches: Vec<(CompanyId, Vec<EventRecord>)>,
    /// Rows of the tick itself.
    pub changes: Changes,
}

/// What expires with a tick at `at`: once a day, and not at all when the tick jumped more than a day ahead, until the
/// next tick confirms it.
pub fn expired(central: &dyn Central, companies: &Companies, at: Micros) -> Result<Expired, WorkerError> {
    let snapshot = central.snapshot()?;
    let last = match snapshot.control(ControlKind::Tick, "")? {
        Some(ControlRow::Tick { at, paused }) => Some((at, paused)),
        _ => None,
    };
    let jumped = last.is_some_and(|(last, paused)| at.0 - last.0 > DAY && !paused);
    let mut expired = Expired { changes: tick_row(at, jumped), ..Expired::default() };
    if jumped {
        tracing::warn!("the clock jumped more than a day ahead; nothing expires until the next tick confirms it");
        return Ok(expired);
    }
    if last.is_some_and(|(last, paused)| !paused && last.utc_day() == at.utc_day()) {
        return Ok(expired);
    }
    for (company, _) in companies.iter() {
        let before = at.plus(-QUARANTINE_DAYS * DAY);
        expired.changes.quarantine_removed.extend(refused_before(&snapshot, company, before)?);
        let before = at.plus(-CONFLICT_DAYS * DAY);
        expired.changes.conflicts_removed.extend(copies_before(&snapshot, company, before)?);
    }
    expired.changes.control.extend(operations_past(&snapshot, at)?);
    for (company, row) in companies.iter().filter(|(_, row)| row.settings.retention_months > 0) {
        let kept = i64::from(row.settings.retention_months) * MONTH_DAYS;
        let before = Micros((at.0.div_euclid(DAY) - kept) * DAY);
        collect(&snapshot, company, before, &mut expired.batches)?;
    }
    Ok(expired)
}

/// Most refused events forgotten with one tick of one company; the next tick goes on.
const FORGOTTEN_MAX: usize = 100_000;

/// Refused events received before an instant; their receipts are ordered by time.
fn refused_before(
    snapshot: &Snapshot,
    company: &CompanyId,
    before: Micros,
) -> Result<Vec<(CompanyId, SmolStr)>, WorkerError> {
    let newest = format!("{:020}", before.0);
    let old = snapshot.quarantine(company, Some(&newest), FORGOTTEN_MAX)?;
    Ok(old.into_iter().map(|record| (company.clone(), record.receipt)).collect())
}

/// Losing copies received before an instant; their ids are ordered by time.
fn copies_before(
    snapshot: &Snapshot,
    company: &CompanyId,
    before: Micros,
) -> Result<Vec<(CompanyId, SmolStr)>, WorkerError> {
    let newest = format!("{:020}", before.0);
    let old = snapshot.conflicts(company, Some(&newest), FORGOTTEN_MAX)?;
    Ok(old.into_iter().map(|(id, _)| (company.clone(), id.into())).collect())
}

/// Operating events and audits that were kept long enough; their ids are ordered by time.
fn operations_past(snapshot: &Snapshot, at: Micros) -> Result<Vec<ControlChange>, WorkerError> {
    let before = |days: i64| format!("{:020}", at.plus(-days * DAY).0);
    let (operations, audits) = (before(OPERATION_DAYS), before(AUDIT_DAYS));
    let mut past = Vec::new();
    snapshot.control_all(ControlKind::Operation, "", Order::Forward, &mut |id, row| {
        if id >= operations.as_str() || past.len() == FORGOTTEN_MAX {
            return ControlFlow::Break(());
        }
        let is_audit = matches!(&row, ControlRow::Operation(record) if record.change.is_audit());
        if !is_audit || id < audits.as_str() {
            past.push(ControlChange { kind: ControlKind::Operation, id: id.into(), row: None });
        }
        ControlFlow::Continue(())
    })?;
    Ok(past)
}

fn tick_row(at: Micros, paused: bool) -> Changes {
    let row = Some(ControlRow::Tick { at, paused });
    let change = ControlChange { kind: ControlKind::Tick, id: "".into(), row };
    Changes { control: vec![change], ..Changes::default() }
}

fn collect(
    snapshot: &Snapshot,
    company: &CompanyId,
    before: Micros,
    batches: &mut Vec<(CompanyId, Vec<EventRecord>)>,
) -> Result<(), WorkerError> {
    let mut events = Vec::new();
    snapshot.log(company, &mut |event, _| {
        if event.event_at < before {
            events.push(event);
        }
        ControlFlow::Continue(())
    })?;
    while !events.is_empty() {
        let rest = events.split_off(events.len().min(RETIRE_EVENTS));
        batches.push((company.clone(), std::mem::replace(&mut events, rest)));
    }
    Ok(())
}

/// Why events left the log, as sealing records say it.
pub const EXPIRY: &str = "expiry";

/// Adds the sealing record of what a commit takes out of the log.
pub fn seal(changes: &mut Changes, company: &CompanyId, at: Micros, why: &str) {
    let points = changes.points.iter().filter(|(_, point)| !point.sealed.is_zero()).count();
    let json = serde_json::json!({
        "company_id": company.as_str(), "why": why, "at": at.to_rfc3339(), "events": changes.removed.len(),
        "points": points,
    });
    let digest = changes.removed.first().map(|removed| removed.key.id.to_string()).unwrap_or_default();
    let id = format!("{company}\0{:020}{digest}", at.0).into();
    changes.control.push(ControlChange {
        kind: ControlKind::Sealing,
        id,
        row: Some(ControlRow::Sealing(json.to_string())),
    });
}

/// Adds the receipt of an erasure, and its sealing record.
pub fn receipt(changes: &mut Changes, company: &CompanyId, customer: &Node, receipt: &str, at: Micros) {
    let erased = changes.nodes.iter().filter(|(_, row)| row.as_ref().is_some_and(|row| row.erased));
    let ids: Vec<String> = erased.map(|(key, _)| key.node.to_text()).collect();
    let json = serde_json::json!({
        "receipt": receipt, "ids": ids, "company_id": company.as_str(), "customer": customer.to_text(), "at": at.to_rfc3339(),
        "events": changes.removed.len(), "vault_values": changes.vault_removed.len(),
        "facts": changes.facts.len(), "nodes": changes.nodes.len(),
    });
    let id = format!("{company}\0{receipt}").into();
    changes.control.push(ControlChange {
        kind: ControlKind::Erasure,
        id,
        row: Some(ControlRow::Erasure(json.to_string())),
    });
    seal(changes, company, at, "erasure");
}
