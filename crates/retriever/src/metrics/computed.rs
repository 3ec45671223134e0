//! How long metrics took to compute: a histogram for Prometheus, counts of this process, and now and then an operating
//! event that can be queried.

use crate::reads::{Audit, House};
use cebe_catalog::{CompanyId, Micros, control::Operation, time::MINUTE};
use cebe_engine::latency::Spread;
use serde_json::json;
use smol_str::SmolStr;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// The name of the operating event and of the histogram.
const COMPUTED: &str = "cebe_retriever_metric_computed";
/// A company's metric is told of this often at most, however often it is read.
const TOLD_EVERY: i64 = 5 * MINUTE;
/// Most metrics of companies that are told of within that time; further ones are counted only.
const TOLD_MAX: usize = 4_096;

/// Computations of this process.
#[derive(Debug, Default)]
pub(crate) struct Computed(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    spreads: BTreeMap<SmolStr, Spread>,
    told: BTreeMap<(CompanyId, SmolStr), Told>,
}

/// What happened since a metric was last told of.
#[derive(Clone, Copy, Debug)]
struct Told {
    at: Micros,
    computed: u64,
    slowest: Duration,
}

impl Computed {
    /// The computations of each metric.
    pub(crate) fn spreads(&self) -> BTreeMap<SmolStr, Spread> {
        self.kept().spreads.clone()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a computation; gives the properties of the event, when one is due.
    fn note(&self, company: &CompanyId, metric: &SmolStr, took: Duration, now: Micros) -> Option<String> {
        let mut kept = self.kept();
        kept.spreads.entry(metric.clone()).or_default().note(i64::try_from(took.as_micros()).unwrap_or(i64::MAX));
        let key = (company.clone(), metric.clone());
        let before = kept.told.get(&key).copied();
        let since = before.map_or((0, took), |told| (told.computed, told.slowest.max(took)));
        let (computed, slowest) = (since.0 + 1, since.1);
        if let Some(told) = before.filter(|told| now.0.saturating_sub(told.at.0) < TOLD_EVERY) {
            kept.told.insert(key, Told { computed, slowest, ..told });
            return None;
        }
        if kept.told.len() >= TOLD_MAX {
            kept.told.retain(|_, told| now.0.saturating_sub(told.at.0) < TOLD_EVERY);
            if kept.told.len() >= TOLD_MAX {
                return None;
            }
        }
        kept.told.insert(key, Told { at: now, computed: 0, slowest: Duration::ZERO });
        let event = json!({
            "metric_name": metric, "compute_time_ms": millis(took), "computed": computed,
            "slowest_ms": millis(slowest),
        });
        Some(event.to_string())
    }
}

/// Notes a computation. The event is appended beside the answer, never before it, and is lost when the door is busy.
pub(crate) fn note(house: &House, company: &CompanyId, metric: &SmolStr, took: Duration, now: Micros) {
    metrics::histogram!(COMPUTED, "metric_name" => metric.to_string()).record(millis(took));
    if let Some(json) = house.computed.note(company, metric, took, now) {
        tell(&house.reads.audit, Operation { kind: COMPUTED.into(), company: Some(company.clone()), json });
    }
}

fn tell(audit: &Audit, operation: Operation) {
    // Without a runtime nobody waits for an answer either.
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    let appended = audit(operation, "system".into());
    runtime.spawn(async move {
        if let Err(error) = appended.await {
            tracing::debug!(%error, "a computation is not told of");
        }
    });
}

fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CORE-OBS-5: each metric of a company is told of at once, then once in five minutes with what happened between.
    #[test]
    fn computations_are_sampled() {
        let (computed, company, metric) = (Computed::default(), CompanyId::new("acme"), SmolStr::new("orders"));
        let note = |millis, minutes: i64| {
            let told = computed.note(&company, &metric, Duration::from_millis(millis), Micros(minutes * MINUTE));
            told.map(|json| serde_json::from_str::<serde_json::Value>(&json).unwrap())
        };
        assert_eq!(note(10, 0).unwrap()["compute_time_ms"], 10.0);
        assert_eq!((note(400, 1), note(3, 4)), (None, None));
        let told = note(20, 5).unwrap();
        assert_eq!((&told["computed"], &told["slowest_ms"]), (&json!(3), &json!(400.0)));
        assert_eq!(computed.spreads()["orders"].events(), 4);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (computed, metric) = (Computed::default(), SmolStr::new("orders"));
        let told = |n: usize, at| computed.note(&CompanyId::new(format!("c{n}")), &metric, Duration::ZERO, Micros(at));
        assert!((0..TOLD_MAX).all(|n| told(n, 0).is_some()));
        assert!(told(TOLD_MAX, 1).is_none());
        assert!(told(TOLD_MAX, TOLD_EVERY).is_some(), "what is over makes room");
    }
}
