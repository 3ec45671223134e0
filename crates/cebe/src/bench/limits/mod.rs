//! What this machine allows: reading JSON alone, the queue alone, the store alone, appending to the disk alone, and what
//! the first three leave when they share the processors. Every report of a rate says how much of that it reaches.

mod store;

use std::io::Write;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use cebe_queue::{Embedded, Lane, Queue, Settings};

use super::Plan;
use super::load::Load;
use super::measure::Report;
use super::process::Process;

/// Events that each limit is measured with.
const EVENTS: u64 = 100_000;
/// Bytes of one append to the disk, and of all.
const APPEND_BYTES: usize = 1 << 20;
const APPENDS: usize = 128;

/// Measures all of them; `rate` is what the whole reached, `written` how much an event makes it write.
pub(super) fn run(plan: &Plan, rate: f64, written: Option<f64>, report: &mut Report) -> Result<()> {
    let bodies = Load::new(plan, 71, EVENTS)?.bodies(EVENTS, plan.batch);
    let limits = [("reading JSON", timed(|| json(&bodies))?), ("queue", timed(|| queue(plan, &bodies))?)];
    let store = timed(|| store::commit_all(EVENTS))?;
    let mut cpu_us = 0.0;
    for (name, limit) in limits.into_iter().chain([("store", store)]) {
        report.add(format!("limit, {name} alone"), limit.rate, "events/s");
        report.add(format!("limit, {name} alone, processor time"), limit.cpu_us, "µs");
        report.add(format!("ingest, of the limit of {name}"), rate / limit.rate * 100.0, "%");
        cpu_us += limit.cpu_us;
    }
    let cores = thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64);
    let together = cores * 1e6 / cpu_us;
    report.add("limit, those three on all processors", together, "events/s");
    report.add("ingest, of the limit of those three", rate / together * 100.0, "%");
    let bytes_per_s = disk()?;
    report.add("limit, appending to the disk", bytes_per_s / 1e6, "MB/s");
    if let Some(written) = written {
        report.add("ingest, of the limit of the disk", rate * written / bytes_per_s * 100.0, "%");
    }
    Ok(())
}

struct Limit {
    rate: f64,
    cpu_us: f64,
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<Limit> {
    let own = Process(std::process::id());
    let cpu_s = || own.stages().map_or(0.0, |stages| stages.values().sum::<f64>());
    let (started, before) = (Instant::now(), cpu_s());
    work()?;
    let (seconds, events) = (started.elapsed().as_secs_f64(), EVENTS as f64);
    Ok(Limit { rate: events / seconds, cpu_us: (cpu_s() - before) * 1e6 / events })
}

/// Reads every event, on as many threads as there are processors.
fn json(bodies: &[Vec<u8>]) -> Result<()> {
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get());
    thread::scope(|scope| {
        let part = bodies.len().div_ceil(cores).max(1);
        let read = |bodies: &[Vec<u8>]| -> Result<()> {
            for line in bodies.iter().flat_map(|body| body.split(|byte| *byte == b'\n')).filter(|line| !line.is_empty())
            {
                serde_json::from_slice::<serde::de::IgnoredAny>(line)?;
            }
            Ok(())
        };
        let readers: Vec<_> = bodies.chunks(part).map(|bodies| scope.spawn(move || read(bodies))).collect();
        readers.into_iter().try_for_each(|reader| reader.join().expect("a reader does not panic"))
    })
}

/// Appends every event as it was sent, batch by batch, as many at a time as there are connections.
fn queue(plan: &Plan, bodies: &[Vec<u8>]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let queue = Arc::new(Embedded::open(folder.path(), Settings::default()).context("a new queue does not open")?);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let senders: Vec<_> = (0..plan.connections)
        .map(|place| {
            let lines = |body: &Vec<u8>| -> Vec<Bytes> {
                let body = Bytes::from(body.clone());
                let lines = body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
                lines.map(|line| body.slice_ref(line)).collect()
            };
            let mine: Vec<Vec<Bytes>> = bodies.iter().skip(place).step_by(plan.connections).map(lines).collect();
            let queue = Arc::clone(&queue);
            runtime.spawn(async move {
                for records in mine {
                    queue.append(Lane::Live, Bytes::new(), records).await?;
                }
                Ok::<_, cebe_queue::AppendError>(())
            })
        })
        .collect();
    for sender in senders {
        runtime.block_on(sender)??;
    }
    Ok(())
}

/// Bytes a second that a file grows by, each megabyte flushed.
fn disk() -> Result<f64> {
    let mut file = tempfile::tempfile()?;
    let block: Vec<u8> = (0..APPEND_BYTES).map(|place| (place.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let started = Instant::now();
    for _ in 0..APPENDS {
        file.write_all(&block)?;
        file.sync_data()?;
    }
    let took = started.elapsed().max(Duration::from_millis(1));
    Ok((APPENDS * APPEND_BYTES) as f64 / took.as_secs_f64())
}
