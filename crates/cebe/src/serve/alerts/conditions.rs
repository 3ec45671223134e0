//! The conditions of the built-in alerts: those of `deploy/prometheus/alerts.yml` that a process can tell of itself,
//! under the same names and bounds. That it is down or starts again and again, only somebody outside can see.

use std::collections::BTreeMap;
use std::time::Duration;

use super::reading::{Readings, Which};

/// A condition that is met, perhaps not for long enough yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Met {
    /// Whom it is about: a source module, a lane, a platform; empty for the process.
    pub(super) about: String,
    /// The number that is too high.
    pub(super) value: f64,
}

/// One alert.
pub(super) struct Rule {
    /// Its name, as in `deploy/prometheus/alerts.yml`.
    pub(super) name: &'static str,
    /// `page`, `same_day` or `ticket`.
    pub(super) severity: &'static str,
    /// How long it has to be met.
    pub(super) lasts: Duration,
    /// What it means.
    pub(super) summary: &'static str,
    /// Whom it is met for; the time is since 1970.
    pub(super) met: fn(&Readings, Duration) -> Vec<Met>,
}

/// Names of all measurements that conditions look at.
pub(super) const NAMES: [&str; 9] = [
    "cebe_propagation_seconds_bucket",
    "cebe_events_total",
    "cebe_event_rejected",
    "cebe_reconciliation_missing_events",
    "cebe_ads_spend_last_sync_timestamp_seconds",
    "cebe_disk_used_share",
    "cebe_lag_seconds",
    "cebe_worker_alive",
    "cebe_persist_failures_total",
];

const MINUTE: Duration = Duration::from_secs(60);
const MINUTES_5: Duration = Duration::from_secs(5 * 60);
const MINUTES_10: Duration = Duration::from_secs(10 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Every alert.
pub(super) const RULES: [Rule; 10] = [
    Rule {
        name: "CebePropagationSlow",
        severity: "page",
        lasts: MINUTES_5,
        summary: "1 % of events take longer than the promised 5 s from emission to visible",
        met: |readings, _| {
            let which = Which { name: "cebe_propagation_seconds", labels: &[("from", &["emission"])] };
            above(readings.p99(which, "source_module", MINUTES_5), 5.0)
        },
    },
    Rule {
        name: "CebeRejections",
        severity: "page",
        lasts: Duration::ZERO,
        summary: "more than 1 % of events were rejected in 10 minutes",
        met: rejections,
    },
    Rule {
        name: "CebeEngineFault",
        severity: "page",
        lasts: Duration::ZERO,
        summary: "the engine failed on an event; it is kept in quarantine as engine_fault",
        met: |readings, _| {
            let which = Which { name: "cebe_event_rejected", labels: &[("reason", &["engine_fault"])] };
            above(readings.rise(which, "source_module", MINUTES_10), 0.0)
        },
    },
    Rule {
        name: "CebeReconciliationMissing",
        severity: "same_day",
        lasts: Duration::ZERO,
        summary: "a source counted more events than CEBE",
        met: |readings, _| above(readings.now(gauge("cebe_reconciliation_missing_events"), "source_module"), 0.0),
    },
    Rule {
        name: "AdsSpendSyncMissing",
        severity: "same_day",
        lasts: Duration::ZERO,
        summary: "spend of an ad platform was not synced for more than 24 hours",
        met: |readings, now| {
            let synced = readings.now(gauge("cebe_ads_spend_last_sync_timestamp_seconds"), "ad_platform");
            above(ages(synced, now), DAY.as_secs_f64())
        },
    },
    Rule {
        name: "AdsSpendSyncMissing",
        severity: "same_day",
        lasts: DAY,
        summary: "spend of an ad platform was never synced since it was set up a day ago",
        met: |readings, _| {
            let synced = readings.now(gauge("cebe_ads_spend_last_sync_timestamp_seconds"), "ad_platform");
            synced.into_iter().filter(|(_, at)| *at == 0.0).map(met).collect()
        },
    },
    Rule {
        name: "CebeDiskFull",
        severity: "page",
        lasts: MINUTE,
        summary: "the data disk is more than 85 % full: pushes are refused with 503",
        met: |readings, _| above(readings.now(gauge("cebe_disk_used_share"), ""), 0.85),
    },
    Rule {
        name: "CebeBehind",
        severity: "page",
        lasts: MINUTES_5,
        summary: "answers are more than 5 s behind what was accepted",
        met: |readings, _| {
            let which = Which { name: "cebe_lag_seconds", labels: &[("lane", &["live"])] };
            above(readings.now(which, "lane"), 5.0)
        },
    },
    Rule {
        name: "CebeWorkerStopped",
        severity: "page",
        lasts: MINUTE,
        summary: "the worker is stopped: events are accepted and safe, answers stand still",
        met: |readings, _| {
            let alive = readings.now(gauge("cebe_worker_alive"), "");
            alive.into_iter().filter(|(_, alive)| *alive == 0.0).map(met).collect()
        },
    },
    Rule {
        name: "CebeFlushFailed",
        severity: "page",
        lasts: Duration::ZERO,
        summary: "the disk did not take a flush",
        met: |readings, _| above(readings.rise(gauge("cebe_persist_failures_total"), "", MINUTES_10), 0.0),
    },
];

fn gauge(name: &str) -> Which<'_> {
    Which { name, labels: &[] }
}

fn met((about, value): (String, f64)) -> Met {
    Met { about, value }
}

fn above(values: BTreeMap<String, f64>, bound: f64) -> Vec<Met> {
    values.into_iter().filter(|(_, value)| *value > bound).map(met).collect()
}

fn ages(times: BTreeMap<String, f64>, now: Duration) -> BTreeMap<String, f64> {
    let known = times.into_iter().filter(|(_, at)| *at > 0.0);
    known.map(|(about, at)| (about, now.as_secs_f64() - at)).collect()
}

/// The share of quarantined events among those that are no repetition; one bad event alone is nothing.
fn rejections(readings: &Readings, _now: Duration) -> Vec<Met> {
    let rise = |outcomes: &[&str]| {
        let labels = [("outcome", outcomes)];
        readings.rise(Which { name: "cebe_events_total", labels: &labels }, "source_module", MINUTES_10)
    };
    let (bad, all) = (rise(&["quarantined"]), rise(&["applied", "conflict", "quarantined"]));
    let several = bad.into_iter().filter(|(_, bad)| *bad > 1.5);
    let shares = several.map(|(module, bad)| {
        let share = bad / all.get(&module).copied().unwrap_or(bad);
        (module, share)
    });
    above(shares.collect(), 0.01)
}
