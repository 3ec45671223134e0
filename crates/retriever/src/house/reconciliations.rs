//! Reconciliations: what sources say they sent, beside what was found.

use crate::{
    http::{Asked, ErrorBody, Read, ReadError, limit, page, read},
    reads::Shared,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use cebe_catalog::reconciliation::ReconciliationRow;
use cebe_central::Order;
use cebe_engine::change::{ControlKind, ControlRow};
use cebe_privacy::access::Action;
use serde_json::{Value as Json, json};
use std::ops::ControlFlow;

const LIMIT_DEFAULT: usize = 100;

/// A company's reconciliations, newest first.
#[utoipa::path(get, path = "/v1/reconciliations", tag = "reconciliations",
    params(
        ("before" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<usize>, Query, description = "At most 1,000"),
    ),
    responses((status = 200, description = "What was posted and what was found", body = Object)))]
pub(crate) async fn reconciliations(State(house): State<Shared>, asked: Asked) -> Response {
    read(house, asked, Action::ReadOperations, list).await
}

fn list(read: &mut Read) -> Result<Json, ReadError> {
    let company = read.company()?;
    let limit = limit(&mut read.parameters, LIMIT_DEFAULT)?;
    let before = read.parameters.take("before")?;
    read.parameters.finish("before, limit, company_id")?;
    let (mut items, mut next) = (Vec::new(), None);
    let prefix = format!("{}\0", company.id);
    read.snapshot.control_all(ControlKind::Reconciliation, &prefix, Order::Backward, &mut |_, row| {
        let ControlRow::Reconciliation(row) = row else { return ControlFlow::Continue(()) };
        if before.as_deref().is_some_and(|before| row.id.as_str() >= before) || !read.grant.may_read_module(&row.module)
        {
            return ControlFlow::Continue(());
        }
        if items.len() == limit {
            next = items.last().and_then(|item: &Json| item["id"].as_str().map(str::to_owned));
            return ControlFlow::Break(());
        }
        let mut item = row_json(&row);
        // Only the single view repeats every id that was posted.
        item.as_object_mut().map(|fields| fields.remove("ids"));
        items.push(item);
        ControlFlow::Continue(())
    })?;
    Ok(page("reconciliations", items, next, read.freshness))
}

/// One reconciliation.
#[utoipa::path(get, path = "/v1/reconciliations/{id}", tag = "reconciliations",
    params(("id" = String, Path, description = "The reconciliation's id")),
    responses(
        (status = 200, description = "What was posted and what was found", body = Object),
        (status = 404, description = "No such reconciliation", body = ErrorBody),
    ))]
pub(crate) async fn reconciliation(State(house): State<Shared>, Path(id): Path<String>, asked: Asked) -> Response {
    read(house, asked, Action::ReadOperations, move |read| {
        let company = read.company()?;
        read.parameters.finish("company_id")?;
        match read.snapshot.control(ControlKind::Reconciliation, &format!("{}\0{id}", company.id))? {
            Some(ControlRow::Reconciliation(row)) if read.grant.may_read_module(&row.module) => {
                let mut json = row_json(&row);
                json["freshness"] = read.freshness.to_json();
                Ok(json)
            }
            _ => Err(ReadError::NotFound("reconciliation")),
        }
    })
    .await
}

fn row_json(row: &ReconciliationRow) -> Json {
    let parsed = |text: &str| serde_json::from_str::<Json>(text).unwrap_or_default();
    let mut json = json!({
        "id": row.id, "company_id": row.company, "source_module": row.module, "key_id": row.key_id,
        "posted_at": row.posted_at.to_rfc3339(), "checked_at": row.checked_at.to_rfc3339(), "matches": row.matches,
    });
    for part in [parsed(&row.claim), parsed(&row.result)] {
        if let (Some(json), Json::Object(fields)) = (json.as_object_mut(), part) {
            json.extend(fields);
        }
    }
    for name in ["from", "to"] {
        let at = json[name].as_i64().map(|at| cebe_catalog::Micros(at).to_rfc3339());
        json[name] = at.into();
    }
    json
}
