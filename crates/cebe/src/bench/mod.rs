//! The benchmark: made-up traffic of all seven modules against a real server process over HTTP. The load is made before
//! the clock starts and sent over bare connections, so that as little as possible of the machine goes into it.

mod ingest;
mod load;
mod measure;
mod mixed;
mod single;
mod target;
mod wire;

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output;
use crate::settings::Settings;
use measure::Report;
use target::Target;

/// What to measure, and how much of it.
pub(crate) struct Plan {
    /// Batches as fast as they are taken.
    pub(crate) ingest: bool,
    /// One event a request.
    pub(crate) single: bool,
    /// Probes and reads beside half the load.
    pub(crate) mixed: bool,
    /// Events of the ingest run.
    pub(crate) events: u64,
    /// Events in one request.
    pub(crate) batch: usize,
    /// Connections of ingest and mixed.
    pub(crate) connections: usize,
    /// Connections of single.
    pub(crate) single_connections: usize,
    /// Length of single and mixed.
    pub(crate) seconds: u64,
    /// Rate of mixed, when it is given.
    pub(crate) rate: Option<u64>,
}

/// Rate of the mixed run when nothing was measured and none is given.
const RATE_DEFAULT: u64 = 10_000;

/// Measures; the report as JSON.
pub(crate) fn run(plan: &Plan, settings: &Settings, running: bool, data: Option<String>) -> Result<Value, Failure> {
    let target = if running { Target::running(settings) } else { Target::start(data)? };
    target.prepare()?;
    let mut report = Report::default();
    let mut sent = 0;
    let mut rate = plan.rate.unwrap_or(RATE_DEFAULT);
    if plan.ingest {
        output::words(&format!("ingest: {} events in batches of {}", plan.events, plan.batch));
        let reached = ingest::run(&target, plan, &mut report)?;
        sent += plan.events;
        rate = plan.rate.unwrap_or(reached / 2);
        size(&target, sent, &mut report);
    }
    if plan.single {
        output::words(&format!("single: {} s on {} connections", plan.seconds, plan.single_connections));
        sent += single::run(&target, plan, &mut report)?;
    }
    if plan.mixed {
        output::words(&format!("mixed: {} s at {rate} events/s with probes and reads", plan.seconds));
        sent += mixed::run(&target, plan, rate, &mut report)?;
    }
    if let Some(bytes) = target.memory_peak_bytes() {
        report.add("peak memory of the server", (bytes / (1 << 20)) as f64, "MiB");
    }
    Ok(json!({"events": sent, "measured": report.rows()}))
}

fn size(target: &Target, sent: u64, report: &mut Report) {
    if let Some((queue, central)) = target.disk_bytes() {
        report.add("disk per event, everything", (queue + central) as f64 / sent as f64, "B");
        report.add("disk per event, queue", queue as f64 / sent as f64, "B");
        report.add("disk per event, central", central as f64 / sent as f64, "B");
    }
}
