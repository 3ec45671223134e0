//! One event a request on many connections: what a fleet of publishers without batching does.

use std::sync::atomic::AtomicU64;
use std::thread;
use std::time::{Duration, Instant};

use super::Plan;
use super::ingest::send;
use super::load::Load;
use super::measure::{Latencies, Report};
use super::target::Target;
use crate::failure::Failure;

/// Bodies each connection has ready; enough for the fastest machine.
const BODIES_PER_SECOND: u64 = 1_500;

/// Runs; gives how many events were sent.
pub(super) fn run(target: &Target, plan: &Plan, report: &mut Report) -> Result<u64, Failure> {
    let ready: Vec<Vec<Vec<u8>>> = (0..plan.single_connections)
        .map(|place| Load::new(1_000 + place as u64, 200).bodies(BODIES_PER_SECOND * plan.seconds, 1))
        .collect();
    let refused = AtomicU64::new(0);
    let started = Instant::now();
    let end = started + Duration::from_secs(plan.seconds);
    let latencies = thread::scope(|scope| {
        let senders: Vec<_> = ready
            .iter()
            .map(|bodies| {
                let refused = &refused;
                scope.spawn(move || {
                    let (mut wire, mut latencies) = (target.wire()?, Latencies::default());
                    for body in bodies {
                        if Instant::now() >= end {
                            break;
                        }
                        latencies.note(send(&mut wire, body, refused)?);
                    }
                    Ok::<_, anyhow::Error>(latencies)
                })
            })
            .collect();
        let mut all = Latencies::default();
        for sender in senders {
            all.add(sender.join().expect("a sender does not panic")?);
        }
        Ok::<_, anyhow::Error>(all)
    })?;
    let count = latencies.count();
    report.add("single-event requests", count as f64 / started.elapsed().as_secs_f64(), "requests/s");
    report.add_latencies("single, acknowledgement", latencies);
    target.drain()?;
    Ok(count as u64)
}
