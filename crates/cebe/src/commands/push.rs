//! `cebe push`: events from a file or a pipe, in batches, until every one is acknowledged.

use std::path::PathBuf;

use clap::Args;

use super::Context;
use crate::failure::Failure;
use crate::output;
use crate::push::{self, Plan, Tally};

/// Push events: NDJSON, a JSON array or one event, plain, gzip or zstd
#[derive(Debug, Args)]
pub(crate) struct Push {
    /// File of events, `-` for stdin
    file: PathBuf,
    /// Most events in one request
    #[arg(long, default_value_t = 500)]
    batch: usize,
    /// Requests under way at once
    #[arg(long, default_value_t = 4)]
    concurrency: usize,
    /// Answer only once the events are applied, and count what became of each
    #[arg(long)]
    wait: bool,
    /// Send requests uncompressed
    #[arg(long)]
    no_gzip: bool,
    /// How long to go on trying when the server is away or full, in seconds
    #[arg(long, default_value_t = 60)]
    patience: u64,
}

impl Push {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let plan = Plan {
            batch_events: self.batch.max(1),
            concurrency: self.concurrency.clamp(1, 256),
            wait: self.wait,
            gzip: !self.no_gzip,
            patience: std::time::Duration::from_secs(self.patience),
        };
        let source = push::open(&self.file)?;
        let bar = output::progress(None, "events");
        let tally = push::run(&context.client(), source, &plan, &bar)?;
        bar.finish_and_clear();
        context.show(&tally.to_json(), |_| view(&tally));
        remark(&tally);
        match tally.quarantined + tally.conflict {
            0 => Ok(()),
            refused => Err(Failure::No(format!("{refused} events were not taken as sent"))),
        }
    }
}

fn view(tally: &Tally) -> String {
    let mut table = output::table(&["what became of them", "events", "for example"]);
    for (name, count) in tally.outcomes() {
        if count > 0 {
            table.add_row([name.to_owned(), count.to_string(), String::new()]);
        }
    }
    for (code, refusal) in &tally.refusals {
        table.add_row([format!("  {code}"), refusal.count.to_string(), refusal.example.clone()]);
    }
    table.to_string()
}

fn remark(tally: &Tally) {
    if tally.ignored > 0 {
        output::words("ignored events come from modules that are switched off: cebe source enable MODULE");
    }
    if tally.retries > 0 {
        output::words(&format!("{} requests were sent again", tally.retries));
    }
}
