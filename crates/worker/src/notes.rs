//! What the worker notes of every commit, in that commit: how long its events took, when each name was last seen, and
//! what was rejected, by cause. The first two are rows that readers answer the engine's own metrics from; the third is an
//! operating event, one row per company and minute, whose counts grow until the minute is over.

use cebe_catalog::{
    CompanyId, EventName, Lane, Micros, Record, SourceModule,
    control::{Change, ControlRecord, Operation},
    record::Header,
    time::{HOUR, MINUTE},
};
use cebe_engine::{
    change::{Changes, ControlChange, ControlKind, ControlRow},
    control::operation_id,
    latency::Latencies,
    rows::{LastSeen, LastSeenKey, OutcomeKey, Place},
};
use serde_json::json;
use smol_str::SmolStr;
use std::{collections::BTreeMap, mem};

/// The name of the operating event.
pub const REJECTED: &str = "cebe_event_rejected";

/// Source and name of an event; no name where none was kept.
type Heard<'a> = (&'a CompanyId, &'a SourceModule, &'a str);

/// Source and cause of a rejection.
type Cause = (SourceModule, SmolStr);

/// Notes between a batch and its commit, and the rejections of the running minute.
#[derive(Debug, Default)]
pub struct Notes {
    heard: Vec<(LastSeenKey, LastSeen)>,
    minute: Micros,
    rejected: BTreeMap<CompanyId, Rejected>,
}

/// What was rejected of one company in the running minute.
#[derive(Debug)]
struct Rejected {
    /// The row that holds it: named by the first rejection, so that a later process opens another.
    id: SmolStr,
    causes: BTreeMap<Cause, u64>,
}

impl Notes {
    /// Notes a batch as it came in. A batch that is tried again is noted again.
    pub fn received(&mut self, records: &[(Place, Record)]) {
        let mut heard: BTreeMap<Heard<'_>, Micros> = BTreeMap::new();
        for (header, name) in records.iter().filter_map(|(_, record)| named(record)) {
            let last = heard.entry((&header.company, &header.module, name)).or_insert(header.received_at);
            *last = header.received_at.max(*last);
        }
        let seen = |at: Micros| LastSeen { received_at: Some(at), applied_at: None };
        self.heard = heard.into_iter().map(|(heard, at)| (owned(heard), seen(at))).collect();
    }

    /// Adds the notes to what is committed. `now` is when the commit begins: writing it is not in the latencies, which
    /// have to be part of it.
    pub fn write(&mut self, changes: &mut Changes, place: Option<Place>, now: Micros) {
        changes.latencies.extend(latencies(changes, now));
        changes.last_seen.append(&mut self.heard);
        let applied = applied(changes);
        changes.last_seen.extend(applied);
        if let Some(place) = place {
            let rejected = self.rejections(changes, place, now);
            changes.control.extend(rejected);
        }
    }

    /// The rows of the minute, for companies whose events this commit rejects.
    fn rejections(&mut self, changes: &Changes, place: Place, now: Micros) -> Vec<ControlChange> {
        let minute = Micros(now.0.div_euclid(MINUTE) * MINUTE);
        if mem::replace(&mut self.minute, minute) != minute {
            self.rejected.clear();
        }
        let mut grown: BTreeMap<&CompanyId, BTreeMap<Cause, u64>> = BTreeMap::new();
        for (company, cause, events) in causes(changes) {
            *grown.entry(company).or_default().entry(cause).or_default() += events;
        }
        grown.into_iter().map(|(company, causes)| self.grow(company, causes, place)).collect()
    }

    fn grow(&mut self, company: &CompanyId, causes: BTreeMap<Cause, u64>, place: Place) -> ControlChange {
        let minute = self.minute;
        let record = |json| ControlRecord {
            received_at: minute,
            by: "system".into(),
            change: Change::Operation(Operation { kind: REJECTED.into(), company: Some(company.clone()), json }),
        };
        let begin = || Rejected {
            id: format!("{}{company}", operation_id(&record(String::new()), place)).into(),
            causes: BTreeMap::new(),
        };
        let row = self.rejected.entry(company.clone()).or_insert_with(begin);
        for (cause, events) in causes {
            *row.causes.entry(cause).or_default() += events;
        }
        let row_of = Some(ControlRow::Operation(record(row.to_json(minute))));
        ControlChange { kind: ControlKind::Operation, id: row.id.clone(), row: row_of }
    }
}

impl Rejected {
    fn to_json(&self, minute: Micros) -> String {
        let causes = self.causes.iter().map(|((module, reason), events)| {
            json!({ "source_module": module.as_str(), "reason": reason.as_str(), "events": events })
        });
        let events: u64 = self.causes.values().sum();
        json!({ "minute": minute.to_rfc3339(), "events": events, "causes": causes.collect::<Vec<_>>() }).to_string()
    }
}

/// Where a received event is counted, and its name. Names of refused events are whatever was sent, so none is kept: rows
/// stay as few as the catalog has names.
fn named(record: &Record) -> Option<(&Header, &str)> {
    let name = match record {
        Record::Event(event, _) => event.name.as_str(),
        _ => "",
    };
    Some((record.header()?, name))
}

fn owned((company, module, name): Heard<'_>) -> LastSeenKey {
    LastSeenKey { company: company.clone(), module: module.clone(), name: EventName::new(name) }
}

/// When each name was last applied.
fn applied(changes: &Changes) -> Vec<(LastSeenKey, LastSeen)> {
    let mut last: BTreeMap<Heard<'_>, Micros> = BTreeMap::new();
    for applied in &changes.applied {
        let (header, name) = (&applied.event.header, applied.event.name.as_str());
        let at = last.entry((&header.company, &header.module, name)).or_insert(header.received_at);
        *at = header.received_at.max(*at);
    }
    let seen = |at: Micros| LastSeen { received_at: Some(at), applied_at: Some(at) };
    last.into_iter().map(|(heard, at)| (owned(heard), seen(at))).collect()
}

/// How long the applied events took, by company, source and hour of receipt; backfill is not in it. A publisher whose
/// clock runs ahead would show less than no time, so emission is never later than receipt.
fn latencies(changes: &Changes, now: Micros) -> Vec<(OutcomeKey, Latencies)> {
    let mut rows: BTreeMap<(&CompanyId, &SourceModule, i64), Latencies> = BTreeMap::new();
    for applied in &changes.applied {
        let (event, header) = (&applied.event, &applied.event.header);
        if header.lane == Lane::Backfill {
            continue;
        }
        let hour = header.received_at.0.div_euclid(HOUR) * HOUR;
        let row = rows.entry((&header.company, &header.module, hour)).or_default();
        let emitted_at = event.sent_at.unwrap_or(event.event_at).min(header.received_at);
        row.emission.note(now.0.saturating_sub(emitted_at.0));
        row.receipt.note(now.0.saturating_sub(header.received_at.0));
    }
    let key = |(company, module, hour): (&CompanyId, &SourceModule, i64)| OutcomeKey {
        company: company.clone(),
        module: module.clone(),
        hour: Micros(hour),
    };
    rows.into_iter().map(|(place, row)| (key(place), row)).collect()
}

/// What a commit rejects: refused events by code; copies under a reason of their own.
fn causes(changes: &Changes) -> impl Iterator<Item = (&CompanyId, Cause, u64)> {
    let refused = changes.quarantined.iter().map(|refused| {
        let header = &refused.header;
        (&header.company, (header.module.clone(), SmolStr::new(refused.code.as_str())), 1)
    });
    let copies = changes.outcomes.iter().flat_map(|(key, counts)| {
        let of = |reason: &'static str, events: i64| {
            let cause = (key.module.clone(), SmolStr::new_static(reason));
            u64::try_from(events).ok().filter(|events| *events > 0).map(|events| (&key.company, cause, events))
        };
        [of("conflict", counts.conflict), of("duplicate", counts.duplicate)].into_iter().flatten()
    });
    refused.chain(copies)
}
