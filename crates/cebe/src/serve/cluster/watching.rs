//! What a node of a cluster does without being asked: looking at the database (who holds what, how far is each shard, have
//! settings changed), measuring, and for the shards it holds telling them that time passes and letting their queues forget.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use cebe_adapter::Desk;
use cebe_catalog::{Micros, Record};
use cebe_central::Central;
use cebe_central::postgres::Leases;
use cebe_queue::{Lane, PerLane, Position};
use tokio::runtime::Handle;

use super::holding::Held;
use super::shards::{Shards, positions};
use crate::serve::store::queue_lane;
use crate::serve::telemetry::{Look, Telemetry};

/// How often the database is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often settings are looked at.
const REFRESH_EVERY: Duration = Duration::from_millis(250);
/// How often the queues of held shards are trimmed.
const TRIM_EVERY: Duration = Duration::from_secs(30);

/// What watching takes.
pub(super) struct Watching {
    pub(super) leases: Leases,
    pub(super) shards: Arc<Shards>,
    pub(super) held: Arc<Held>,
    pub(super) central: Arc<dyn Central>,
    pub(super) desk: Desk,
    pub(super) telemetry: Telemetry,
    pub(super) clock: Arc<dyn Fn() -> Micros + Send + Sync>,
    pub(super) tick_every: Duration,
    pub(super) runtime: Handle,
}

/// The running threads.
pub(super) struct Running {
    stops: Vec<Sender<()>>,
    threads: Vec<JoinHandle<()>>,
}

impl Running {
    /// Ends the threads.
    pub(super) fn stop(self) {
        // An error means that the thread is gone already.
        self.stops.iter().for_each(|stop| stop.send(()).unwrap_or_default());
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("watching ended in a panic");
            }
        }
    }
}

fn every(name: &str, pause: Duration, mut work: impl FnMut() + Send + 'static) -> Result<(Sender<()>, JoinHandle<()>)> {
    let (stop, stopped) = channel();
    let run = move || {
        while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            work();
        }
    };
    let thread = thread::Builder::new().name(name.to_owned()).spawn(run).context("cannot start watching")?;
    Ok((stop, thread))
}

impl Watching {
    /// Starts the threads.
    pub(super) fn start(self) -> Result<Running> {
        let desk = self.desk.clone();
        let mut due = Due::default();
        let started = [
            every("settings", REFRESH_EVERY, move || desk.refresh())?,
            every("shards", LOOK_EVERY, move || self.look(&mut due))?,
        ];
        let (stops, threads) = started.into_iter().unzip();
        Ok(Running { stops, threads })
    }

    fn look(&self, due: &mut Due) {
        match self.shards.look(&self.leases) {
            Ok(()) => due.away = false,
            Err(error) if !std::mem::replace(&mut due.away, true) => {
                tracing::warn!(%error, "the database is away; events are taken and wait in the queue");
            }
            Err(_) => {}
        }
        if Due::is(&mut due.measured, Duration::from_secs(1)) {
            self.telemetry.measure(&self.seen(due.away));
        }
        if Due::is(&mut due.trimmed, TRIM_EVERY) {
            self.trim();
        }
        self.tick(due);
    }

    fn seen(&self, is_away: bool) -> Look {
        let [live, backfill] = self.shards.applied_max();
        Look {
            queue: self.shards.facts(),
            central: if is_away { Default::default() } else { self.central.facts() },
            applied: PerLane { live, backfill },
            lag_ms: PerLane::from_fn(|lane: Lane| self.shards.freshness(lane).lag_ms),
            worker_alive: self.held.is_alive(),
        }
    }

    fn trim(&self) {
        let (held, Some(seen)) = (self.held.shards(), self.shards.seen()) else { return };
        for row in seen.leases.iter().filter(|row| held.contains(&row.shard)) {
            for place in positions(row) {
                let queue = self.shards.queue(row.shard);
                if let Err(error) = queue.trim(queue_lane(place.lane), Position(place.index)) {
                    tracing::warn!(shard = %row.shard, %error, "old parts of the queue stay for now");
                }
            }
        }
    }

    /// Tells shards that time passes, each when it was taken and then as often as the settings say.
    fn tick(&self, due: &mut Due) {
        let held = self.held.shards();
        due.ticked.retain(|(shard, at)| held.contains(shard) && at.elapsed() < self.tick_every);
        for shard in held {
            if due.ticked.iter().any(|(ticked, _)| *ticked == shard) {
                continue;
            }
            due.ticked.push((shard, Instant::now()));
            let record = Bytes::from(Record::Tick((self.clock)()).to_bytes());
            let appended = self.shards.queue(shard).append(Lane::Live, Bytes::new(), vec![record]);
            self.runtime.spawn(async move {
                if let Err(error) = appended.await {
                    tracing::warn!(%error, "a tick could not be stored; the next one will do");
                }
            });
        }
    }
}

/// What is due when.
#[derive(Default)]
struct Due {
    measured: Option<Instant>,
    trimmed: Option<Instant>,
    ticked: Vec<(cebe_catalog::Shard, Instant)>,
    away: bool,
}

impl Due {
    fn is(last: &mut Option<Instant>, pause: Duration) -> bool {
        let is_due = last.is_none_or(|at| at.elapsed() >= pause);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}
