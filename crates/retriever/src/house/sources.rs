//! Sources: the flag, the companies on it, and what became of what they sent.

use crate::{
    http::{Asked, ErrorBody, Read, ReadError, read},
    reads::Shared,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use cebe_catalog::{CompanyId, Micros, SourceModule, control::SourceFlag, limits, time::HOUR};
use cebe_engine::{
    change::{ControlKind, ControlRow},
    rows::Outcomes,
};
use cebe_privacy::access::{Action, Scope};
use serde_json::{Value as Json, json};
use smol_str::SmolStr;
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
};

/// Every source.
#[utoipa::path(get, path = "/v1/sources", tag = "sources",
    params(
        ("from" = Option<String>, Query, description = "Hours of receipt from here on, RFC 3339"),
        ("to" = Option<String>, Query, description = "Hours of receipt before"),
    ),
    responses((status = 200, description = "Flags and outcome counts", body = Object)))]
pub(crate) async fn sources(State(house): State<Shared>, asked: Asked) -> Response {
    read(house, asked, Action::Read, |read| {
        let window = Window::parse(read)?;
        let mut sources = Vec::new();
        for module in modules(read)?.iter().filter(|module| read.grant.may_read_module(module)) {
            let source = source_json(read, module, &window)?;
            if module != UNKNOWN || source["outcomes"]["received"] != 0 {
                sources.push(source);
            }
        }
        Ok(json!({ "sources": sources, "freshness": read.freshness.to_json() }))
    })
    .await
}

/// What the door counts events under whose module cannot be told.
const UNKNOWN: &str = "unknown";

/// The modules of the catalog, those that companies registered and switched, and the unknown one: together, everything
/// that was received is counted.
fn modules(read: &Read) -> Result<BTreeSet<SmolStr>, ReadError> {
    let mut modules: BTreeSet<SmolStr> = read.house.reads.definitions.modules.keys().cloned().collect();
    modules.insert(UNKNOWN.into());
    read.snapshot.control_all(ControlKind::Source, "", cebe_central::Order::Forward, &mut |id, _| {
        modules.insert(id.into());
        ControlFlow::Continue(())
    })?;
    Ok(modules)
}

/// One source; with `from`, its outcome counts hour by hour too.
#[utoipa::path(get, path = "/v1/sources/{module}", tag = "sources",
    params(
        ("module" = String, Path, description = "Source module or one of its aliases"),
        ("from" = Option<String>, Query, description = "Hours of receipt from here on, RFC 3339"),
        ("to" = Option<String>, Query, description = "Hours of receipt before"),
    ),
    responses(
        (status = 200, description = "Flag, companies, last seen, lag, outcome counts", body = Object),
        (status = 404, description = "No such source", body = ErrorBody),
    ))]
pub(crate) async fn source(State(house): State<Shared>, Path(module): Path<String>, asked: Asked) -> Response {
    read(house, asked, Action::Read, move |read| {
        let window = Window::parse(read)?;
        let definitions = read.house.reads.definitions.clone();
        let module = definitions.module(&module).map_or(&*module, SmolStr::as_str);
        if !modules(read)?.contains(module) {
            return Err(ReadError::NotFound("source"));
        }
        if !read.grant.may_read_module(module) {
            return Err(ReadError::ModuleHidden(module.to_string()));
        }
        let mut json = source_json(read, module, &window)?;
        json["freshness"] = read.freshness.to_json();
        Ok(json)
    })
    .await
}

/// Whose outcomes of which hours.
struct Window {
    company: Option<String>,
    from: Option<Micros>,
    to: Option<Micros>,
}

impl Window {
    fn parse(read: &mut Read) -> Result<Self, ReadError> {
        let mut time = |name: &str| -> Result<Option<Micros>, ReadError> {
            let Some(text) = read.parameters.take(name)? else { return Ok(None) };
            let at = Micros::parse(&text.replace(' ', "+"));
            at.map(Some).ok_or_else(|| ReadError::invalid("invalid_time", name, "not a time", "RFC 3339 with a zone"))
        };
        let (from, to) = (time("from")?, time("to")?);
        read.parameters.finish("from, to, company_id")?;
        Ok(Self { company: read.named_company()?, from, to })
    }
}

fn source_json(read: &Read, module: &str, window: &Window) -> Result<Json, ReadError> {
    let flag = match read.snapshot.control(ControlKind::Source, module)? {
        Some(ControlRow::Source(flag)) => flag,
        _ => SourceFlag { module: module.into(), ..SourceFlag::default() },
    };
    let hours = hours(read, &SourceModule::new(module), window)?;
    let mut total = Outcomes::default();
    hours.values().for_each(|counts| total.add(*counts));
    let visible = |company: &&smol_str::SmolStr| *company == "*" || read.grant.allows_company(company);
    let mut json = json!({
        "module": module,
        "enabled": flag.enabled,
        "companies": flag.companies.iter().filter(visible).collect::<Vec<_>>(),
        // Counts are kept by the hour of receipt.
        "last_seen": hours.keys().next_back().map(|hour| hour.to_rfc3339()),
        "lag_ms": read.freshness.lag_ms,
        "outcomes": outcomes_json(&total),
    });
    if window.from.is_some() {
        let rows =
            hours.iter().map(|(hour, counts)| json!({ "hour": hour.to_rfc3339(), "outcomes": outcomes_json(counts) }));
        json["hours"] = rows.take(limits::METRIC_ROWS_MAX).collect();
    }
    Ok(json)
}

/// Outcome counts by hour of receipt, of the named company or of all that the key serves.
fn hours(read: &Read, module: &SourceModule, window: &Window) -> Result<BTreeMap<Micros, Outcomes>, ReadError> {
    let mut hours: BTreeMap<Micros, Outcomes> = BTreeMap::new();
    let from = window.from.map_or(Micros::MIN, |from| Micros(from.0.div_euclid(HOUR) * HOUR));
    let to = window.to.unwrap_or(Micros::END);
    for company in companies(read, window)? {
        read.snapshot.outcomes_of(&company, module, from, to, &mut |key, counts| {
            hours.entry(key.hour).or_default().add(*counts);
            ControlFlow::Continue(())
        })?;
    }
    Ok(hours)
}

fn companies(read: &Read, window: &Window) -> Result<Vec<CompanyId>, ReadError> {
    if let Some(company) = &window.company {
        return Ok(vec![CompanyId::new(company)]);
    }
    let mut companies = Vec::new();
    read.snapshot.control_all(ControlKind::Company, "", cebe_central::Order::Forward, &mut |id, _| {
        if read.grant.allows_company(id) {
            companies.push(CompanyId::new(id));
        }
        ControlFlow::Continue(())
    })?;
    // Events of which nobody could tell the company are counted under all of them.
    companies.extend((read.grant.companies == Scope::All).then(|| CompanyId::new("*")));
    Ok(companies)
}

fn outcomes_json(counts: &Outcomes) -> Json {
    json!({
        "received": counts.received,
        "applied": counts.applied,
        "duplicate": counts.duplicate,
        "duplicate_derived": counts.duplicate_derived,
        "conflict": counts.conflict,
        "ignored": counts.ignored,
        "quarantined": counts.quarantined,
        "no_identity": counts.no_identity,
        "warnings": counts.warnings,
    })
}
