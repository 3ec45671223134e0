//! Conflicts: copies of an event that lost against another of the same key, kept as evidence.

use crate::{
    http::{Asked, Read, ReadError, limit, page, read},
    reads::Shared,
};
use axum::{extract::State, response::Response};
use cebe_engine::change::Conflict;
use cebe_privacy::access::Action;
use serde_json::{Value as Json, json};

const LIMIT_DEFAULT: usize = 100;

/// Events that came again with other content.
#[utoipa::path(get, path = "/v1/conflicts", tag = "operations",
    params(
        ("before" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<usize>, Query, description = "At most 1,000"),
    ),
    responses((status = 200, description = "The losing copies, newest first", body = Object)))]
pub(crate) async fn conflicts(State(house): State<Shared>, asked: Asked) -> Response {
    read(house, asked, Action::ReadQuarantine, answer).await
}

fn answer(read: &mut Read) -> Result<Json, ReadError> {
    let company = read.company()?;
    let limit = limit(&mut read.parameters, LIMIT_DEFAULT)?;
    let before = read.parameters.take("before")?;
    read.parameters.finish("before, limit, company_id")?;
    let rows = read.snapshot.conflicts(&company.id, before.as_deref(), limit)?;
    let next = (rows.len() == limit).then(|| rows.last().map(|(id, _)| id.clone())).flatten();
    let shown = rows.iter().filter(|(_, row)| read.grant.may_read_module(row.event.header.module.as_str()));
    let items = shown.map(|(id, row)| conflict_json(id, row)).collect();
    Ok(page("conflicts", items, next, read.freshness))
}

fn conflict_json(id: &str, conflict: &Conflict) -> Json {
    let event = &conflict.event;
    json!({
        "id": id,
        "event_id": event.id,
        "event_name": event.name,
        "source_module": event.header.module,
        "event_timestamp": event.event_at.to_rfc3339(),
        "received_at": event.header.received_at.to_rfc3339(),
    })
}
