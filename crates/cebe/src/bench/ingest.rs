//! Batches as fast as they are taken, until the last of them is applied.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use indicatif::ProgressBar;

use super::Plan;
use super::bars::{DISK, INGEST};
use super::measure::{Latencies, Report};
use super::process::since;
use super::target::{Target, taken};
use super::wire::Wire;
use crate::failure::Failure;
use crate::output;

/// How fast bodies went in.
pub(super) struct Flow {
    /// Until the last was acknowledged.
    pub(super) taken_s: f64,
    /// Until the last was applied.
    pub(super) applied_s: f64,
    refused: u64,
    latencies: Latencies,
}

/// Runs; gives the rate it reached, in events/s.
pub(super) fn run(target: &Target, plan: &Plan, bodies: Vec<Vec<u8>>, report: &mut Report) -> Result<f64, Failure> {
    let bytes: usize = bodies.iter().map(Vec::len).sum();
    let events = plan.events as f64;
    let (process, before) = (target.process(), target.process().and_then(|process| process.stages()));
    let flow = push(target, plan, bodies)?;
    let rate = events / flow.applied_s;
    report.add(INGEST, rate, "events/s");
    report.add("ingest, acknowledged", events / flow.taken_s, "events/s");
    report.add_latencies("ingest, acknowledgement of a batch", flow.latencies);
    report.add("ingest, requests told to come back", flow.refused as f64, "");
    report.add("ingest, size of an event as sent", bytes as f64 / events, "B");
    if let (Some(before), Some(now)) = (before, process.and_then(|process| process.stages())) {
        let stages = since(&before, &now);
        let us = |s: f64| s * 1e6 / events;
        report.add("ingest, processor time of an event", us(stages.values().sum()), "µs");
        stages.into_iter().for_each(|(stage, s)| report.add(format!("ingest, of that {stage}"), us(s), "µs"));
    }
    target.settle();
    size(target, plan.events, report);
    Ok(rate)
}

/// What lies on disk for so many events, and how much was written for it.
pub(super) fn size(target: &Target, events: u64, report: &mut Report) {
    let each = |bytes: f64| bytes / events as f64;
    if let Some((queue, central)) = target.disk_bytes() {
        report.add(DISK, each((queue + central) as f64), "B");
        report.add("disk per event, queue (kept for a day)", each(queue as f64), "B");
        report.add("disk per event, central", each(central as f64), "B");
    }
    if let Some(written) = target.process().and_then(|process| process.written_bytes()) {
        report.add("written per event", each(written), "B");
    }
}

/// Sends bodies over all connections, and waits until they are applied.
pub(super) fn push(target: &Target, plan: &Plan, bodies: Vec<Vec<u8>>) -> Result<Flow, Failure> {
    let (left, refused) = (Mutex::new(bodies), AtomicU64::new(0));
    left.lock().unwrap_or_else(PoisonError::into_inner).reverse();
    let bar = output::progress(Some(plan.events), "events");
    let started = Instant::now();
    let latencies = thread::scope(|scope| {
        let sender = || send_all(target, &left, &refused, &bar, plan.batch as u64);
        let senders: Vec<_> = (0..plan.connections).map(|_| scope.spawn(sender)).collect();
        let mut all = Latencies::default();
        for sender in senders {
            all.add(sender.join().expect("a sender does not panic")?);
        }
        Ok::<_, anyhow::Error>(all)
    })?;
    let taken_s = started.elapsed().as_secs_f64();
    target.drain()?;
    let applied_s = started.elapsed().as_secs_f64();
    bar.finish_and_clear();
    Ok(Flow { taken_s, applied_s, refused: refused.load(Ordering::Relaxed), latencies })
}

/// Sends bodies until there are none left.
fn send_all(
    target: &Target,
    left: &Mutex<Vec<Vec<u8>>>,
    refused: &AtomicU64,
    bar: &ProgressBar,
    events: u64,
) -> Result<Latencies> {
    let (mut wire, mut latencies) = (target.wire()?, Latencies::default());
    loop {
        let next = left.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(body) = next else { return Ok(latencies) };
        latencies.note(send(&mut wire, &body, refused)?);
        bar.inc(events);
    }
}

/// Sends until it is taken; the time of the exchange that took it.
pub(super) fn send(wire: &mut Wire, body: &[u8], refused: &AtomicU64) -> Result<Duration> {
    loop {
        let started = Instant::now();
        let (status, answer) = wire.post("/v1/events", body)?;
        match status {
            200 if taken(&answer) > 0 => return Ok(started.elapsed()),
            503 => {
                refused.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(50));
            }
            _ => bail!("the server answers {status}: {}", String::from_utf8_lossy(&answer)),
        }
    }
}
