//! The timeline: the events under all nodes of a customer, newest first, each once, in pages.

use super::{event_json::event_json, person::Person};
use crate::{
    company::Company,
    http::{Asked, ErrorBody, Read, ReadError, limit, page, read},
    reads::Shared,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use cebe_catalog::{EventId, EventName, Micros, SourceModule, limits};
use cebe_central::{Address, TimelineCursor, TimelineRow};
use cebe_privacy::access::Action;
use serde_json::Value as Json;
use std::{collections::BTreeMap, ops::ControlFlow};

/// The smallest id: what a bare time as cursor stands before.
const FIRST_ID: &str = "00000000-0000-0000-0000-000000000000";

/// The events of a customer, newest first.
#[utoipa::path(get, path = "/v1/customers/{id}/timeline", tag = "customers",
    params(
        ("id" = String, Path, description = "A customer id, an alias, or kind:token"),
        ("event_name" = Option<String>, Query, description = "Only events of this name"),
        ("module" = Option<String>, Query, description = "Only events of this source module"),
        ("before" = Option<String>, Query, description = "`next` of the page before, or a time"),
        ("limit" = Option<usize>, Query, description = "Events on a page, 50 when absent, at most 1,000"),
    ),
    responses(
        (status = 200, description = "Events, masked, and the next page's cursor", body = Object),
        (status = 404, description = "No such customer", body = ErrorBody),
        (status = 410, description = "Erased, with the receipt", body = ErrorBody),
    ))]
pub(crate) async fn timeline(State(house): State<Shared>, Path(id): Path<String>, asked: Asked) -> Response {
    read(house, asked, Action::Read, move |read| answer(read, &id)).await
}

fn answer(read: &mut Read, id: &str) -> Result<Json, ReadError> {
    let company = read.company()?;
    let filter = Filter::parse(read, &company)?;
    let limit = limit(&mut read.parameters, limits::TIMELINE_EVENTS_DEFAULT)?;
    let before = read.parameters.take("before")?.map(|text| decode(&text)).transpose()?;
    read.parameters.finish("event_name, module, before, limit, company_id")?;
    let person = Person::at(read, &company, id)?;
    let mut rows = newest(read, &company, &person, &filter, before.as_ref(), limit + 1)?;
    let next = (rows.len() > limit).then(|| encode(&rows[limit - 1].0));
    rows.truncate(limit);
    let catalog = company.catalog(&read.snapshot)?;
    let mut events = Vec::with_capacity(rows.len());
    for (_, address) in &rows {
        read.in_time()?;
        let event = read.snapshot.body(address)?.ok_or(ReadError::Damaged("timeline row without event"))?;
        events.push(event_json(read, &catalog, &event));
    }
    Ok(page("events", events, next, read.freshness))
}

/// Which events are shown.
struct Filter {
    name: Option<String>,
    module: Option<String>,
}

impl Filter {
    fn parse(read: &mut Read, company: &Company) -> Result<Self, ReadError> {
        let name = read.parameters.take("event_name")?;
        let module = read.parameters.take("module")?;
        let module = module.map(|name| company.definitions.module(&name).map_or(name.clone(), ToString::to_string));
        if let Some(module) = &module
            && !read.grant.may_read_module(module)
        {
            return Err(ReadError::ModuleHidden(module.chars().take(64).collect()));
        }
        Ok(Self { name, module })
    }

    fn shows(&self, read: &Read, row: &TimelineRow) -> bool {
        self.name.as_ref().is_none_or(|name| row.name.as_str() == name)
            && self.module.as_ref().is_none_or(|module| row.module.as_str() == module)
            && read.grant.may_read_module(row.module.as_str())
    }
}

/// The newest rows over all nodes of a person, strictly before the cursor; an event under two nodes stands once.
fn newest(
    read: &Read,
    company: &Company,
    person: &Person,
    filter: &Filter,
    before: Option<&TimelineCursor>,
    count: usize,
) -> Result<Vec<(TimelineCursor, Address)>, ReadError> {
    let mut merged: BTreeMap<TimelineCursor, Address> = BTreeMap::new();
    for node in person.stored() {
        read.in_time()?;
        let mut scanned = 0_u32;
        read.snapshot.timeline(&company.id, node, before, &mut |row| {
            scanned = scanned.wrapping_add(1);
            let cursor = row.cursor();
            let full = merged.len() >= count;
            let too_old = full && merged.first_key_value().is_some_and(|(oldest, _)| cursor < *oldest);
            if too_old || (scanned.is_multiple_of(4_096) && read.in_time().is_err()) {
                return ControlFlow::Break(());
            }
            if filter.shows(read, row) {
                merged.insert(cursor, row.address.clone());
                if merged.len() > count {
                    merged.pop_first();
                }
            }
            ControlFlow::Continue(())
        })?;
    }
    read.in_time()?;
    Ok(merged.into_iter().rev().collect())
}

/// A cursor as opaque text.
fn encode(cursor: &TimelineCursor) -> String {
    let parts = serde_json::json!([cursor.at.0, cursor.id, cursor.name, cursor.module]);
    URL_SAFE_NO_PAD.encode(parts.to_string())
}

/// Reads a cursor, or a time, before which the page begins.
fn decode(text: &str) -> Result<TimelineCursor, ReadError> {
    if let Some(at) = Micros::parse(&text.replace(' ', "+")) {
        let (name, module) = (EventName::default(), SourceModule::default());
        return Ok(TimelineCursor { at, id: EventId::new(FIRST_ID), name, module });
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok();
    let parts: Option<(i64, EventId, EventName, SourceModule)> =
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let (at, id, name, module) = parts.ok_or_else(|| {
        ReadError::invalid("invalid_cursor", "before", "not a cursor", "`next` of the page before, or an RFC 3339 time")
    })?;
    Ok(TimelineCursor { at: Micros(at), id, name, module })
}
