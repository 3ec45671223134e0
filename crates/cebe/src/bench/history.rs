//! A year of history loaded beside live traffic at half the rate: how long live events take meanwhile.

use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;

use super::Plan;
use super::beside::Beside;
use super::load::Load;
use super::measure::Report;
use super::mixed::steady;
use super::target::Target;
use crate::failure::Failure;

/// How long the history may need once live traffic is over.
const END_WITHIN: Duration = Duration::from_secs(600);
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Runs for the plan's time, and then until the history is loaded.
pub(super) fn run(target: &Target, plan: &Plan, rate: f64, report: &mut Report) -> Result<(), Failure> {
    let rate = rate / 2.0;
    let events = (rate * plan.seconds as f64) as u64;
    let bodies = Load::new(plan, 41, events)?.bodies(events, plan.batch);
    let file = Load::past(plan, 42, plan.history).body(usize::try_from(plan.history).unwrap_or(usize::MAX));
    let id = target.backfill(file)?;
    let (over, started) = (AtomicBool::new(false), Instant::now());
    let reached = thread::scope(|scope| {
        let beside = Beside::probing(scope, &over, (target, plan), 4_100);
        let sent = steady(target, plan, rate, &bodies);
        beside.end("backfill beside", report)?;
        sent
    })?;
    report.add("backfill beside, rate of live events", reached, "events/s");
    let during = target.backfill_state(&id)?["events"].as_f64().unwrap_or_default();
    report.add("backfill beside, rate of history", during / started.elapsed().as_secs_f64(), "events/s");
    let left = (plan.history as f64 - during).max(0.0);
    let alone = Instant::now();
    let end = end_of(target, &id)?;
    if left > 0.0 {
        report.add("backfill alone, rate of history", left / alone.elapsed().as_secs_f64(), "events/s");
    }
    report.add("backfill, complete", end["percent_complete"].as_f64().unwrap_or_default(), "%");
    target.drain()
}

fn end_of(target: &Target, id: &str) -> Result<Value, Failure> {
    let started = Instant::now();
    loop {
        let state = target.backfill_state(id)?;
        if state["state"] != "running" || started.elapsed() > END_WITHIN {
            return Ok(state);
        }
        thread::sleep(LOOK_EVERY);
    }
}
