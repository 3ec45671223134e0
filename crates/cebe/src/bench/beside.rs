//! What goes on beside a load: probes that tell when an event is queryable, and reads as people and programs make them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use cebe_traffic::Dice;

use super::Plan;
use super::load::Load;
use super::measure::{Latencies, Report};
use super::target::{Target, taken};

/// Connections that probe, one behind the other.
const PROBERS: u32 = 40;
/// A probe of each goes this often; one that is due is counted from when it was due. Far longer than an answer may take:
/// a connection that waits for one sends none meanwhile, and would measure how late it is itself.
const PROBE_EVERY: Duration = Duration::from_secs(2);
/// Pause between two reads of one kind.
const READ_EVERY: Duration = Duration::from_millis(5);
/// Customers that are read, busy ones among them.
const READ_CUSTOMERS: u64 = 1_000;

/// A read that is timed, by customer number.
type Path = fn(u64) -> String;

const READS: [(&str, Path); 3] = [
    ("read of a profile", |number| format!("/v1/customers/cust-{number:07}")),
    ("read of a metric", |_| "/v1/metrics/reply_rate?group_by=campaign_id".to_owned()),
    ("read of a timeline", |number| format!("/v1/customers/cust-{number:07}/timeline?limit=50")),
];

/// How long probes and reads took.
#[derive(Default)]
pub(super) struct Tried {
    /// From a push to where it can be asked for.
    pub(super) probes: Latencies,
    reads: Vec<(&'static str, Latencies)>,
}

/// Probes and reads under way.
pub(super) struct Beside<'scope> {
    over: &'scope AtomicBool,
    probers: Vec<ScopedJoinHandle<'scope, Result<Latencies>>>,
    readers: Vec<(&'static str, ScopedJoinHandle<'scope, Result<Latencies>>)>,
}

impl<'scope> Beside<'scope> {
    /// Starts probing, until [`Beside::end`].
    pub(super) fn probing<'env>(
        scope: &'scope Scope<'scope, 'env>,
        over: &'scope AtomicBool,
        (target, plan): (&'scope Target, &'scope Plan),
        seed: u64,
    ) -> Self {
        let begun = Instant::now();
        let prober = |number| {
            let first = begun + PROBE_EVERY * number / PROBERS;
            scope.spawn(move || probe(target, plan, (seed + u64::from(number), first), over))
        };
        Self { over, probers: (0..PROBERS).map(prober).collect(), readers: Vec::new() }
    }

    /// Starts probing and reading, until [`Beside::end`].
    pub(super) fn start<'env>(
        scope: &'scope Scope<'scope, 'env>,
        over: &'scope AtomicBool,
        (target, plan): (&'scope Target, &'scope Plan),
        seed: u64,
    ) -> Self {
        let reader = |(name, path)| (name, scope.spawn(move || read(target, path, over)));
        Self { readers: READS.map(reader).into(), ..Self::probing(scope, over, (target, plan), seed) }
    }

    /// Stops; how long what was tried took.
    pub(super) fn stop(self) -> Result<Tried> {
        self.over.store(true, Ordering::Relaxed);
        let mut tried = Tried::default();
        for prober in self.probers {
            tried.probes.add(prober.join().expect("a prober does not panic")?);
        }
        for (read, reader) in self.readers {
            tried.reads.push((read, reader.join().expect("a reader does not panic")?));
        }
        Ok(tried)
    }

    /// Stops, and reports under a name.
    pub(super) fn end(self, name: &str, report: &mut Report) -> Result<()> {
        let tried = self.stop()?;
        report.add_latencies(&format!("{name}, propagation to queryable"), tried.probes);
        for (read, latencies) in tried.reads {
            report.add_latencies(&format!("{name}, {read}"), latencies);
        }
        Ok(())
    }
}

/// One event at a time, answered once it is applied.
fn probe(target: &Target, plan: &Plan, (seed, first): (u64, Instant), over: &AtomicBool) -> Result<Latencies> {
    let (mut wire, mut load, mut latencies) = (target.wire()?, Load::new(plan, seed, 1)?, Latencies::default());
    let mut due = first;
    while !over.load(Ordering::Relaxed) {
        let body = load.body(1);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let (status, answer) = wire.post("/v1/events?wait=true&timeout_ms=30000", &body)?;
        if status == 200 && taken(&answer) == 1 {
            latencies.note(due.elapsed());
        } else if status != 503 {
            bail!("a probe is answered {status}: {}", String::from_utf8_lossy(&answer));
        }
        due += PROBE_EVERY;
    }
    Ok(latencies)
}

fn read(target: &Target, path: Path, over: &AtomicBool) -> Result<Latencies> {
    let (mut wire, mut dice, mut latencies) = (target.wire()?, Dice::new(4), Latencies::default());
    while !over.load(Ordering::Relaxed) {
        let path = path(dice.below(READ_CUSTOMERS));
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
