//! Quarantined events: how many by cause, and which; the body only for a key that may reveal it, audited first.

use crate::{
    company::Company,
    http::{Asked, ErrorBody, Read, ReadError, limit, page, read, run},
    reads::Shared,
};
use axum::{
    Json as JsonReply,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use cebe_catalog::{QuarantineCode, control::Operation, record::QuarantineRecord};
use cebe_engine::change::{ControlKind, ControlRow};
use cebe_privacy::{access::Action, seal};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

const LIMIT_DEFAULT: usize = 100;
/// Records read at once, and at most for the counts by cause.
const CHUNK: usize = 1_000;
const COUNTED_MAX: usize = 100_000;

/// Refused events, by cause and newest first.
#[utoipa::path(get, path = "/v1/quarantine", tag = "operations",
    params(
        ("code" = Option<String>, Query, description = "Only this cause"),
        ("before" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<usize>, Query, description = "At most 1,000"),
    ),
    responses((status = 200, description = "Counts by cause and the events, without their bodies", body = Object)))]
pub(crate) async fn quarantine(State(house): State<Shared>, asked: Asked) -> Response {
    read(house, asked, Action::ReadQuarantine, list).await
}

fn list(read: &mut Read) -> Result<Json, ReadError> {
    let company = read.company()?;
    let code = read.parameters.take("code")?.map(|text| parse_code(&text)).transpose()?;
    let limit = limit(&mut read.parameters, LIMIT_DEFAULT)?;
    let before = read.parameters.take("before")?;
    read.parameters.finish("code, before, limit, company_id")?;
    let (mut items, mut next, mut causes, mut counted) = (Vec::new(), None, BTreeMap::new(), 0);
    // The first page also counts by cause; the others only read on from their cursor.
    let count = before.is_none();
    each(read, &company, before, &mut |record| {
        counted += 1;
        if count {
            *causes.entry(record.code).or_insert(0_u64) += 1;
        }
        if code.is_none_or(|code| record.code == code) {
            if items.len() < limit {
                items.push(record.clone());
            } else if next.is_none() {
                next = items.last().map(|record: &QuarantineRecord| record.receipt.to_string());
            }
        }
        counted < COUNTED_MAX && (count || next.is_none())
    })?;
    let events = items.iter().map(|record| record_json(read, &company, record)).collect::<Result<_, _>>()?;
    let mut answer = page("quarantine", events, next, read.freshness);
    if count {
        answer["causes"] =
            causes.iter().map(|(code, n)| (code.as_str().to_owned(), Json::from(*n))).collect::<Map<_, _>>().into();
    }
    Ok(answer)
}

/// Shows the records that the key's teams read, newest first, until told to stop.
fn each(
    read: &Read,
    company: &Company,
    mut before: Option<String>,
    visit: &mut dyn FnMut(&QuarantineRecord) -> bool,
) -> Result<(), ReadError> {
    loop {
        read.in_time()?;
        let records = read.snapshot.quarantine(&company.id, before.as_deref(), CHUNK)?;
        for record in records.iter().filter(|record| read.grant.may_read_module(record.header.module.as_str())) {
            if !visit(record) {
                return Ok(());
            }
        }
        match records.last() {
            Some(last) if records.len() == CHUNK => before = Some(last.receipt.to_string()),
            _ => return Ok(()),
        }
    }
}

fn parse_code(text: &str) -> Result<QuarantineCode, ReadError> {
    QuarantineCode::parse(text).ok_or_else(|| {
        let codes = QuarantineCode::ALL.iter().map(|code| code.as_str()).collect::<Vec<_>>().join(", ");
        ReadError::invalid("invalid_parameter", "code", "no such cause", codes)
    })
}

fn record_json(read: &Read, company: &Company, record: &QuarantineRecord) -> Result<Json, ReadError> {
    let replayed = match read.snapshot.control(ControlKind::Replayed, &format!("{}\0{}", company.id, record.receipt))? {
        Some(ControlRow::Replayed(at)) => Some(at.to_rfc3339()),
        _ => None,
    };
    Ok(json!({
        "id": record.receipt,
        "code": record.code.as_str(),
        "path": record.path,
        "hint": record.hint,
        "event_name": record.name,
        "event_id": record.id,
        "source_module": record.header.module,
        "received_at": record.header.received_at.to_rfc3339(),
        "key_id": record.key_id,
        "replayed_at": replayed,
    }))
}

/// One refused event; its body with `reveal=true`.
#[utoipa::path(get, path = "/v1/quarantine/{id}", tag = "operations",
    params(
        ("id" = String, Path, description = "Receipt"),
        ("reveal" = Option<bool>, Query, description = "Show the body as received; a right of its own, and audited"),
    ),
    responses(
        (status = 200, description = "Why it was refused", body = Object),
        (status = 404, description = "No such receipt, or past its 30 days", body = ErrorBody),
    ))]
pub(crate) async fn quarantined(State(house): State<Shared>, Path(id): Path<String>, asked: Asked) -> Response {
    let (audit, by) = (house.reads.audit.clone(), asked.grant.key_id.clone());
    let (answer, entry) = match run(house, asked, Action::ReadQuarantine, move |read| one(read, &id)).await {
        Ok(answered) => answered,
        Err(error) => return error.into_response(),
    };
    if let Some(entry) = entry
        && audit(entry, by).await.is_err()
    {
        return ReadError::AuditFailed.into_response();
    }
    JsonReply(answer).into_response()
}

fn one(read: &mut Read, id: &str) -> Result<(Json, Option<Operation>), ReadError> {
    let company = read.company()?;
    let reveal = read.parameters.flag("reveal")?;
    read.parameters.finish("reveal, company_id")?;
    let record = read.snapshot.quarantined(&company.id, id)?.ok_or(ReadError::NotFound("quarantined event"))?;
    let module = record.header.module.as_str();
    if !read.grant.may_read_module(module) {
        return Err(ReadError::ModuleHidden(module.to_owned()));
    }
    let mut json = record_json(read, &company, &record)?;
    json["freshness"] = read.freshness.to_json();
    if !reveal {
        return Ok((json, None));
    }
    // A body may hold anything, so only a team that sees the undeclared may see it.
    if !read.grant.may_reveal(module, cebe_catalog::PiiClass::Unclassified.as_str()) {
        return Err(ReadError::Forbidden(Action::Reveal));
    }
    let keys = company.keys(read)?;
    let body = seal::unseal(&keys, record.receipt.as_bytes(), &record.body)
        .map_err(|_| ReadError::Damaged("quarantined body"))?;
    json["body"] = serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into_owned().into());
    let entry = json!({
        "key_id": read.grant.key_id, "quarantined": record.receipt, "fields": ["body"], "at": read.now.to_rfc3339(),
    });
    let operation = Operation { kind: "pii_revealed".into(), company: Some(company.id), json: entry.to_string() };
    Ok((json, Some(operation)))
}
