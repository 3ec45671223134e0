//! Watches propagation: from emission and from receipt to commit, per source; a breach of the promise becomes an
//! operating event that can be queried.

use crate::meters::{Meters, Sampler};
use cebe_catalog::{
    Definitions, Lane, Micros, Node,
    control::{Change, ControlRecord, Operation},
    limits::PROPAGATION_SLO_MILLIS,
};
use cebe_engine::{
    change::{Applied, Changes, ControlChange, ControlKind, ControlRow},
    control::operation_id,
    rows::Place,
};
use smol_str::SmolStr;
use std::{collections::BTreeMap, sync::Arc};

/// The name of the operating event.
pub const BREACH: &str = "cebe_propagation_slo_breach";

/// Counters and histograms of commits, and breaches not yet written.
pub struct Watch {
    clock: Arc<dyn Fn() -> Micros + Send + Sync>,
    meters: Meters,
    sampler: Sampler,
    breaches: Vec<ControlChange>,
}

#[derive(Default)]
struct Slow {
    events: u64,
    latency_ms: i64,
    place: Place,
}

/// How long an event took, in milliseconds.
struct Latency {
    emission: i64,
    receipt: i64,
    /// The one that is held against the promise.
    promised: i64,
}

impl Latency {
    /// A publisher whose clock runs ahead would show less than no time, so emission is never later than receipt.
    fn of(applied: &Applied, now: Micros) -> Self {
        let event = &applied.event;
        let emitted_at = event.sent_at.unwrap_or(event.event_at).min(event.header.received_at);
        let (emission, receipt) = (now.millis_since(emitted_at), now.millis_since(event.header.received_at));
        Self { emission, receipt, promised: if event.sent_at.is_some() { emission } else { receipt } }
    }
}

impl Watch {
    /// Starts watching.
    pub fn new(clock: Arc<dyn Fn() -> Micros + Send + Sync>, definitions: Arc<Definitions>) -> Self {
        Self { clock, meters: Meters::new(definitions), sampler: Sampler::default(), breaches: Vec::new() }
    }

    /// Breaches to write with the next commit.
    pub fn breaches(&mut self) -> Vec<ControlChange> {
        std::mem::take(&mut self.breaches)
    }

    /// Notes what a commit held and how long it took.
    pub fn committed(&mut self, changes: &Changes, started: Micros) {
        let now = (self.clock)();
        metrics::histogram!("cebe_commit_seconds").record(seconds(now.millis_since(started)));
        metrics::histogram!("cebe_commit_events").record(changes.applied.len() as f64);
        self.meters.count(changes);
        let mut slow: BTreeMap<(SmolStr, SmolStr), Slow> = BTreeMap::new();
        for applied in &changes.applied {
            self.latency(applied, now, &mut slow);
        }
        for ((company, module), slow) in slow {
            self.breach(&company, &module, &slow, now);
        }
    }

    /// Two histograms: emission to commit is the promise, receipt to commit is ours. Backfill has neither.
    fn latency(&mut self, applied: &Applied, now: Micros, slow: &mut BTreeMap<(SmolStr, SmolStr), Slow>) {
        let header = &applied.event.header;
        if header.lane == Lane::Backfill {
            return;
        }
        let latency = Latency::of(applied, now);
        let meters = self.meters.of(&header.module.0);
        meters.receipt.record(seconds(latency.receipt));
        meters.emission.record(seconds(latency.emission));
        if self.sampler.due(&header.module.0, header.lane, now) {
            log_sample(applied, latency.promised);
        }
        if latency.promised > PROPAGATION_SLO_MILLIS {
            let entry = slow.entry((header.company.0.clone(), header.module.0.clone())).or_default();
            entry.events += 1;
            entry.latency_ms = entry.latency_ms.max(latency.promised);
            entry.place = applied.place;
        }
    }

    fn breach(&mut self, company: &SmolStr, module: &SmolStr, slow: &Slow, now: Micros) {
        let json = serde_json::json!({
            "source_module": module, "latency_ms": slow.latency_ms, "events": slow.events, "at": now.to_rfc3339(),
        });
        tracing::warn!(
            source_module = %module,
            latency_ms = slow.latency_ms,
            events = slow.events,
            "propagation took longer than promised"
        );
        self.meters.of(module).breach.increment(slow.events);
        let operation =
            Operation { kind: BREACH.into(), company: Some(company.as_str().into()), json: json.to_string() };
        let record = ControlRecord { received_at: now, by: "system".into(), change: Change::Operation(operation) };
        let id = operation_id(&record, slow.place);
        let row = Some(ControlRow::Operation(record));
        self.breaches.push(ControlChange { kind: ControlKind::Operation, id, row });
    }
}

/// One event of many, with the five properties that the documents name. A customer is named by a pseudonym or not at all.
fn log_sample(applied: &Applied, latency_ms: i64) {
    let event = &applied.event;
    let customer = match &event.anchor {
        Some(Node::Customer(id)) if !may_be_phone(id) => id.as_str(),
        _ => "",
    };
    tracing::info!(
        source_module = event.header.module.as_str(),
        event_name = event.name.0.as_str(),
        qontak_customer_id = customer,
        latency_ms,
        event_timestamp = event.event_at.to_rfc3339(),
        "cebe_event_ingested"
    );
}

/// Long numbers are kept out of log lines: an id they may be, but so may a phone that was sent as one.
fn may_be_phone(id: &str) -> bool {
    let digits = id.bytes().filter(u8::is_ascii_digit).count();
    digits > 7 && !id.bytes().any(|byte| byte.is_ascii_alphabetic())
}

fn seconds(millis: i64) -> f64 {
    millis.max(0) as f64 / 1_000.0
}
