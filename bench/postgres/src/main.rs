//! The rival: what a good engineer would write on PostgreSQL in a week. A file of events, one a line, comes in; how fast
//! they were taken goes out as JSON. It does less than CEBE (no masking, no merging of people, counters that late and
//! corrected events leave wrong, no HTTP in between), which is in its favour. Read `schema.sql`, `new.sql` and
//! `counters.sql` first.

mod event;
mod writer;

use std::fs;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use postgres::Client;
use serde_json::json;

use cebe_bench_postgres::cluster::{self, Cluster};
use writer::Writer;

const USAGE: &str = "usage: cebe-bench-postgres FILE [BATCH [CONNECTIONS]]";

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().context(USAGE)?;
    let mut number = |default: usize| arguments.next().map_or(Ok(default), |text| text.parse().context(USAGE));
    let (batch, connections) = (number(2_500)?.max(1), number(2)?.max(1));
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    let cluster = Cluster::start()?;
    cluster.connect()?.batch_execute(include_str!("schema.sql"))?;
    let cpu = (cluster.cpu_seconds(), own_cpu_seconds());
    let started = Instant::now();
    let fresh = write_all(&cluster, &lines, batch, connections)?;
    let seconds = started.elapsed().as_secs_f64();
    let cpu_s = cluster.cpu_seconds() - cpu.0 + own_cpu_seconds() - cpu.1;
    let events = lines.len() as f64;
    let bytes = size(&mut cluster.connect()?)? as f64;
    let report = json!({"events": lines.len(), "new": fresh, "seconds": seconds, "events_per_s": events / seconds,
        "cpu_us_per_event": cpu_s * 1e6 / events, "bytes_per_event": bytes / events,
        "batch": batch, "connections": connections, "server": cluster.version()?});
    println!("{report:#}");
    Ok(())
}

/// Batches over all connections, until there are none left; how many events were new.
fn write_all(cluster: &Cluster, lines: &[&str], batch: usize, connections: usize) -> Result<u64> {
    let left = Mutex::new(lines.chunks(batch));
    thread::scope(|scope| {
        let write = || {
            let (mut writer, mut fresh) = (Writer::new(cluster.connect()?)?, 0);
            loop {
                let next = left.lock().unwrap_or_else(PoisonError::into_inner).next();
                let Some(lines) = next else { return Ok(fresh) };
                fresh += writer.write(lines)?;
            }
        };
        let writers: Vec<_> = (0..connections).map(|_| scope.spawn(write)).collect();
        writers.into_iter().map(|writer| writer.join().expect("a writer does not panic")).sum()
    })
}

fn size(client: &mut Client) -> Result<i64> {
    Ok(client.query_one("SELECT pg_database_size(current_database())", &[])?.get(0))
}

fn own_cpu_seconds() -> f64 {
    cluster::cpu_of("self").map_or(0.0, |cpu| cpu.own_s)
}
