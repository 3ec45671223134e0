//! Reconciliation: a source says what it sent in a window, and it is compared with what arrived. What was posted is kept
//! and compared again every hour, because late events still come; a mismatch is an operating event. Read `claim.rs` for
//! what a source may say, `compare.rs` for how it is judged.

mod claim;
mod compare;
#[cfg(test)]
mod tests;

pub(crate) use claim::Claim;
pub(crate) use compare::{Finding, compare};

use crate::desk::{Desk, DoorError};
use cebe_catalog::{
    Micros,
    control::{Change, Operation},
    reconciliation::ReconciliationRow,
    time::{DAY, HOUR},
};
use cebe_central::{
    Order, Snapshot, StoreError,
    change::{ControlKind, ControlRow},
};
use serde_json::json;
use std::{collections::BTreeMap, ops::ControlFlow, time::Duration};

/// How long a posted reconciliation is compared again.
const WATCHED: i64 = 7 * DAY;
/// Pause between two looks whether an hour is over.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// The name of the operating event.
pub(crate) const MISMATCH: &str = "cebe_reconciliation_mismatch";

/// Compares what was posted, every hour.
pub struct Reconciliations(Desk);

impl Reconciliations {
    /// Reconciliations of this door.
    pub fn new(desk: Desk) -> Self {
        Self(desk)
    }

    /// Works for ever.
    pub async fn run(self) {
        let mut last = Micros::MIN;
        loop {
            let now = self.0.now();
            if now.0 - last.0.max(0) >= HOUR {
                last = now;
                if let Err(error) = self.check_all().await {
                    tracing::error!(%error, "reconciliations could not be compared; they are in an hour");
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Compares everything that was posted within the last days again.
    pub(crate) async fn check_all(&self) -> Result<(), DoorError> {
        let now = self.0.now();
        for row in watched(&self.0.snapshot()?, now)? {
            let Ok(claim) = serde_json::from_str::<Claim>(&row.claim) else { continue };
            let (desk, company, module) = (self.0.clone(), row.company.clone(), row.module.clone());
            let compared = tokio::task::spawn_blocking(move || {
                compare(&desk.snapshot()?, &company, &module, &claim).map_err(DoorError::from)
            });
            let Ok(finding) = compared.await else { continue };
            let finding = finding?;
            let result = finding.to_json().to_string();
            if result != row.result {
                let row = ReconciliationRow { checked_at: now, matches: finding.matches(), result, ..row };
                record(&self.0, row, &finding).await?;
            }
        }
        gauge(&watched(&self.0.snapshot()?, now)?);
        Ok(())
    }
}

fn watched(snapshot: &Snapshot, now: Micros) -> Result<Vec<ReconciliationRow>, StoreError> {
    let mut rows = Vec::new();
    snapshot.control_all(ControlKind::Reconciliation, "", Order::Forward, &mut |_, row| {
        if let ControlRow::Reconciliation(row) = row
            && now.0 - row.posted_at.0 < WATCHED
        {
            rows.push(row);
        }
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

/// Keeps what was found; a mismatch is told.
pub(crate) async fn record(desk: &Desk, row: ReconciliationRow, finding: &Finding) -> Result<(), DoorError> {
    let by = row.key_id.clone();
    if !finding.matches() {
        metrics::counter!("cebe_reconciliation_mismatch", "source_module" => row.module.to_string()).increment(1);
        let (missing, extra, altered) = (finding.missing(), finding.extra(), finding.altered());
        tracing::warn!(module = row.module.as_str(), missing, extra, altered, "a reconciliation does not match");
        let json = json!({"reconciliation_id": row.id, "source_module": row.module, "missing": missing,
            "extra": extra, "altered": altered, "ignored": finding.ignored, "quarantined": finding.quarantined_count()});
        let operation = Operation { kind: MISMATCH.into(), company: Some(row.company.clone()), json: json.to_string() };
        desk.append_operation(&by, operation).await?;
    }
    desk.change(&by, Change::Reconciliation(Box::new(row))).await?;
    gauge(&watched(&desk.snapshot()?, desk.now())?);
    Ok(())
}

/// What is missing now of each source: what the newest reconciliation of each company says, added up.
fn gauge(rows: &[ReconciliationRow]) {
    let newest: BTreeMap<_, _> = rows.iter().map(|row| ((&row.module, &row.company), row)).collect();
    let mut missing: BTreeMap<&str, i64> = BTreeMap::new();
    for ((module, _), row) in newest {
        let result: serde_json::Value = serde_json::from_str(&row.result).unwrap_or_default();
        *missing.entry(module).or_default() += result["unexplained"].as_i64().unwrap_or(0);
    }
    for (module, missing) in missing {
        metrics::gauge!("cebe_reconciliation_missing_events", "source_module" => module.to_owned()).set(missing as f64);
    }
}
