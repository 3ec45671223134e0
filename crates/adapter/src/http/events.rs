//! `POST /v1/events`: one event, an array, or one a line; every one of them becomes a record.

use super::{
    Refusal, allow,
    body::{self, Asked},
    named_company,
};
use crate::{
    body::split,
    desk::Desk,
    frame,
    log::Landing,
    receive::{Received, Sender, receive},
    reply::{EventResult, Reply, Status},
    view::ControlView,
    wait,
};
use axum::{
    Extension, Json,
    body::Body,
    extract::State,
    http::{HeaderMap, header},
};
use bytes::Bytes;
use cebe_catalog::Lane;
use cebe_privacy::access::{Action, Grant};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

/// Bodies larger than this are worked on off the threads that serve connections.
const INLINE_BYTES_MAX: usize = 128 * 1024;
/// Rejections of one request that are logged one by one.
const LOGGED_MAX: usize = 20;
/// How long `wait=true` waits at most.
const WAIT_MILLIS_MAX: u64 = 60_000;

/// How to answer.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Answering {
    /// Answer after the commit, with what became of each event.
    #[serde(default)]
    wait: bool,
    /// How long to wait; 5,000 when absent.
    timeout_ms: Option<u64>,
    /// List every event in `results`.
    #[serde(default)]
    verbose: bool,
    /// Company for events that name none.
    company_id: Option<String>,
}

/// Push events.
#[utoipa::path(post, path = "/v1/events", tag = "events", params(Answering),
    request_body(description = "one event, an array of events, or one event a line; gzip and zstd are accepted"),
    responses(
        (status = 200, body = Reply), (status = 400, body = super::error::ErrorBody),
        (status = 401, body = super::error::ErrorBody), (status = 403, body = super::error::ErrorBody),
        (status = 408, body = super::error::ErrorBody), (status = 413, body = super::error::ErrorBody),
        (status = 503, body = super::error::ErrorBody)))]
pub(super) async fn post(
    State(desk): State<Desk>,
    Extension(grant): Extension<Grant>,
    Asked(asked): Asked<Answering>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Reply>, Refusal> {
    allow(&grant, Action::PublishEvents)?;
    let by = body::holder(&grant, &headers);
    desk.admit_share(&by).map_err(|retry_after| Refusal::Busy { retry_after })?;
    let held = body::read(&desk, &by, &headers, body).await?;
    let lines = is_lines(&headers);
    let company = named_company(&headers, asked.company_id.as_deref());
    let view = desk.view();
    let work = {
        let (desk, view, grant) = (desk.clone(), Arc::clone(&view), grant.clone());
        move || take(&desk, &view, &grant, company.as_deref(), &held.bytes, lines)
    };
    let received = if content_length(&headers) <= INLINE_BYTES_MAX {
        work()?
    } else {
        desk.aside(work).await.ok_or(Refusal::Failed)??
    };
    let (results, waited) = deliver(&desk, &by, received, asked.wait.then(|| patience(asked.timeout_ms))).await?;
    report(&grant, &results);
    Ok(Json(Reply::of(results, waited, asked.verbose)))
}

fn patience(timeout_ms: Option<u64>) -> Duration {
    Duration::from_millis(timeout_ms.unwrap_or(5_000).min(WAIT_MILLIS_MAX))
}

fn is_lines(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    ["ndjson", "jsonl", "json-lines", "jsonlines"].iter().any(|name| kind.contains(name))
}

fn content_length(headers: &HeaderMap) -> usize {
    let packed = headers.contains_key(header::CONTENT_ENCODING);
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    length.filter(|_| !packed).unwrap_or(usize::MAX)
}

fn take(
    desk: &Desk,
    view: &ControlView,
    grant: &Grant,
    company: Option<&str>,
    body: &[u8],
    lines: bool,
) -> Result<Received, Refusal> {
    let raws = split(body, lines).map_err(|_| Refusal::TooManyEvents)?;
    let is_empty_list = raws.is_empty() && body.trim_ascii_end().ends_with(b"]");
    let first = desk.receipts(raws.len());
    let (log, mark) = (desk.log(), desk.mark());
    let sender = Sender { log, mark, view, grant, company, module: None, lane: Lane::Live, event_id: None };
    let received = receive(&sender, &raws, first);
    if received.readable == 0 && !is_empty_list { Err(Refusal::Unreadable) } else { Ok(received) }
}

/// Appends what was received from somebody; with patience, waits for the worker and asks what became of each event.
pub(super) async fn deliver(
    desk: &Desk,
    by: &str,
    received: Received,
    patience: Option<Duration>,
) -> Result<(Vec<EventResult>, bool), Refusal> {
    let Received { frames, mut results, .. } = received;
    if frames.is_empty() {
        return Ok((results, patience.is_some()));
    }
    let bytes = frames.iter().flat_map(|frame| &frame.records).map(Bytes::len).sum();
    let room = desk.wait_for_queue(by, bytes).ok_or(Refusal::Busy { retry_after: Duration::from_secs(1) })?;
    let landed = frame::deliver(desk.log(), Lane::Live, frames).await?;
    drop(room);
    for (delivered, end) in landed.delivered.iter().zip(&landed.ends) {
        desk.note_share(by, delivered.results.len(), *end);
    }
    let Some(patience) = patience else { return Ok((results, false)) };
    if all_applied(desk, &landed.ends, patience).await {
        let store = desk.clone();
        let settled = desk.aside(move || {
            wait::settle(&mut results, &landed.delivered, &store.snapshot()?)?;
            Ok::<_, Refusal>(results)
        });
        results = settled.await.ok_or(Refusal::Failed)??;
    }
    Ok((results, true))
}

/// Waits for all of them, together at most so long.
async fn all_applied(desk: &Desk, ends: &[Landing], patience: Duration) -> bool {
    let until = Instant::now() + patience;
    for end in ends {
        if !desk.log().until_applied(*end, until.saturating_duration_since(Instant::now())).await {
            return false;
        }
    }
    true
}

/// Counts what was answered, and logs the first rejections: names, codes and paths, never values.
fn report(grant: &Grant, results: &[EventResult]) {
    let mut counts: BTreeMap<(&str, &'static str), u64> = BTreeMap::new();
    for result in results {
        let status = match result.status {
            Status::Ignored => "ignored",
            Status::Quarantined => "quarantined",
            Status::Accepted | Status::Applied | Status::Duplicate | Status::Conflict => "accepted",
        };
        *counts.entry((result.source.module.as_str(), status)).or_default() += 1;
    }
    for ((module, status), count) in counts {
        let module = module.to_owned();
        metrics::counter!("cebe_door_events_total", "source_module" => module, "status" => status).increment(count);
    }
    for result in results.iter().filter(|result| result.status == Status::Quarantined).take(LOGGED_MAX) {
        tracing::warn!(
            key = grant.key_id,
            source_module = result.source.module.as_str(),
            qontak_customer_id = result.source.customer.as_deref().unwrap_or_default(),
            reason = result.code.unwrap_or_default(),
            path = result.path.as_deref().unwrap_or_default(),
            receipt = result.receipt.as_deref().unwrap_or_default(),
            "cebe_event_rejected"
        );
    }
}
