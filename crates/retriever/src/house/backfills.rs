//! Backfills: how far each has come, what became of its events, and when it will be done.

use crate::{
    http::{Asked, ErrorBody, Read, ReadError, limit, page, read},
    reads::Shared,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use cebe_catalog::{
    Micros,
    backfill::{BackfillRow, BackfillState},
};
use cebe_central::Order;
use cebe_engine::change::{ControlKind, ControlRow};
use cebe_privacy::access::{Action, Scope};
use serde_json::{Map, Value as Json, json};
use std::ops::ControlFlow;

const LIMIT_DEFAULT: usize = 100;

/// Backfills, newest first.
#[utoipa::path(get, path = "/v1/backfills", tag = "backfills",
    params(
        ("before" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<usize>, Query, description = "At most 1,000"),
    ),
    responses((status = 200, description = "State, progress and counts of each", body = Object)))]
pub(crate) async fn backfills(State(house): State<Shared>, asked: Asked) -> Response {
    read(house, asked, Action::ReadOperations, |read| {
        let limit = limit(&mut read.parameters, LIMIT_DEFAULT)?;
        let before = read.parameters.take("before")?;
        read.parameters.finish("before, limit, company_id")?;
        let company = read.named_company()?;
        let (mut items, mut next) = (Vec::new(), None);
        each(read, Order::Backward, &mut |row| {
            let is_named = |wanted: &String| row.company.as_ref().is_some_and(|company| company.as_str() == wanted);
            if before.as_deref().is_some_and(|before| row.id.as_str() >= before) || !company.iter().all(is_named) {
                return ControlFlow::Continue(());
            }
            if items.len() == limit {
                next = items.last().and_then(|item: &Json| item["id"].as_str().map(str::to_owned));
                return ControlFlow::Break(());
            }
            items.push(backfill_json(&row, read.now));
            ControlFlow::Continue(())
        })?;
        Ok(page("backfills", items, next, read.freshness))
    })
    .await
}

/// One backfill.
#[utoipa::path(get, path = "/v1/backfills/{id}", tag = "backfills",
    params(("id" = String, Path, description = "The backfill's id")),
    responses(
        (status = 200, description = "State, progress and counts", body = Object),
        (status = 404, description = "No such backfill", body = ErrorBody),
    ))]
pub(crate) async fn backfill(State(house): State<Shared>, Path(id): Path<String>, asked: Asked) -> Response {
    read(house, asked, Action::ReadOperations, move |read| {
        read.parameters.finish("company_id")?;
        match read.snapshot.control(ControlKind::Backfill, &id)? {
            Some(ControlRow::Backfill(row)) if may_see(read, &row) => {
                let mut json = backfill_json(&row, read.now);
                json["freshness"] = read.freshness.to_json();
                Ok(json)
            }
            _ => Err(ReadError::NotFound("backfill")),
        }
    })
    .await
}

/// Shows the backfills that the key may see until told to stop.
fn each(read: &Read, order: Order, visit: &mut dyn FnMut(BackfillRow) -> ControlFlow<()>) -> Result<(), ReadError> {
    let visit = &mut |_: &str, row| match row {
        ControlRow::Backfill(row) if may_see(read, &row) => visit(row),
        _ => ControlFlow::Continue(()),
    };
    Ok(read.snapshot.control_all(ControlKind::Backfill, "", order, visit)?)
}

/// A backfill whose events name their own companies is for keys that serve all.
fn may_see(read: &Read, row: &BackfillRow) -> bool {
    match &row.company {
        Some(company) => read.grant.allows_company(company.as_str()),
        None => read.grant.companies == Scope::All,
    }
}

/// What a source has of history: none, running or done.
pub(super) fn state_of(read: &Read, module: &str) -> Result<&'static str, ReadError> {
    let mut state = "none";
    each(read, Order::Forward, &mut |row| {
        let is_about = row.module.as_deref() == Some(module) || row.modules.iter().any(|name| name == module);
        if is_about && row.state != BackfillState::Failed && state != "running" {
            state = row.state.as_str();
        }
        ControlFlow::Continue(())
    })?;
    Ok(state)
}

fn backfill_json(row: &BackfillRow, now: Micros) -> Json {
    let counts: Map<String, Json> =
        row.counts.named().into_iter().map(|(name, count)| (name.to_owned(), count.into())).collect();
    let mut json = json!({
        "id": row.id,
        "name": row.name,
        "state": row.state.as_str(),
        "percent_complete": row.percent_complete(),
        "events_total": row.events_total,
        "events": row.events,
        "outcomes": counts,
        "line": row.line,
        "offset": row.offset,
        "bytes": row.bytes,
        "company_id": row.company,
        "module": row.module,
        "modules": row.modules,
        "key_id": row.key_id,
        "created_at": row.created_at.to_rfc3339(),
        "finished_at": row.finished_at.map(Micros::to_rfc3339),
        "eta_s": eta_s(row, now),
        "file_kept": !row.cleared,
        "refused": row.refused.iter().map(|line| json!({"line": line.line, "code": line.code, "path": line.path,
            "id": line.receipt})).collect::<Vec<_>>(),
    });
    if row.state == BackfillState::Failed {
        json["message"] = row.message.as_str().into();
    }
    json
}

/// Seconds that are left at the pace so far.
fn eta_s(row: &BackfillRow, now: Micros) -> Option<i64> {
    if row.state != BackfillState::Running {
        return None;
    }
    let (done, total) = (i64::try_from(row.events).ok()?, i64::try_from(row.events_total?).ok()?);
    let worked = now.millis_since(row.created_at).max(0);
    (done > 0).then(|| worked.saturating_mul(total - done) / done / 1_000)
}
