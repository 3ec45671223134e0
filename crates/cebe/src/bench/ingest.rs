//! Batches as fast as they are taken, until the last of them is applied.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use indicatif::ProgressBar;

use super::Plan;
use super::load::Load;
use super::measure::{Latencies, Report};
use super::target::{Target, taken};
use super::wire::Wire;
use crate::failure::Failure;
use crate::output;

/// Customers for every event of the load: each has a few dozen events.
const EVENTS_PER_CUSTOMER: u64 = 40;

/// Runs; gives the rate it reached, in events/s.
pub(super) fn run(target: &Target, plan: &Plan, report: &mut Report) -> Result<u64, Failure> {
    let bodies = Load::new(1, plan.events / EVENTS_PER_CUSTOMER).bodies(plan.events, plan.batch);
    let bytes: usize = bodies.iter().map(Vec::len).sum();
    let (left, refused) = (Mutex::new(bodies), AtomicU64::new(0));
    let bar = output::progress(Some(plan.events), "events");
    let started = Instant::now();
    let acknowledged = thread::scope(|scope| {
        let sender = || send_all(target, &left, &refused, &bar, plan.batch as u64);
        let senders: Vec<_> = (0..plan.connections).map(|_| scope.spawn(sender)).collect();
        let mut all = Latencies::default();
        for sender in senders {
            all.add(sender.join().expect("a sender does not panic")?);
        }
        Ok::<_, anyhow::Error>(all)
    })?;
    let taken_in = started.elapsed();
    target.drain()?;
    let applied_in = started.elapsed();
    bar.finish_and_clear();
    let rate = plan.events as f64 / applied_in.as_secs_f64();
    report.add("ingest, applied and queryable", rate, "events/s");
    report.add("ingest, acknowledged", plan.events as f64 / taken_in.as_secs_f64(), "events/s");
    report.add("size of an event as sent", bytes as f64 / plan.events as f64, "B");
    report.add("requests told to come back", refused.load(Ordering::Relaxed) as f64, "");
    report.add_latencies("ingest, acknowledgement of a batch", acknowledged);
    Ok(rate as u64)
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
