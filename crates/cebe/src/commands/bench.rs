//! `cebe bench`: what this machine does with made-up traffic of all modules, or with a file of events.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::Context;
use crate::bench::{self, Part, Plan};
use crate::failure::Failure;
use crate::output;
use crate::settings::Origin;

/// Events for every customer of the load.
const EVENTS_PER_CUSTOMER: u64 = 40;

/// Measure ingest, propagation, reads, size and starts (a server of its own, or --server)
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// What to measure
    #[arg(long, value_enum, default_value_t = Mode::All)]
    mode: Mode,
    /// How often; medians are shown with their spread
    #[arg(long, default_value_t = 1)]
    runs: usize,
    /// Events of the ingest run
    #[arg(long, default_value_t = 300_000)]
    events: u64,
    /// Events of the size run, which is made once
    #[arg(long, default_value_t = 1_000_000)]
    size_events: u64,
    /// Events of history that are loaded beside live traffic
    #[arg(long, default_value_t = 100_000)]
    history: u64,
    /// Companies, a few of them busier than the rest
    #[arg(long, default_value_t = 3)]
    companies: u64,
    /// Customers of all companies, a few of them busier than the rest (default: one for 40 events)
    #[arg(long)]
    customers: Option<u64>,
    /// Events in one request
    #[arg(long, default_value_t = 500)]
    batch: usize,
    /// Connections that send batches
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Connections that send single events
    #[arg(long, default_value_t = 64)]
    single_connections: usize,
    /// Length of what is measured over a time, in seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Length of the soak, in seconds
    #[arg(long, default_value_t = 600)]
    soak_seconds: u64,
    /// Parts of the soak that are compared: its memory and latency by window
    #[arg(long, default_value_t = 12)]
    windows: u64,
    /// The full rate in events/s, instead of what ingest reaches
    #[arg(long)]
    rate: Option<f64>,
    /// Events to send instead of made-up ones, one a line
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// A program that takes the same events as a file and answers how fast it was
    #[arg(long, value_name = "PROGRAM")]
    rival: Option<PathBuf>,
    /// Folder for the store of the server that is started (default: a temporary one, gone at the end)
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Keep the report here
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Show a kept report beside this one
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Everything that is promised, one after the other.
    All,
    /// Batches as fast as they are taken.
    Ingest,
    /// The same, and what the machine allows beside it.
    Limits,
    /// One event a request, many connections.
    Single,
    /// Half and full rate, with probes and reads beside them.
    Mixed,
    /// History beside live traffic at half the rate.
    Backfill,
    /// Growth, disk, memory when idle.
    Size,
    /// The same, then starts after kill -9.
    Restart,
    /// All events for one customer.
    OneCustomer,
    /// Half of the rate for long: do memory and latency stay flat?
    Soak,
}

impl Mode {
    fn parts(self) -> Vec<Part> {
        use Part::{Backfill, Full, Half, Ingest, Limits, OneCustomer, Restart, Single, Size, Soak};
        match self {
            Self::All => vec![Ingest, Limits, Half, Backfill, Full, Single, Size, Restart],
            Self::Ingest => vec![Ingest],
            Self::Limits => vec![Ingest, Limits],
            Self::Single => vec![Single],
            Self::Mixed => vec![Ingest, Half, Full],
            Self::Backfill => vec![Ingest, Backfill],
            Self::Size => vec![Size],
            Self::Restart => vec![Size, Restart],
            Self::OneCustomer => vec![OneCustomer],
            Self::Soak => vec![Ingest, Soak],
        }
    }
}

impl Bench {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        // A server that is named on the command line is meant; its key must be an admin's.
        let is_named = context.effective.origins.get("server") == Some(&Origin::Flag);
        let before = self.against.as_deref().map(kept).transpose()?;
        let report = bench::run(&self.plan(), &context.effective.settings, is_named)?;
        if let Some(file) = &self.save {
            std::fs::write(file, output::pretty(&report))
                .map_err(|error| Failure::Usage(format!("cannot write {}: {error}", file.display())))?;
        }
        context.show(&report, |report| bench::tables(report, before.as_ref()));
        Ok(())
    }

    fn plan(&self) -> Plan {
        let events = self.events.max(1);
        Plan {
            parts: self.mode.parts(),
            runs: self.runs.max(1),
            events,
            size_events: self.size_events.max(1),
            history: self.history.max(1),
            companies: self.companies.max(1),
            customers: self.customers.unwrap_or(events / EVENTS_PER_CUSTOMER).max(1),
            batch: self.batch.max(1),
            connections: self.connections.max(1),
            single_connections: self.single_connections.max(1),
            seconds: self.seconds.max(1),
            soak_seconds: self.soak_seconds.max(1),
            windows: self.windows.max(1),
            rate: self.rate,
            file: self.file.clone(),
            rival: self.rival.clone(),
            data: self.data.clone(),
        }
    }
}

fn kept(file: &Path) -> Result<Value, Failure> {
    let shown = |error: &dyn std::fmt::Display| Failure::Usage(format!("cannot read {}: {error}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| shown(&error))?;
    serde_json::from_str(&text).map_err(|error| shown(&error))
}
