//! A steady load with probes and reads beside it: how long an event takes to be queryable, and how long answers take.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::Plan;
use super::ingest::send;
use super::load::Load;
use super::measure::{Latencies, Report};
use super::target::{Target, taken};
use crate::failure::Failure;
use crate::traffic::Dice;

const PROBE_EVERY: Duration = Duration::from_millis(20);
const READ_EVERY: Duration = Duration::from_millis(5);
const CUSTOMERS: u64 = 5_000;

/// A read that is timed, by customer number.
type Path = fn(u64) -> String;

const READS: [(&str, Path); 3] = [
    ("read of a profile", |number| format!("/v1/customers/cust-{number:07}")),
    ("read of a metric", |_| "/v1/metrics/reply_rate?group_by=campaign_id".to_owned()),
    ("read of a timeline", |number| format!("/v1/customers/cust-{number:07}/timeline?limit=50")),
];

/// Runs; gives how many events were sent.
pub(super) fn run(target: &Target, plan: &Plan, rate: u64, report: &mut Report) -> Result<u64, Failure> {
    let events = rate * plan.seconds;
    let bodies = Load::new(2, CUSTOMERS).bodies(events, plan.batch);
    let over = AtomicBool::new(false);
    let started = Instant::now();
    let (probes, reads) = thread::scope(|scope| {
        let prober = scope.spawn(|| probe(target, &over));
        let over = &over;
        let readers = READS.map(|(name, path)| (name, scope.spawn(move || read(target, path, over))));
        let sent = steady(target, plan, rate, &bodies);
        over.store(true, Ordering::Relaxed);
        let probes = prober.join().expect("the prober does not panic")?;
        let mut reads = Vec::new();
        for (name, reader) in readers {
            reads.push((name, reader.join().expect("a reader does not panic")?));
        }
        sent.map(|()| (probes, reads))
    })?;
    let reached = events as f64 / started.elapsed().as_secs_f64();
    report.add("mixed, rate", reached, "events/s");
    report.add_latencies("mixed, propagation to queryable", probes);
    for (name, latencies) in reads {
        report.add_latencies(&format!("mixed, {name}"), latencies);
    }
    target.drain()?;
    Ok(events)
}

/// Sends each batch when its time has come, over all connections in turn.
fn steady(target: &Target, plan: &Plan, rate: u64, bodies: &[Vec<u8>]) -> Result<()> {
    let refused = AtomicU64::new(0);
    let started = Instant::now();
    let pause = Duration::from_secs_f64(plan.batch as f64 / rate.max(1) as f64);
    thread::scope(|scope| {
        let senders: Vec<_> = (0..plan.connections)
            .map(|place| {
                let refused = &refused;
                scope.spawn(move || {
                    let mut wire = target.wire()?;
                    for (number, body) in bodies.iter().enumerate().skip(place).step_by(plan.connections) {
                        let due = started + pause * u32::try_from(number).unwrap_or(u32::MAX);
                        thread::sleep(due.saturating_duration_since(Instant::now()));
                        send(&mut wire, body, refused)?;
                    }
                    Ok::<_, anyhow::Error>(())
                })
            })
            .collect();
        senders.into_iter().try_for_each(|sender| sender.join().expect("a sender does not panic"))
    })
}

/// One event at a time, answered once it is applied.
fn probe(target: &Target, over: &AtomicBool) -> Result<Latencies> {
    let (mut wire, mut load, mut latencies) = (target.wire()?, Load::new(3, CUSTOMERS), Latencies::default());
    while !over.load(Ordering::Relaxed) {
        let body = load.body(1);
        let started = Instant::now();
        let (status, answer) = wire.post("/v1/events?wait=true&timeout_ms=30000", &body)?;
        if status == 200 && taken(&answer) == 1 {
            latencies.note(started.elapsed());
        } else if status != 503 {
            bail!("a probe is answered {status}: {}", String::from_utf8_lossy(&answer));
        }
        thread::sleep(PROBE_EVERY);
    }
    Ok(latencies)
}

fn read(target: &Target, path: Path, over: &AtomicBool) -> Result<Latencies> {
    let (mut wire, mut dice, mut latencies) = (target.wire()?, Dice::new(4), Latencies::default());
    while !over.load(Ordering::Relaxed) {
        let path = path(dice.below(CUSTOMERS));
        let started = Instant::now();
        let (status, answer) = wire.get(&path)?;
        match status {
            200 => latencies.note(started.elapsed()),
            // Not every customer has happened yet.
            404 => {}
            _ => bail!("{path} is answered {status}: {}", String::from_utf8_lossy(&answer)),
        }
        thread::sleep(READ_EVERY);
    }
    Ok(latencies)
}
