//! Watches propagation: from emission and from receipt to commit, per source; a breach of the promise becomes an
//! operating event that can be queried.

use cebe_catalog::{
    Lane, Micros,
    control::{Change, ControlRecord, Operation},
    limits::PROPAGATION_SLO_MILLIS,
};
use cebe_engine::{
    change::{Applied, Changes, ControlChange, ControlKind, ControlRow},
    control::operation_id,
    rows::Place,
};
use std::{collections::BTreeMap, sync::Arc};

/// The name of the operating event.
pub const BREACH: &str = "cebe_propagation_slo_breach";

/// Counters and histograms of commits, and breaches not yet written.
pub struct Watch {
    clock: Arc<dyn Fn() -> Micros + Send + Sync>,
    breaches: Vec<ControlChange>,
}

#[derive(Default)]
struct Slow {
    events: u64,
    latency_ms: i64,
    place: Place,
}

impl Watch {
    /// Starts watching.
    pub fn new(clock: Arc<dyn Fn() -> Micros + Send + Sync>) -> Self {
        Self { clock, breaches: Vec::new() }
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
        self.counts(changes);
        let mut slow: BTreeMap<(String, String), Slow> = BTreeMap::new();
        for applied in &changes.applied {
            self.latency(applied, now, &mut slow);
        }
        for ((company, module), slow) in slow {
            self.breach(&company, &module, &slow, now);
        }
    }

    fn counts(&self, changes: &Changes) {
        for (key, outcomes) in &changes.outcomes {
            let module = key.module.as_str().to_owned();
            let count = |outcome: &'static str, n: i64| {
                let n = u64::try_from(n).unwrap_or(0);
                metrics::counter!("cebe_events_total", "source_module" => module.clone(), "outcome" => outcome)
                    .increment(n);
            };
            count("applied", outcomes.applied);
            count("duplicate", outcomes.duplicate);
            count("conflict", outcomes.conflict);
            count("ignored", outcomes.ignored);
            count("quarantined", outcomes.quarantined);
            let ingested = u64::try_from(outcomes.applied).unwrap_or(0);
            metrics::counter!("cebe_event_ingested", "source_module" => module.clone()).increment(ingested);
        }
        for refused in &changes.quarantined {
            let module = refused.header.module.as_str().to_owned();
            metrics::counter!("cebe_event_rejected", "source_module" => module, "reason" => refused.code.as_str())
                .increment(1);
        }
    }

    /// Two histograms: emission to commit is the promise, receipt to commit is ours. Backfill has neither.
    fn latency(&self, applied: &Applied, now: Micros, slow: &mut BTreeMap<(String, String), Slow>) {
        let header = &applied.event.header;
        if header.lane == Lane::Backfill {
            return;
        }
        let module = header.module.as_str().to_owned();
        let receipt_ms = now.millis_since(header.received_at);
        // A publisher whose clock runs ahead would show less than no time.
        let emitted_at = applied.event.sent_at.unwrap_or(applied.event.event_at).min(header.received_at);
        let emission_ms = now.millis_since(emitted_at);
        metrics::histogram!("cebe_propagation_seconds", "source_module" => module.clone(), "from" => "receipt")
            .record(seconds(receipt_ms));
        metrics::histogram!("cebe_propagation_seconds", "source_module" => module.clone(), "from" => "emission")
            .record(seconds(emission_ms));
        let promised = if applied.event.sent_at.is_some() { emission_ms } else { receipt_ms };
        if promised > PROPAGATION_SLO_MILLIS {
            let entry = slow.entry((header.company.to_string(), module)).or_default();
            entry.events += 1;
            entry.latency_ms = entry.latency_ms.max(promised);
            entry.place = applied.place;
        }
    }

    fn breach(&mut self, company: &str, module: &str, slow: &Slow, now: Micros) {
        let json = serde_json::json!({
            "source_module": module, "latency_ms": slow.latency_ms, "events": slow.events, "at": now.to_rfc3339(),
        });
        tracing::warn!(
            module,
            latency_ms = slow.latency_ms,
            events = slow.events,
            "propagation took longer than promised"
        );
        metrics::counter!("cebe_propagation_slo_breach", "source_module" => module.to_owned()).increment(slow.events);
        let operation = Operation { kind: BREACH.into(), company: Some(company.into()), json: json.to_string() };
        let record = ControlRecord { received_at: now, by: "system".into(), change: Change::Operation(operation) };
        let id = operation_id(&record, slow.place);
        let row = Some(ControlRow::Operation(record));
        self.breaches.push(ControlChange { kind: ControlKind::Operation, id, row });
    }
}

fn seconds(millis: i64) -> f64 {
    millis.max(0) as f64 / 1_000.0
}
