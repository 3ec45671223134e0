//! The benchmark: made-up traffic of all seven modules, or a file, against a real server process over HTTP. The load is
//! made before the clock starts and sent over bare connections, so that as little as possible of the machine goes into
//! it. Read `run` for the parts of a run, `bars.rs` for what is promised.

mod bars;
mod beside;
mod history;
mod ingest;
mod limits;
mod load;
mod measure;
mod mixed;
mod process;
mod rival;
mod single;
mod size;
mod soak;
mod summary;
mod target;
mod wire;

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::failure::Failure;
use crate::output;
use crate::settings::Settings;
use load::Load;
use measure::Report;
use target::Target;

pub(crate) use summary::tables;

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Batches as fast as they are taken, and the same through the rival.
    Ingest,
    /// What the machine allows.
    Limits,
    /// As fast, with probes and reads beside.
    Full,
    /// Half as fast, with probes and reads beside.
    Half,
    /// One event a request.
    Single,
    /// History beside half the rate.
    Backfill,
    /// Growth, disk, memory when idle.
    Size,
    /// Start after a kill.
    Restart,
    /// One customer with all the events.
    OneCustomer,
    /// Half as fast for long.
    Soak,
}

/// What to measure, and how much of it.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Which parts, in this order.
    pub(crate) parts: Vec<Part>,
    /// How often.
    pub(crate) runs: usize,
    /// Events of the ingest run.
    pub(crate) events: u64,
    /// Events of the size run, which is made once.
    pub(crate) size_events: u64,
    /// Events of the backfill.
    pub(crate) history: u64,
    /// Companies of the traffic.
    pub(crate) companies: u64,
    /// Their customers.
    pub(crate) customers: u64,
    /// Events in one request.
    pub(crate) batch: usize,
    /// Connections that send batches.
    pub(crate) connections: usize,
    /// Connections that send single events.
    pub(crate) single_connections: usize,
    /// Length of what is measured over a time.
    pub(crate) seconds: u64,
    /// Length of the soak.
    pub(crate) soak_seconds: u64,
    /// Windows of the soak.
    pub(crate) windows: u64,
    /// The full rate, when it is given instead of measured.
    pub(crate) rate: Option<f64>,
    /// Events to send instead of made-up ones.
    pub(crate) file: Option<PathBuf>,
    /// The rival's program.
    pub(crate) rival: Option<PathBuf>,
    /// Folder of the store instead of a temporary one.
    pub(crate) data: Option<PathBuf>,
}

/// Full rate when nothing was measured and none is given.
const RATE_DEFAULT: f64 = 20_000.0;

/// Measures; the report as JSON.
pub(crate) fn run(plan: &Plan, settings: &Settings, running: bool) -> Result<Value, Failure> {
    let (each, once): (Vec<Part>, Vec<Part>) = plan.parts.iter().copied().partition(|part| !part.is_made_once());
    let mut reports = Vec::new();
    for number in 1..=plan.runs {
        if !each.is_empty() {
            output::words(&format!("run {number} of {}", plan.runs));
            let mut target = start(plan, settings, running)?;
            reports.push(parts(&mut target, plan, &each)?);
        }
    }
    if !once.is_empty() {
        let plan = Plan { events: plan.size_events, customers: size_customers(plan), ..plan.clone() };
        output::words(&format!("size: {} events", plan.events));
        let mut target = start(&plan, settings, running)?;
        reports.push(parts(&mut target, &plan, &once)?);
    }
    Ok(summary::of(&reports, &machine()))
}

/// As many events for a customer as in the smaller runs.
fn size_customers(plan: &Plan) -> u64 {
    plan.customers * (plan.size_events / plan.events.max(1)).max(1)
}

fn start(plan: &Plan, settings: &Settings, running: bool) -> Result<Target, Failure> {
    let target = if running { Target::running(settings) } else { Target::start(plan.data.clone())? };
    target.prepare(&Load::new(plan, 1, 1)?.companies())?;
    Ok(target)
}

fn parts(target: &mut Target, plan: &Plan, parts: &[Part]) -> Result<Report, Failure> {
    let (mut report, mut rate) = (Report::default(), plan.rate.unwrap_or(RATE_DEFAULT));
    for part in parts {
        output::words(&format!("  {}", part.told()));
        match part {
            Part::Ingest => {
                let bodies = Load::new(plan, 11, plan.events)?.bodies(plan.events, plan.batch);
                let kept = plan.rival.as_ref().map(|_| bodies.clone());
                let reached = ingest::run(target, plan, bodies, &mut report)?;
                if let (Some(program), Some(bodies)) = (&plan.rival, kept) {
                    rival::run(program, &bodies, reached, &mut report)?;
                }
                rate = plan.rate.unwrap_or(reached);
            }
            Part::Limits => limits::run(plan, rate, report.value("written per event"), &mut report)?,
            Part::Full => mixed::full(target, plan, rate, &mut report)?,
            Part::Half => mixed::half(target, plan, rate, &mut report)?,
            Part::Single => single::run(target, plan, &mut report)?,
            Part::Backfill => history::run(target, plan, rate, &mut report)?,
            Part::Size => size::run(target, plan, &mut report)?,
            Part::Restart => size::restart(target, plan, &mut report)?,
            Part::OneCustomer => size::one_customer(target, plan, &mut report)?,
            Part::Soak => soak::run(target, plan, rate, &mut report)?,
        }
    }
    if let Some((_, peak)) = target.process().and_then(|process| process.memory_mib()) {
        report.add("memory at its highest", peak, "MiB");
    }
    Ok(report)
}

impl Part {
    /// These take long, and are about what lies there.
    fn is_made_once(self) -> bool {
        matches!(self, Self::Size | Self::Restart)
    }

    fn told(self) -> &'static str {
        match self {
            Self::Ingest => "batches as fast as they are taken",
            Self::Limits => "what the machine allows",
            Self::Full => "as fast as they are taken, with probes and reads beside",
            Self::Half => "half of that rate with probes beside",
            Self::Single => "one event a request",
            Self::Backfill => "history beside half of the rate",
            Self::Size => "growth, disk, memory when idle",
            Self::Restart => "start after kill -9",
            Self::OneCustomer => "all events for one customer",
            Self::Soak => "half of that rate for long, with probes and reads beside",
        }
    }
}

/// What it was measured on.
fn machine() -> Value {
    let line = |file: &str, name: &str| {
        let text = std::fs::read_to_string(file).ok()?;
        let found = text.lines().find(|line| line.starts_with(name))?.split_once(':')?.1.trim().to_owned();
        Some(found)
    };
    json!({"processor": line("/proc/cpuinfo", "model name"), "memory": line("/proc/meminfo", "MemTotal"),
        "processors": std::thread::available_parallelism().map_or(1, |cores| cores.get()),
        "version": env!("CARGO_PKG_VERSION"), "at": jiff::Timestamp::now().to_string()})
}
