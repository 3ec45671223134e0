//! One event a request on many connections: what a fleet of publishers without batching does.

use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::Plan;
use super::bars::SINGLE;
use super::ingest::send;
use super::load::Load;
use super::measure::{Latencies, Report};
use super::target::Target;
use crate::failure::Failure;

/// Bodies a connection has ready for a second; enough for the fastest machine.
const BODIES_PER_SECOND: u64 = 600;

/// Runs for the plan's time.
pub(super) fn run(target: &Target, plan: &Plan, report: &mut Report) -> Result<(), Failure> {
    let each = BODIES_PER_SECOND * plan.seconds;
    let ready = Load::new(plan, 31, each)?.bodies(each * plan.single_connections as u64, 1);
    let refused = AtomicU64::new(0);
    let started = Instant::now();
    let end = started + Duration::from_secs(plan.seconds);
    let latencies = thread::scope(|scope| {
        let senders: Vec<_> = (0..plan.single_connections)
            .map(|place| {
                let mine = ready.iter().skip(place).step_by(plan.single_connections);
                let refused = &refused;
                scope.spawn(move || send_until(target, end, mine, refused))
            })
            .collect();
        let mut all = Latencies::default();
        for sender in senders {
            all.add(sender.join().expect("a sender does not panic")?);
        }
        Ok::<_, anyhow::Error>(all)
    })?;
    report.add(SINGLE, latencies.count() as f64 / started.elapsed().as_secs_f64(), "requests/s");
    report.add_latencies("single, acknowledgement", latencies);
    target.drain()
}

fn send_until<'b>(
    target: &Target,
    end: Instant,
    bodies: impl Iterator<Item = &'b Vec<u8>>,
    refused: &AtomicU64,
) -> Result<Latencies> {
    let (mut wire, mut latencies) = (target.wire()?, Latencies::default());
    for body in bodies {
        if Instant::now() >= end {
            break;
        }
        latencies.note(send(&mut wire, body, refused)?);
    }
    Ok(latencies)
}
