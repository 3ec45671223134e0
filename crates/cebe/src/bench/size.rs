//! What many events leave behind: rates while they grow, disk, memory when idle. Then the start after kill -9, and one
//! customer with very many events.

use std::thread;
use std::time::{Duration, Instant};

use super::Plan;
use super::bars::{IDLE_MEMORY, START};
use super::ingest::{push, size};
use super::load::Load;
use super::measure::{Latencies, Report};
use super::target::Target;
use crate::failure::Failure;
use crate::output;

/// Events between two looks; their bodies are made while the clock stands.
const STEP_EVENTS: u64 = 500_000;
/// How long it is idle before memory is looked at.
const IDLE: Duration = Duration::from_secs(15);
/// How often it is killed and started again.
const STARTS: u32 = 5;
/// Reads of the busy customer.
const READS: u32 = 200;

/// Grows to the plan's events, then looks.
pub(super) fn run(target: &Target, plan: &Plan, report: &mut Report) -> Result<(), Failure> {
    grow(target, plan, report)?;
    thread::sleep(IDLE);
    size(target, plan.events, report);
    if let Some((now, peak)) = target.process().and_then(|process| process.memory_mib()) {
        report.add(IDLE_MEMORY, now, "MiB");
        report.add("size, memory at its highest", peak, "MiB");
    }
    Ok(())
}

/// Kills the server while something is on its way, a few times.
pub(super) fn restart(target: &mut Target, plan: &Plan, report: &mut Report) -> Result<(), Failure> {
    let events = 20 * plan.batch as u64;
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        // Something has to be on its way, or there is nothing to replay.
        let bodies = Load::new(plan, 51 + starts.len() as u64, events)?.bodies(events, plan.batch);
        push(target, plan, bodies)?;
        starts.push(target.kill_and_start()?.as_secs_f64());
    }
    starts.sort_by(f64::total_cmp);
    report.add(START, starts[starts.len() / 2], "s");
    report.add("start after kill -9, slowest", starts[starts.len() - 1], "s");
    Ok(())
}

fn grow(target: &Target, plan: &Plan, report: &mut Report) -> Result<(), Failure> {
    let mut load = Load::new(plan, 50, plan.events)?;
    let mut sent = 0;
    while sent < plan.events {
        let events = STEP_EVENTS.min(plan.events - sent);
        let bodies = load.bodies(events, plan.batch);
        let (process, before) = (target.process(), target.process().and_then(|process| process.stages()));
        let flow = push(target, plan, bodies)?;
        sent += events;
        let rate = events as f64 / flow.applied_s;
        let million = sent as f64 / 1e6;
        report.add(format!("growth, rate up to {million:.1} M events"), rate, "events/s");
        if let (Some(before), Some(now)) = (before, process.and_then(|process| process.stages())) {
            let cpu_us = (now.values().sum::<f64>() - before.values().sum::<f64>()) * 1e6 / events as f64;
            report.add(format!("growth, processor time up to {million:.1} M events"), cpu_us, "µs");
        }
        let bytes = target.disk_bytes().map_or(0, |(queue, central)| queue + central);
        let each = bytes as f64 / sent as f64;
        report.add(format!("growth, disk per event at {million:.1} M events"), each, "B");
        output::words(&format!("  {million:.1} M events: {rate:.0} events/s, {each:.0} B an event"));
    }
    Ok(())
}

/// The plan's events for one customer alone, and what reading them takes then.
pub(super) fn one_customer(target: &Target, plan: &Plan, report: &mut Report) -> Result<(), Failure> {
    let plan = &Plan { companies: 1, customers: 1, ..plan.clone() };
    let bodies = Load::new(plan, 61, plan.events)?.bodies(plan.events, plan.batch);
    let flow = push(target, plan, bodies)?;
    report.add("one customer, rate", plan.events as f64 / flow.applied_s, "events/s");
    let mut wire = target.wire()?;
    for (name, path) in [("profile", ""), ("timeline", "/timeline?limit=50"), ("metrics", "/metrics")] {
        let mut latencies = Latencies::default();
        for _ in 0..READS {
            let started = Instant::now();
            wire.get(&format!("/v1/customers/cust-0000000{path}"))?;
            latencies.note(started.elapsed());
        }
        report.add_latencies(&format!("one customer, read of the {name}"), latencies);
    }
    Ok(())
}
