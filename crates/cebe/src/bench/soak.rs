//! Half of the rate for long, with probes and reads beside: does memory stay flat, and do answers stay as quick? The load
//! is made while it is sent, because hours of it would fill the memory.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::Plan;
use super::bars::{SOAK_LATENCY, SOAK_MEMORY};
use super::beside::Beside;
use super::ingest::send;
use super::load::Load;
use super::measure::{Latencies, Report};
use super::target::Target;
use crate::failure::Failure;
use crate::output;

/// Bodies that are made ahead.
const BODIES_AHEAD: usize = 64;

/// One window as it was.
struct Window {
    rate: f64,
    acknowledged_ms: f64,
    queryable_ms: f64,
    /// Resident memory at its end; only of a server of our own.
    memory_mib: Option<f64>,
    /// Age of the oldest event that waits to be applied, when the last one was sent.
    behind_ms: f64,
}

/// Runs for the plan's time, window by window.
pub(super) fn run(target: &Target, plan: &Plan, rate: f64, report: &mut Report) -> Result<(), Failure> {
    let rate = rate / 2.0;
    let events = (rate * plan.soak_seconds as f64) as u64;
    let mut load = Load::new(plan, 51, events)?;
    let (give, bodies) = sync_channel(BODIES_AHEAD);
    let windows = thread::scope(|scope| {
        // Ends when nobody takes bodies any more.
        scope.spawn(move || while give.send(load.body(plan.batch)).is_ok() {});
        let bodies = Mutex::new(bodies);
        let windows = (1..=plan.windows).map(|number| window(target, plan, rate, &bodies, number));
        windows.collect::<Result<Vec<Window>>>()
    })?;
    // A server that falls behind is a result, so what still waits is told instead of waited for.
    tell(&windows, report);
    Ok(())
}

/// Sends for one window's time, each batch when its time has come.
fn window(target: &Target, plan: &Plan, rate: f64, bodies: &Mutex<Receiver<Vec<u8>>>, number: u64) -> Result<Window> {
    let length = Duration::from_secs_f64(plan.soak_seconds as f64 / plan.windows as f64);
    let (over, started, sent) = (AtomicBool::new(false), Instant::now(), AtomicU64::new(0));
    let pause = Duration::from_secs_f64(plan.batch as f64 / rate.max(1.0));
    let (mut acknowledged, mut queryable, rate, behind_ms) = thread::scope(|scope| {
        let beside = Beside::start(scope, &over, (target, plan), 5_000 + number * 10);
        let sender = |place| {
            scope.spawn({
                let (sent, turn) = (&sent, pause * u32::try_from(place).unwrap_or(u32::MAX));
                let pause = pause * u32::try_from(plan.connections).unwrap_or(u32::MAX);
                move || paced(target, bodies, (started + turn, pause, started + length), sent)
            })
        };
        let senders: Vec<_> = (0..plan.connections).map(sender).collect();
        let mut acknowledged = Latencies::default();
        for sender in senders {
            acknowledged.add(sender.join().expect("a sender does not panic")?);
        }
        // The last probe may wait for long, in which nothing is sent.
        let events = sent.load(Ordering::Relaxed) * plan.batch as u64;
        let (rate, behind_ms) = (events as f64 / started.elapsed().as_secs_f64(), target.behind_ms()?);
        Ok::<_, anyhow::Error>((acknowledged, beside.stop()?.probes, rate, behind_ms))
    })?;
    let window = Window {
        rate,
        acknowledged_ms: acknowledged.within_ms(990),
        queryable_ms: queryable.within_ms(990),
        memory_mib: target.process().and_then(|process| process.memory_mib()).map(|(now, _)| now),
        behind_ms,
    };
    output::words(&format!("    window {number} of {}: {}", plan.windows, window.told()));
    Ok(window)
}

/// Sends a body at each of its times until the end; how long each took.
fn paced(
    target: &Target,
    bodies: &Mutex<Receiver<Vec<u8>>>,
    (mut due, pause, end): (Instant, Duration, Instant),
    sent: &AtomicU64,
) -> Result<Latencies> {
    let (mut wire, mut latencies, refused) = (target.wire()?, Latencies::default(), AtomicU64::new(0));
    while due < end {
        let body = bodies.lock().unwrap_or_else(PoisonError::into_inner).recv()?;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        latencies.note(send(&mut wire, &body, &refused)?);
        sent.fetch_add(1, Ordering::Relaxed);
        due += pause;
    }
    Ok(latencies)
}

impl Window {
    fn told(&self) -> String {
        let memory = self.memory_mib.map(|mib| format!(", {mib:.0} MiB")).unwrap_or_default();
        format!(
            "{:.0} events/s, acknowledged within {:.1} ms, queryable within {:.1} ms (p99), {:.0} ms behind at its end{memory}",
            self.rate, self.acknowledged_ms, self.queryable_ms, self.behind_ms
        )
    }
}

fn tell(windows: &[Window], report: &mut Report) {
    for (number, window) in (1..).zip(windows) {
        let name = |what: &str| format!("soak, window {number}, {what}");
        report.add(name("rate"), window.rate, "events/s");
        report.add(name("acknowledgement of a batch p99"), window.acknowledged_ms, "ms");
        report.add(name("propagation to queryable p99"), window.queryable_ms, "ms");
        report.add(name("behind at its end"), window.behind_ms, "ms");
        if let Some(mib) = window.memory_mib {
            report.add(name("resident memory"), mib, "MiB");
        }
    }
    let memory: Vec<f64> = windows.iter().filter_map(|window| window.memory_mib).collect();
    let latency: Vec<f64> = windows.iter().map(|window| window.queryable_ms).collect();
    for (name, values) in [(SOAK_MEMORY, memory), (SOAK_LATENCY, latency)] {
        if let Some(growth) = growth(&values) {
            report.add(name, growth, "times");
        }
    }
}

/// The end against the beginning: medians of the last and the first third, the first quarter not counted, in which caches
/// fill. Nothing when there are too few to tell.
fn growth(values: &[f64]) -> Option<f64> {
    let warm = values.get(values.len() / 4..)?;
    let third = warm.len() / 3;
    let (first, last) = (median(warm.get(..third)?)?, median(warm.get(warm.len() - third..)?)?);
    Some(last / first.max(f64::MIN_POSITIVE))
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_told_against_the_beginning_without_the_warm_up() {
        let flat = [100.0, 300.0, 400.0, 410.0, 395.0, 400.0, 410.0, 400.0];
        assert_eq!(growth(&flat), Some(1.0));
        let growing = [100.0, 300.0, 400.0, 440.0, 480.0, 520.0, 560.0, 800.0];
        assert_eq!(growth(&growing), Some(800.0 / 440.0));
        assert_eq!(growth(&[1.0, 2.0]), None);
    }
}
