//! What operators see: log lines (for a person, or JSON when nobody is watching) and Prometheus measurements. Neither
//! ever holds contact data: they carry names, counts and times. Read `names.rs` for what is measured.

mod names;
mod process;
mod traces;

pub(crate) use traces::Traces;

use std::io::IsTerminal;

use anyhow::{Context, Result};
use cebe_central::StoreFacts;
use cebe_queue::{Lane, PerLane, QueueFacts};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::settings::Settings;

/// Upper bounds of the buckets of everything measured in seconds.
const SECONDS: [f64; 16] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// The same for propagation: close around the promise of 5 seconds, and far beyond it.
const PROPAGATION: [f64; 16] =
    [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 10.0, 30.0, 300.0, 3_600.0];

/// The same for everything measured in milliseconds.
const MILLISECONDS: [f64; 11] = [0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 100.0, 500.0, 2_000.0, 10_000.0];

/// The same for everything counted in events.
const EVENTS: [f64; 8] = [1.0, 10.0, 100.0, 500.0, 1_000.0, 5_000.0, 10_000.0, 20_000.0];

/// Libraries that write the very values they are handed: a level for everything does not turn them on.
const SILENCED: [&str; 1] = ["rlibphonenumber=off"];

/// The measurements of this process.
#[derive(Clone)]
pub(crate) struct Telemetry(PrometheusHandle);

/// What is looked at once a second.
pub(crate) struct Look {
    /// The log.
    pub(crate) queue: QueueFacts,
    /// The store.
    pub(crate) central: StoreFacts,
    /// The next index to apply, by lane.
    pub(crate) applied: PerLane<u64>,
    /// How far answers are behind, by lane.
    pub(crate) lag_ms: PerLane<i64>,
    /// Whether the worker runs.
    pub(crate) worker_alive: bool,
}

impl Telemetry {
    /// Starts measuring. Once a process.
    pub(crate) fn start() -> Result<Self> {
        let named = |name: &str| Matcher::Full(name.to_owned());
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_events".to_owned()), &EVENTS))
            .and_then(|builder| builder.set_buckets_for_metric(named("cebe_propagation_seconds"), &PROPAGATION))
            .and_then(|builder| builder.set_buckets_for_metric(named("cebe_retriever_metric_computed"), &MILLISECONDS));
        let handle = builder.and_then(PrometheusBuilder::install_recorder).context("cannot start measuring")?;
        names::describe();
        process::started();
        // What should stay at zero is there from the start, so that its first rise is seen as one.
        for name in ["cebe_worker_restarts_total", "cebe_http_panics_total", "cebe_persist_failures_total"] {
            metrics::counter!(name).increment(0);
        }
        Ok(Self(handle))
    }

    /// The measurements as Prometheus reads them.
    pub(crate) fn render(&self) -> String {
        self.0.render()
    }

    /// Notes how large queue and store are, and how far behind.
    pub(crate) fn measure(&self, look: &Look) {
        for lane in Lane::ALL {
            gauge_lane(look, lane);
        }
        metrics::gauge!("cebe_queue_stopped").set(f64::from(u8::from(look.queue.stopped)));
        metrics::gauge!("cebe_disk_used_share").set(look.queue.used_share);
        metrics::gauge!("cebe_central_bytes").set(look.central.bytes_on_disk as f64);
        metrics::counter!("cebe_central_commits_total").absolute(look.central.commits);
        metrics::gauge!("cebe_worker_alive").set(f64::from(u8::from(look.worker_alive)));
        process::measure();
        self.0.run_upkeep();
    }
}

fn gauge_lane(look: &Look, lane: Lane) {
    let (facts, name) = (look.queue.lanes[lane], lane.name());
    metrics::gauge!("cebe_lag_seconds", "lane" => name).set(look.lag_ms[lane] as f64 / 1_000.0);
    metrics::gauge!("cebe_queue_depth", "lane" => name).set(facts.end.0.saturating_sub(look.applied[lane]) as f64);
    metrics::gauge!("cebe_queue_bytes", "lane" => name).set(facts.bytes as f64);
    metrics::gauge!("cebe_queue_waiting_bytes", "lane" => name).set(facts.waiting_bytes as f64);
    metrics::gauge!("cebe_queue_end", "lane" => name).set(facts.end.0 as f64);
    metrics::counter!("cebe_queue_appends_total", "lane" => name).absolute(facts.appends);
    metrics::counter!("cebe_queue_syncs_total", "lane" => name).absolute(facts.syncs);
}

/// Starts logging to stderr, and tracing when it is wanted: hold what it gives until the end.
pub(crate) fn log(settings: &Settings) -> Result<Option<Traces>> {
    let rules = &settings.log;
    let filter = EnvFilter::try_new(rules).with_context(|| format!("{rules:?} is no rule for logging"))?;
    let filter = SILENCED.iter().try_fold(filter, |filter, rule| rule.parse().map(|rule| filter.add_directive(rule)));
    let filter = filter.context("a built-in rule for logging is broken")?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if std::io::stderr().is_terminal() { lines.boxed() } else { lines.json().flatten_event(true).boxed() };
    let traces = Traces::start(settings)?;
    let spans = traces.as_ref().map(|traces| {
        let spans =
            tracing_opentelemetry::layer().with_tracer(traces.tracer()).with_location(false).with_threads(false);
        spans.with_filter(filter_fn(|seen| seen.is_span() && seen.target().starts_with("cebe")))
    });
    let started = tracing_subscriber::registry().with(lines.with_filter(filter)).with(spans).try_init();
    started.map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))?;
    Ok(traces)
}
