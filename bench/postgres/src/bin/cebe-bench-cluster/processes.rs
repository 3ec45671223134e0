//! Processor time of everything that takes part, by process and, for workers, by what their threads do.

use std::collections::BTreeMap;
use std::fs;

use cebe_bench_postgres::cluster::cpu_of;

use crate::database::Database;
use crate::nats::Nats;
use crate::nodes::Nodes;

/// Seconds by name.
pub(crate) type Used = BTreeMap<&'static str, f64>;

/// What everything has used so far.
pub(crate) fn look(nats: &Nats, database: &Database, nodes: &Nodes) -> Used {
    let mut used =
        Used::from([("nats", own_s(nats.id())), ("postgres", database.cpu_s()), ("door", own_s(nodes.door()))]);
    for worker in nodes.workers() {
        *used.entry("workers").or_default() += own_s(worker);
        let mut living = 0.0;
        for (name, seconds) in threads(worker) {
            living += seconds;
            *used.entry(stage(&name)).or_default() += seconds;
        }
        *used.entry("workers: threads that ended").or_default() += (own_s(worker) - living).max(0.0);
    }
    used
}

/// What was used between two looks.
pub(crate) fn since(before: &Used, now: &Used) -> Used {
    now.iter().map(|(name, s)| (*name, (s - before.get(name).unwrap_or(&0.0)).max(0.0))).collect()
}

fn own_s(process: u32) -> f64 {
    cpu_of(&process.to_string()).map_or(0.0, |cpu| cpu.own_s)
}

/// Names and seconds of a process's threads.
fn threads(process: u32) -> Vec<(String, f64)> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let thread = |task: fs::DirEntry| {
        let name = fs::read_to_string(task.path().join("comm")).ok()?.trim().to_owned();
        let id = task.file_name().into_string().ok()?;
        Some((name, cpu_of(&format!("{process}/task/{id}"))?.own_s))
    };
    tasks.filter_map(thread).collect()
}

fn stage(thread: &str) -> &'static str {
    match thread {
        name if name.starts_with("worker-") => "workers: read and step",
        "committer" => "workers: commit",
        name if name.starts_with("cebe-postgres") => "workers: connections to PostgreSQL",
        name if name.starts_with("jetstream") => "workers: connection to NATS",
        _ => "workers: everything else",
    }
}
