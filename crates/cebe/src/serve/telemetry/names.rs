//! Every measurement with its kind, unit and meaning: the whole list, as `/metrics` prints it. A test fails when a server
//! shows one that is not here.

use metrics::Unit;

/// How a measurement behaves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Only rises.
    Counter,
    /// Goes up and down.
    Gauge,
    /// A distribution.
    Histogram,
}

use Kind::{Counter, Gauge, Histogram};

const NAMES: &[(Kind, &str, Unit, &str)] = &[
    (
        Counter,
        "cebe_events_total",
        Unit::Count,
        "Committed events by source module and outcome: applied, duplicate, conflict, ignored, quarantined",
    ),
    (
        Counter,
        "cebe_event_ingested",
        Unit::Count,
        "Events applied, by source module and event name; events a company registered itself are named registered",
    ),
    (
        Counter,
        "cebe_event_rejected",
        Unit::Count,
        "Events not applied, by source module and reason: a quarantine code, duplicate or conflict",
    ),
    (
        Counter,
        "cebe_propagation_slo_breach",
        Unit::Count,
        "Events that took longer than the promised 5 seconds, by source module",
    ),
    (
        Histogram,
        "cebe_propagation_seconds",
        Unit::Seconds,
        "From emission (the promise) or from receipt (our part) to visible, by source module; history in the backfill lane is left out",
    ),
    (
        Gauge,
        "cebe_backfill_progress",
        Unit::Percent,
        "Share of a file of history whose events have an outcome, by backfill; 100 when all have",
    ),
    (
        Counter,
        "cebe_reconciliation_mismatch",
        Unit::Count,
        "Reconciliations in which something is missing, extra or altered, by source module",
    ),
    (
        Histogram,
        "cebe_retriever_metric_computed",
        Unit::Milliseconds,
        "Time to compute a company metric, in milliseconds, by metric",
    ),
    (
        Counter,
        "cebe_retriever_answers_total",
        Unit::Count,
        "Reads by freshness: fresh, stale, late (not in time), remembered (an earlier answer instead of a late one)",
    ),
    (Counter, "cebe_pii_revealed_total", Unit::Count, "Audited reveals of personal values"),
    (
        Gauge,
        "cebe_reconciliation_missing_events",
        Unit::Count,
        "Events that a source counted and CEBE did not, in the last reconciliation",
    ),
    (
        Gauge,
        "cebe_ads_spend_last_sync_timestamp_seconds",
        Unit::Seconds,
        "When spend of an ad platform was last synced; 0 before the first time",
    ),
    (
        Counter,
        "cebe_door_events_total",
        Unit::Count,
        "Events answered at the door, by source module and status: accepted, ignored, quarantined",
    ),
    (Counter, "cebe_door_refused_total", Unit::Count, "Requests to the door answered with an error, by code"),
    (
        Gauge,
        "cebe_lag_seconds",
        Unit::Seconds,
        "How far answers are behind the queue, by lane; 0 when everything is applied",
    ),
    (Gauge, "cebe_queue_depth", Unit::Count, "Records in the queue that are not applied yet, by lane"),
    (Gauge, "cebe_queue_bytes", Unit::Bytes, "Size of the queue on disk, by lane"),
    (Gauge, "cebe_queue_waiting_bytes", Unit::Bytes, "Bytes that wait for their flush, by lane"),
    (Gauge, "cebe_queue_end", Unit::Count, "Position behind the last durable record, by lane"),
    (Counter, "cebe_queue_appends_total", Unit::Count, "Appends acknowledged since the start, by lane"),
    (Counter, "cebe_queue_syncs_total", Unit::Count, "Flushes of the queue since the start, by lane"),
    (Gauge, "cebe_queue_stopped", Unit::Count, "1 when the queue has stopped writing for good"),
    (Gauge, "cebe_disk_used_share", Unit::Percent, "Used share of the data disk, 0 to 1; from 0.85 pushes are refused"),
    (Gauge, "cebe_central_bytes", Unit::Bytes, "Size of the store on disk"),
    (Counter, "cebe_central_commits_total", Unit::Count, "Commits of the store since the start"),
    (Histogram, "cebe_commit_events", Unit::Count, "Events applied in a commit"),
    (Histogram, "cebe_commit_seconds", Unit::Seconds, "Time of a commit"),
    (Histogram, "cebe_persist_seconds", Unit::Seconds, "Time of a flush of the store"),
    (Counter, "cebe_persist_failures_total", Unit::Count, "Flushes of the store that failed"),
    (Gauge, "cebe_worker_alive", Unit::Count, "1 while the worker runs"),
    (Counter, "cebe_worker_restarts_total", Unit::Count, "Times the worker failed and was started again"),
    (Histogram, "cebe_http_seconds", Unit::Seconds, "Time to answer a request, by method, route and status"),
    (Counter, "cebe_http_panics_total", Unit::Count, "Requests that met a defect"),
    (Gauge, "cebe_http_connections", Unit::Count, "Open connections"),
    (Counter, "cebe_http_connections_refused_total", Unit::Count, "Connections not served, by reason: full, handshake"),
    (
        Gauge,
        "cebe_alert_firing",
        Unit::Count,
        "1 while a built-in alert fires, by alert and what it is about: a source module, lane or platform",
    ),
    (
        Counter,
        "cebe_alert_posts_total",
        Unit::Count,
        "Posts of built-in alerts to the webhook, by outcome: sent, failed, dropped",
    ),
    (Gauge, "cebe_build_info", Unit::Count, "1, with the release as label"),
    (Gauge, "process_start_time_seconds", Unit::Seconds, "When the process started"),
    (Gauge, "process_resident_memory_bytes", Unit::Bytes, "Resident memory"),
    (Gauge, "process_open_fds", Unit::Count, "Open files and connections"),
    (Gauge, "process_max_fds", Unit::Count, "Most files and connections that may be open"),
    (Counter, "process_cpu_seconds_total", Unit::Seconds, "Processor time, whole seconds"),
];

/// Tells the recorder what everything means.
pub(super) fn describe() {
    for (kind, name, unit, meaning) in NAMES {
        match kind {
            Counter => metrics::describe_counter!(*name, *unit, *meaning),
            Gauge => metrics::describe_gauge!(*name, *unit, *meaning),
            Histogram => metrics::describe_histogram!(*name, *unit, *meaning),
        }
    }
}
