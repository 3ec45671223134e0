//! `POST /v1/quarantine/{id}/replay`: a refused event, corrected or as it was, goes through the door again under its id.

use super::{
    Refusal, allow,
    body::{self, Asked},
    company_of,
    customers::Whose,
    events::deliver,
};
use crate::{
    desk::Desk,
    receive::{Sender, receive},
    reply::{EventResult, Status},
    view::ControlView,
};
use axum::{
    Extension, Json,
    body::Body,
    extract::{Path, State},
    http::HeaderMap,
};
use cebe_catalog::{CompanyId, Lane, control::Change, record::QuarantineRecord};
use cebe_privacy::{
    access::{Action, Grant},
    seal,
};
use std::time::Duration;

/// How long the answer waits for the worker.
const PATIENCE: Duration = Duration::from_secs(5);

/// Send a quarantined event again: with a corrected event as body, or as it was when the body is empty.
#[utoipa::path(post, path = "/v1/quarantine/{id}/replay", tag = "quarantine",
    params(("id" = String, Path, description = "the receipt"), Whose), request_body(description = "the corrected event, or nothing"),
    responses((status = 200, body = EventResult), (status = 403, body = super::error::ErrorBody),
        (status = 404, body = super::error::ErrorBody)))]
pub(super) async fn replay(
    State(desk): State<Desk>,
    Extension(grant): Extension<Grant>,
    Path(receipt): Path<String>,
    Asked(whose): Asked<Whose>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<EventResult>, Refusal> {
    allow(&grant, Action::Replay)?;
    let view = desk.view();
    let company = company_of(&view, &grant, &headers, whose.query())?;
    let record = desk.snapshot()?.quarantined(&company.id, &receipt)?.ok_or(Refusal::NotFound("quarantined event"))?;
    let by = body::holder(&grant, &headers);
    let held = body::read(&desk, &by, &headers, body).await?;
    let corrected = held.bytes.trim_ascii();
    let raw = if corrected.is_empty() { unsealed(&view, &record)? } else { corrected.to_vec() };
    let sender = Sender {
        log: desk.log(),
        mark: desk.mark(),
        view: &view,
        grant: &grant,
        company: Some(company.id.as_str()),
        module: None,
        lane: Lane::Live,
        event_id: record.id.as_ref().map(|id| id.as_str()),
    };
    let received = receive(&sender, &[&raw], desk.receipts(1));
    if received.readable == 0 {
        return Err(Refusal::Unreadable);
    }
    let (mut results, _) = deliver(&desk, &by, received, Some(PATIENCE)).await?;
    let result = results.pop().ok_or(Refusal::Failed)?;
    if !matches!(result.status, Status::Quarantined | Status::Ignored) {
        let company = CompanyId(record.header.company.0);
        desk.change(&grant.key_id, Change::Replayed { company, receipt: receipt.into() }).await?;
    }
    Ok(Json(result))
}

/// The body as it was received.
fn unsealed(view: &ControlView, record: &QuarantineRecord) -> Result<Vec<u8>, Refusal> {
    let company = view.companies.get(&record.header.company.0);
    let keys = company.map_or(&*view.installation, |company| &company.keys);
    let opened = seal::unseal(keys, record.receipt.as_bytes(), &record.body);
    // It may have been sealed before its company had keys.
    let opened = opened.or_else(|_| seal::unseal(&view.installation, record.receipt.as_bytes(), &record.body));
    opened.map_err(|_| Refusal::NotFound("body for this event any more"))
}
