//! `cebe bench`: what this machine does with made-up traffic of all modules.

use clap::{Args, ValueEnum};

use super::Context;
use crate::bench::{self, Plan};
use crate::failure::Failure;
use crate::output;
use crate::settings::Origin;

/// Measure ingest, propagation, reads and size (a server of its own, or --server)
#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// What to measure
    #[arg(long, value_enum, default_value_t = Mode::All)]
    mode: Mode,
    /// Events of the ingest run
    #[arg(long, default_value_t = 300_000)]
    events: u64,
    /// Events in one request of the ingest and mixed runs
    #[arg(long, default_value_t = 500)]
    batch: usize,
    /// Connections of the ingest and mixed runs
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// Connections of the single run
    #[arg(long, default_value_t = 64)]
    single_connections: usize,
    /// Length of the single and mixed runs, in seconds
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Rate of the mixed run in events/s (default: half of what ingest reached)
    #[arg(long)]
    rate: Option<u64>,
    /// Folder for the store of the server that is started (default: a temporary one, gone at the end)
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mode {
    /// Everything, one after the other.
    All,
    /// Batches as fast as they are taken.
    Ingest,
    /// One event a request, many connections.
    Single,
    /// Half the ingest rate, with probes and reads beside it.
    Mixed,
}

impl Bench {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let wants = |mode| self.mode == Mode::All || self.mode == mode;
        let plan = Plan {
            ingest: wants(Mode::Ingest),
            single: wants(Mode::Single),
            mixed: wants(Mode::Mixed),
            events: self.events.max(1),
            batch: self.batch.max(1),
            connections: self.connections.max(1),
            single_connections: self.single_connections.max(1),
            seconds: self.seconds.max(1),
            rate: self.rate,
        };
        // A server that is named on the command line is meant; its key must be an admin's.
        let is_named = context.effective.origins.get("server") == Some(&Origin::Flag);
        let report = bench::run(&plan, &context.effective.settings, is_named, self.data)?;
        context.show(&report, |report| {
            let mut table = output::table(&["measured", "value", "unit"]);
            for row in report["measured"].as_array().into_iter().flatten() {
                table.add_row([output::cell(&row["name"]), output::cell(&row["value"]), output::cell(&row["unit"])]);
            }
            table.to_string()
        });
        Ok(())
    }
}
