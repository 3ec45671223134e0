//! A load with probes beside it: as fast as it is taken, with reads too, and steadily at half of that.

use std::sync::atomic::{AtomicBool, AtomicU64};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::Plan;
use super::beside::Beside;
use super::ingest::{push, send};
use super::load::Load;
use super::measure::Report;
use super::target::Target;
use crate::failure::Failure;

/// At most this much faster than measured is the load that is made for a time.
const MARGIN: f64 = 1.3;

/// As many batches as go in in the plan's time, at this rate, with probes and reads beside them.
pub(super) fn full(target: &Target, plan: &Plan, rate: f64, report: &mut Report) -> Result<(), Failure> {
    let events = (rate * MARGIN * plan.seconds as f64) as u64;
    let bodies = Load::new(plan, 21, events)?.bodies(events, plan.batch);
    let over = AtomicBool::new(false);
    let flow = thread::scope(|scope| {
        let beside = Beside::start(scope, &over, (target, plan), 2_100);
        let flow = push(target, plan, bodies);
        beside.end("full load", report)?;
        flow
    })?;
    report.add("full load, rate", events as f64 / flow.applied_s, "events/s");
    Ok(())
}

/// The plan's time at half of the rate.
pub(super) fn half(target: &Target, plan: &Plan, rate: f64, report: &mut Report) -> Result<(), Failure> {
    let rate = rate / 2.0;
    let events = (rate * plan.seconds as f64) as u64;
    let bodies = Load::new(plan, 22, events)?.bodies(events, plan.batch);
    let over = AtomicBool::new(false);
    let reached = thread::scope(|scope| {
        let beside = Beside::probing(scope, &over, (target, plan), 2_200);
        let sent = steady(target, plan, rate, &bodies);
        beside.end("half rate", report)?;
        sent
    })?;
    report.add("half rate, rate", reached, "events/s");
    target.drain()
}

/// Sends each batch when its time has come, over all connections in turn; the rate that was kept.
pub(super) fn steady(target: &Target, plan: &Plan, rate: f64, bodies: &[Vec<u8>]) -> Result<f64> {
    let refused = AtomicU64::new(0);
    let started = Instant::now();
    let pause = Duration::from_secs_f64(plan.batch as f64 / rate.max(1.0));
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
    })?;
    Ok((bodies.len() * plan.batch) as f64 / started.elapsed().as_secs_f64())
}
