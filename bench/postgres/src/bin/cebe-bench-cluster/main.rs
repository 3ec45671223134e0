//! CEBE on NATS JetStream and PostgreSQL, measured with one, two, four workers: one process takes events and answers, each
//! worker is a process of its own, and `cebe bench` pushes to them over HTTP and through the rival beside. Servers of its
//! own, on free ports, gone at the end. What comes out: rates, the ratio to the rival, and where the time goes: processor
//! time by process and thread, statements by their time in the database.

mod database;
mod nats;
mod nodes;
mod processes;
mod report;
mod rival;

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use clap::Parser;
use serde_json::{Value, json};

use database::Database;
use nats::Nats;
use nodes::Nodes;
use rival::Held;

/// Measure CEBE on NATS and PostgreSQL
#[derive(Debug, Parser)]
struct Arguments {
    /// The program to measure
    cebe: PathBuf,
    /// How many workers: one run for each number
    #[arg(long, value_delimiter = ',', default_value = "1,2,4")]
    workers: Vec<usize>,
    /// Events of a run
    #[arg(long, default_value_t = 200_000)]
    events: u64,
    /// Companies, a few of them busier than the rest
    #[arg(long, default_value_t = 64)]
    companies: u64,
    /// Events in one request
    #[arg(long, default_value_t = 500)]
    batch: usize,
    /// Connections that send batches
    #[arg(long, default_value_t = 8)]
    connections: usize,
    /// The program that takes the same events as a file and answers how fast it was
    #[arg(long)]
    rival: Option<PathBuf>,
    /// Statements that are shown, those with most time first
    #[arg(long, default_value_t = 12)]
    statements: usize,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn main() -> Result<()> {
    if let Some(held) = Held::of_this_process() {
        return held.take_part();
    }
    let arguments = Arguments::parse();
    let mut runs = Vec::new();
    for workers in &arguments.workers {
        eprintln!("{workers} workers");
        runs.push(run(&arguments, *workers)?);
    }
    let report = Value::Array(runs);
    println!("{}", if arguments.json { format!("{report:#}") } else { report::tables(&report) });
    Ok(())
}

/// One run, on servers of its own.
fn run(arguments: &Arguments, workers: usize) -> Result<Value> {
    let (nats, database) = (Nats::start()?, Database::start()?);
    let nodes = Nodes::start(&arguments.cebe, workers, &nats, &database)?;
    let folder = tempfile::tempdir()?;
    let (saved, held) = (folder.path().join("report.json"), Held::in_folder(folder.path()));
    let events = arguments.events.to_string();
    let mut bench = Command::new(&arguments.cebe);
    bench.args(["bench", "--mode", "ingest", "--json", "--server", nodes.url(), "--events", &events, "--save"]);
    bench.arg(&saved).args(["--companies", &arguments.companies.to_string()]);
    bench.args(["--batch", &arguments.batch.to_string(), "--connections", &arguments.connections.to_string()]);
    bench.env("CEBE_KEY", nodes.key()).stdout(Stdio::null());
    if let Some(rival) = &arguments.rival {
        bench.arg("--rival").arg(std::env::current_exe()?).envs(held.variables(rival)?);
    }
    database.forget_statements()?;
    let before = processes::look(&nats, &database, &nodes);
    let mut running = bench.spawn().context("cebe bench does not start")?;
    // With a rival it says when CEBE's part is over: the nodes go then, so that both have the machine to themselves.
    while running.try_wait()?.is_none() && !held.is_reached() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let used = processes::since(&before, &processes::look(&nats, &database, &nodes));
    let told = database.told(arguments.statements)?;
    drop(nodes);
    held.release()?;
    let ended = running.wait()?;
    if !ended.success() {
        bail!("cebe bench failed: {ended}");
    }
    let saved: Value = serde_json::from_str(&std::fs::read_to_string(&saved)?)?;
    let per_event: Value = used.into_iter().map(|(name, s)| (name, json!(s * 1e6 / arguments.events as f64))).collect();
    Ok(json!({"workers": workers, "events": arguments.events, "companies": arguments.companies,
        "measured": saved["measured"], "cpu_us_per_event": per_event, "database": told}))
}
