//! Sources: the flag, the companies on it, and what became of what they sent.

use super::{backfills, sequences};
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
    latency::{Latencies, Spread},
    rows::{LastSeen, Outcomes},
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
        json["sequences"] = sequences::of(read, module, &companies(read, &window)?)?;
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
    let source = SourceModule::new(module);
    let companies = companies(read, window)?;
    let hours = hours(read, &companies, &source, window)?;
    let heard = Heard::read(read, &companies, &source)?;
    let mut total = Outcomes::default();
    hours.values().for_each(|counts| total.add(*counts));
    let visible = |company: &&smol_str::SmolStr| *company == "*" || read.grant.allows_company(company);
    let mut json = json!({
        "module": module,
        "enabled": flag.enabled,
        "companies": flag.companies.iter().filter(visible).collect::<Vec<_>>(),
        // Hours are older than what is noted of names: nothing newer is missed where names were not noted yet.
        "last_seen": heard.last.max(hours.keys().next_back().copied()).map(Micros::to_rfc3339),
        "lag_ms": read.freshness.lag_ms,
        "names_seen": heard.applied(),
        "names": heard.names_json(),
        "last_hour": last_hour(read, &companies, &source)?,
        "outcomes": outcomes_json(&total),
        "backfill": backfills::state_of(read, module)?,
    });
    if window.from.is_some() {
        let rows =
            hours.iter().map(|(hour, counts)| json!({ "hour": hour.to_rfc3339(), "outcomes": outcomes_json(counts) }));
        json["hours"] = rows.take(limits::METRIC_ROWS_MAX).collect();
    }
    Ok(json)
}

/// Outcome counts by hour of receipt, of the named company or of all that the key serves.
fn hours(
    read: &Read,
    companies: &[CompanyId],
    module: &SourceModule,
    window: &Window,
) -> Result<BTreeMap<Micros, Outcomes>, ReadError> {
    let mut hours: BTreeMap<Micros, Outcomes> = BTreeMap::new();
    let from = window.from.map_or(Micros::MIN, |from| Micros(from.0.div_euclid(HOUR) * HOUR));
    let to = window.to.unwrap_or(Micros::END);
    for company in companies {
        read.snapshot.outcomes_of(company, module, from, to, &mut |key, counts| {
            hours.entry(key.hour).or_default().add(*counts);
            ControlFlow::Continue(())
        })?;
    }
    Ok(hours)
}

/// How long the events of the running hour and the one before took, to commit; backfill is not measured.
fn last_hour(read: &Read, companies: &[CompanyId], module: &SourceModule) -> Result<Json, ReadError> {
    let mut all = Latencies::default();
    let from = Micros((read.now.0.div_euclid(HOUR) - 1) * HOUR);
    for company in companies {
        read.snapshot.latencies_of(company, module, from, Micros::END, &mut |_, row| {
            all.add(row);
            ControlFlow::Continue(())
        })?;
    }
    let p99 = |spread: &Spread| spread.quantile(990).map(|micros| micros as f64 / 1_000_000.0);
    Ok(json!({
        "from": from.to_rfc3339(),
        "events": all.receipt.events(),
        "emission_p99_seconds": p99(&all.emission),
        "receipt_p99_seconds": p99(&all.receipt),
    }))
}

/// When a source was last heard, and with which names.
#[derive(Default)]
struct Heard {
    last: Option<Micros>,
    names: BTreeMap<SmolStr, LastSeen>,
}

impl Heard {
    fn read(read: &Read, companies: &[CompanyId], module: &SourceModule) -> Result<Self, ReadError> {
        let mut heard = Self::default();
        for company in companies {
            read.in_time()?;
            for (key, row) in read.snapshot.last_seen(company, module)? {
                heard.last = heard.last.max(row.received_at);
                heard.names.entry(key.name.0).or_default().add(row);
            }
        }
        // What came without a name counts as heard only.
        heard.names.remove("");
        Ok(heard)
    }

    fn applied(&self) -> usize {
        self.names.values().filter(|row| row.applied_at.is_some()).count()
    }

    fn names_json(&self) -> Json {
        let name = |(name, row): (&SmolStr, &LastSeen)| {
            json!({
                "event_name": name,
                "last_seen": row.received_at.map(Micros::to_rfc3339),
                "last_applied": row.applied_at.map(Micros::to_rfc3339),
            })
        };
        self.names.iter().take(limits::METRIC_ROWS_MAX).map(name).collect()
    }
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
