//! Sequence numbers of a source's producers: the highest that arrived, and which are missing below it.

use crate::http::{Read, ReadError};
use cebe_catalog::{CompanyId, sequence::EpochRow};
use cebe_central::Order;
use cebe_engine::change::{ControlKind, ControlRow};
use serde_json::{Value as Json, json};
use std::ops::ControlFlow;

/// Producers shown.
const PRODUCERS_MAX: usize = 1_000;

/// Producers of a module in these companies, with their latest epochs.
pub(super) fn of(read: &Read, module: &str, companies: &[CompanyId]) -> Result<Json, ReadError> {
    let mut shown = Vec::new();
    for company in companies {
        let prefix = format!("{company}\0{module}\0");
        read.snapshot.control_all(ControlKind::Producer, &prefix, Order::Forward, &mut |id, row| {
            let ControlRow::Producer(row) = row else { return ControlFlow::Continue(()) };
            shown.push(json!({
                "company_id": company,
                "producer": &id[prefix.len()..],
                "missing": row.epochs.iter().map(EpochRow::missing).sum::<u64>(),
                "epochs": row.epochs.iter().map(epoch_json).collect::<Vec<_>>(),
            }));
            if shown.len() < PRODUCERS_MAX { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
    }
    Ok(shown.into())
}

fn epoch_json(row: &EpochRow) -> Json {
    json!({
        "epoch": row.epoch,
        "first_seq": row.ranges.first().map(|(first, _)| first),
        "last_seq": row.last(),
        "last_at": row.last_at.to_rfc3339(),
        "missing": row.missing(),
        "gaps": row.gaps().map(|(first, last)| json!({"from": first, "to": last})).collect::<Vec<_>>(),
    })
}
