//! What operators see: log lines (for a person, or JSON when nobody is watching) and Prometheus measurements. Neither
//! ever holds personal data: they carry names, counts and times only.

use std::io::IsTerminal;

use anyhow::{Context, Result};
use cebe_central::StoreFacts;
use cebe_queue::{Lane, QueueFacts};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

/// Upper bounds of the buckets of everything measured in seconds.
const SECONDS: [f64; 16] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Upper bounds of the buckets of everything counted in events.
const EVENTS: [f64; 8] = [1.0, 10.0, 100.0, 500.0, 1_000.0, 5_000.0, 10_000.0, 20_000.0];

/// Libraries that write the very values they are handed: a level for everything does not turn them on.
const SILENCED: [&str; 1] = ["rlibphonenumber=off"];

/// The measurements of this process.
#[derive(Clone)]
pub(crate) struct Telemetry(PrometheusHandle);

impl Telemetry {
    /// Starts measuring. Once a process.
    pub(crate) fn start() -> Result<Self> {
        let builder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
            .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_events".to_owned()), &EVENTS));
        let handle = builder.and_then(PrometheusBuilder::install_recorder).context("cannot start measuring")?;
        Ok(Self(handle))
    }

    /// The measurements as Prometheus reads them.
    pub(crate) fn render(&self) -> String {
        self.0.render()
    }

    /// Notes how large queue and store are.
    pub(crate) fn gauge_store(&self, queue: &QueueFacts, central: &StoreFacts) {
        for lane in Lane::ALL {
            let facts = queue.lanes[lane];
            metrics::gauge!("cebe_queue_bytes", "lane" => lane.name()).set(facts.bytes as f64);
            metrics::gauge!("cebe_queue_waiting_bytes", "lane" => lane.name()).set(facts.waiting_bytes as f64);
            metrics::gauge!("cebe_queue_end", "lane" => lane.name()).set(facts.end.0 as f64);
        }
        metrics::gauge!("cebe_disk_used_share").set(queue.used_share);
        metrics::gauge!("cebe_central_bytes").set(central.bytes_on_disk as f64);
        self.0.run_upkeep();
    }
}

/// Starts logging to stderr.
pub(crate) fn log(rules: &str) -> Result<()> {
    let filter = EnvFilter::try_new(rules).with_context(|| format!("{rules:?} is no rule for logging"))?;
    let filter = SILENCED.iter().try_fold(filter, |filter, rule| rule.parse().map(|rule| filter.add_directive(rule)));
    let filter = filter.context("a built-in rule for logging is broken")?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started =
        if std::io::stderr().is_terminal() { lines.try_init() } else { lines.json().flatten_event(true).try_init() };
    started.map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))
}
