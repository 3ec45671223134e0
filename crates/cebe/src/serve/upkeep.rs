//! What has to happen without anybody asking: making commits durable and letting the queue forget what is safe, telling
//! the queue that time passes, and keeping the measurements small.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use bytes::Bytes;
use cebe_catalog::{Micros, Record};
use cebe_central::Central;
use cebe_queue::{Lane, PerLane, Queue};
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::lag::Lag;
use super::store::{disk_failed, has_room};
use super::telemetry::{Look, Telemetry};
use crate::settings::Settings;

/// Unpersisted bytes of the queue that make the next persist due at once.
const PERSIST_BYTES: u64 = 64 * 1024 * 1024;
/// How often it is looked whether something is due.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What upkeep works on.
pub(crate) struct Upkeep {
    /// The log.
    pub(crate) queue: Arc<dyn Queue>,
    /// The Central DB.
    pub(crate) central: Arc<dyn Central>,
    /// How far behind the store is, by lane.
    pub(crate) lags: PerLane<Arc<Lag>>,
    /// The next index to apply, live and backfill.
    pub(crate) applied: watch::Receiver<[u64; 2]>,
    /// Whether the worker runs.
    pub(crate) worker_alive: Arc<dyn Fn() -> bool + Send + Sync>,
    /// The measurements.
    pub(crate) telemetry: Telemetry,
    /// The wall clock.
    pub(crate) clock: Arc<dyn Fn() -> Micros + Send + Sync>,
    /// Where ticks are appended from.
    pub(crate) runtime: Handle,
}

/// The running thread.
pub(crate) struct Running {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Running {
    /// Ends the thread; what is committed is made durable last.
    pub(crate) fn stop(self) {
        // An error means that the thread is gone already.
        let _ = self.stop.send(());
        if self.thread.join().is_err() {
            tracing::error!("upkeep ended in a panic");
        }
    }
}

impl Upkeep {
    /// Starts the thread.
    pub(crate) fn start(self, settings: &Settings) -> Result<Running> {
        let (stop, stopped) = channel();
        let mut due = Due::new(settings);
        let run = move || {
            loop {
                match stopped.recv_timeout(LOOK_EVERY) {
                    Err(RecvTimeoutError::Timeout) => self.look(&mut due),
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return self.persist(),
                }
            }
        };
        let thread = thread::Builder::new().name("upkeep".to_owned()).spawn(run).context("cannot start upkeep")?;
        Ok(Running { stop, thread })
    }

    fn look(&self, due: &mut Due) {
        let lag_ms = PerLane::from_fn(|lane| self.lags[lane].freshness().lag_ms);
        if due.persist(self.central.facts().commits, self.queued_bytes()) {
            self.persist();
        }
        if due.tick() {
            self.tick();
        }
        if due.measure() {
            self.telemetry.measure(&self.seen(lag_ms));
        }
    }

    fn seen(&self, lag_ms: PerLane<i64>) -> Look {
        let [live, backfill] = *self.applied.borrow();
        Look {
            queue: self.queue.facts(),
            central: self.central.facts(),
            applied: PerLane { live, backfill },
            lag_ms,
            worker_alive: (self.worker_alive)(),
        }
    }

    fn queued_bytes(&self) -> u64 {
        let facts = self.queue.facts();
        facts.lanes.live.bytes + facts.lanes.backfill.bytes
    }

    fn persist(&self) {
        let started = Instant::now();
        match cebe_worker::persist(self.central.as_ref(), self.queue.as_ref()) {
            Ok(untrimmed) => {
                metrics::histogram!("cebe_persist_seconds").record(started.elapsed().as_secs_f64());
                for error in untrimmed {
                    tracing::warn!(%error, "old parts of the queue stay for now");
                }
            }
            Err(error) => {
                metrics::counter!("cebe_persist_failures_total").increment(1);
                tracing::error!(%error, "the Central DB cannot be made durable; the queue keeps everything");
                if has_room(&*self.queue) {
                    disk_failed();
                }
            }
        }
    }

    fn tick(&self) {
        let record = Bytes::from(Record::Tick((self.clock)()).to_bytes());
        let appended = self.queue.append(Lane::Live, Bytes::new(), vec![record]);
        self.runtime.spawn(async move {
            if let Err(error) = appended.await {
                tracing::warn!(%error, "a tick could not be stored; the next one will do");
            }
        });
    }
}

/// What is due when.
struct Due {
    persist_every: Duration,
    persisted: (Instant, u64, u64),
    tick_every: Duration,
    ticked: Option<Instant>,
    measured: Option<Instant>,
}

impl Due {
    fn new(settings: &Settings) -> Self {
        Self {
            persist_every: Duration::from_millis(settings.persist_every_ms),
            persisted: (Instant::now(), 0, 0),
            tick_every: Duration::from_secs(settings.tick_every_s.max(1)),
            ticked: None,
            measured: None,
        }
    }

    fn persist(&mut self, commits: u64, queued_bytes: u64) -> bool {
        let (at, commits_then, bytes_then) = self.persisted;
        let is_much = queued_bytes.saturating_sub(bytes_then) >= PERSIST_BYTES;
        let is_due = commits != commits_then && (is_much || at.elapsed() >= self.persist_every);
        if is_due {
            self.persisted = (Instant::now(), commits, queued_bytes);
        }
        is_due
    }

    fn tick(&mut self) -> bool {
        Self::every(&mut self.ticked, self.tick_every)
    }

    fn measure(&mut self) -> bool {
        Self::every(&mut self.measured, Duration::from_secs(1))
    }

    fn every(last: &mut Option<Instant>, pause: Duration) -> bool {
        let is_due = last.is_none_or(|at| at.elapsed() >= pause);
        if is_due {
            *last = Some(Instant::now());
        }
        is_due
    }
}
