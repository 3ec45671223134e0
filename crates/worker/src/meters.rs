//! The measurements of one source module, registered once and kept, so that counting an event costs no look-up by name.
//! Labels are names of modules, events of the catalog, codes and outcomes: never anything of a customer.

use cebe_catalog::{Definitions, Lane, Micros, QuarantineCode};
use cebe_engine::{change::Changes, rows::Outcomes};
use metrics::{Counter, Histogram};
use smol_str::SmolStr;
use std::{collections::BTreeMap, sync::Arc};

/// Where events are counted whose module the door could not tell.
const UNKNOWN_MODULE: &str = "unknown";
/// The label of events that a company registered itself: their names are not ours to bound.
const REGISTERED: &str = "registered";

/// Meters by module.
pub(crate) struct Meters {
    definitions: Arc<Definitions>,
    modules: BTreeMap<SmolStr, Module>,
}

/// The meters of one module.
pub(crate) struct Module {
    name: SmolStr,
    applied: Counter,
    duplicate: Counter,
    conflict: Counter,
    ignored: Counter,
    quarantined: Counter,
    rejected_duplicate: Counter,
    rejected_conflict: Counter,
    /// Events that took longer than promised.
    pub(crate) breach: Counter,
    /// From emission to commit: the promise.
    pub(crate) emission: Histogram,
    /// From receipt to commit: our part of it.
    pub(crate) receipt: Histogram,
}

impl Meters {
    /// Registers the meters of every module at zero, so that a first event of any kind is seen as a rise.
    pub(crate) fn new(definitions: Arc<Definitions>) -> Self {
        let names = definitions.modules.keys().cloned().chain([UNKNOWN_MODULE.into()]);
        let modules = names.map(|name| (name.clone(), Module::new(name))).collect();
        let meters = Self { definitions, modules };
        for module in meters.modules.values() {
            module.rejected(QuarantineCode::EngineFault.as_str()).increment(0);
        }
        meters
    }

    /// The meters of a module.
    pub(crate) fn of(&mut self, name: &SmolStr) -> &Module {
        self.modules.entry(name.clone()).or_insert_with(|| Module::new(name.clone()))
    }

    /// Counts what became of the events of a commit.
    pub(crate) fn count(&mut self, changes: &Changes) {
        for (key, outcomes) in &changes.outcomes {
            self.of(&key.module.0).count(outcomes);
        }
        for refused in &changes.quarantined {
            self.of(&refused.header.module.0).rejected(refused.code.as_str()).increment(1);
        }
        for ((module, event), count) in self.ingested(changes) {
            let labels = [("source_module", module.to_string()), ("event_name", event.to_string())];
            metrics::counter!("cebe_event_ingested", &labels).increment(count);
        }
    }

    /// Applied events by module and name. A copy that takes the place of another was counted when that one came.
    fn ingested(&self, changes: &Changes) -> BTreeMap<(SmolStr, SmolStr), u64> {
        let mut counts = BTreeMap::new();
        for applied in &changes.applied {
            let key = (applied.event.header.module.0.clone(), self.event_label(&applied.event.name.0));
            *counts.entry(key).or_insert(0_i64) += 1;
        }
        for removed in changes.removed.iter().filter(|removed| removed.seen.is_none()) {
            let key = (removed.key.module.0.clone(), self.event_label(&removed.key.name.0));
            *counts.entry(key).or_insert(0) -= 1;
        }
        counts.into_iter().filter_map(|(key, count)| Some((key, u64::try_from(count).ok()?))).collect()
    }

    fn event_label(&self, name: &SmolStr) -> SmolStr {
        if self.definitions.events.contains_key(name) { name.clone() } else { SmolStr::new_static(REGISTERED) }
    }
}

impl Module {
    fn new(name: SmolStr) -> Self {
        let label = || name.to_string();
        let outcome = |outcome: &'static str| metrics::counter!("cebe_events_total", "source_module" => label(), "outcome" => outcome);
        let seconds = |from: &'static str| metrics::histogram!("cebe_propagation_seconds", "source_module" => label(), "from" => from);
        let rejected = |reason| rejected(&name, reason);
        Self {
            applied: outcome("applied"),
            duplicate: outcome("duplicate"),
            conflict: outcome("conflict"),
            ignored: outcome("ignored"),
            quarantined: outcome("quarantined"),
            rejected_duplicate: rejected("duplicate"),
            rejected_conflict: rejected("conflict"),
            breach: metrics::counter!("cebe_propagation_slo_breach", "source_module" => label()),
            emission: seconds("emission"),
            receipt: seconds("receipt"),
            name,
        }
    }

    fn count(&self, outcomes: &Outcomes) {
        let rise = |n: i64| u64::try_from(n).unwrap_or(0);
        self.applied.increment(rise(outcomes.applied));
        self.duplicate.increment(rise(outcomes.duplicate));
        self.conflict.increment(rise(outcomes.conflict));
        self.ignored.increment(rise(outcomes.ignored));
        self.quarantined.increment(rise(outcomes.quarantined));
        self.rejected_duplicate.increment(rise(outcomes.duplicate));
        self.rejected_conflict.increment(rise(outcomes.conflict));
    }

    fn rejected(&self, reason: &'static str) -> Counter {
        rejected(&self.name, reason)
    }
}

fn rejected(module: &SmolStr, reason: &'static str) -> Counter {
    metrics::counter!("cebe_event_rejected", "source_module" => module.to_string(), "reason" => reason)
}

/// Which of a commit's events are written to the log: one in ten seconds for each module.
#[derive(Default)]
pub(crate) struct Sampler(BTreeMap<SmolStr, Micros>);

impl Sampler {
    const EVERY_MS: i64 = 10_000;

    /// Whether an event of this module is due.
    pub(crate) fn due(&mut self, module: &SmolStr, lane: Lane, now: Micros) -> bool {
        let last = self.0.get(module);
        let due = lane == Lane::Live && last.is_none_or(|last| now.millis_since(*last) >= Self::EVERY_MS);
        if due {
            self.0.insert(module.clone(), now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_event_in_ten_seconds_is_due_for_each_module() {
        let (mut sampler, at) = (Sampler::default(), |ms: i64| Micros(ms * 1_000));
        let (one, other) = (SmolStr::new("marketing"), SmolStr::new("deals"));
        assert!(!sampler.due(&one, Lane::Backfill, at(0)), "history is not sampled");
        assert!(sampler.due(&one, Lane::Live, at(0)));
        assert!(!sampler.due(&one, Lane::Live, at(9_999)));
        assert!(sampler.due(&other, Lane::Live, at(9_999)));
        assert!(sampler.due(&one, Lane::Live, at(10_000)));
    }
}
