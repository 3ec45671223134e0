//! The worker on a thread of its own. When it fails it is started again from what the store holds, ever more slowly; the
//! door goes on taking events meanwhile, and readiness says that nothing is applied.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use cebe_catalog::{Definitions, Micros};
use cebe_central::{Central, OpenError, StoreError};
use cebe_queue::Queue;
use cebe_worker::refused::{self, is_refused};
use cebe_worker::{Positions, Worker, WorkerError, WorkerSettings};
use tokio::sync::watch;

use super::store::{disk_failed, has_room};

const PAUSE_FIRST: Duration = Duration::from_millis(500);
/// The longest, where nothing else is known.
pub(crate) const PAUSE_MAX: Duration = Duration::from_secs(30);
/// A commit that the store refused so often is looked through for the record that it refuses.
const REFUSALS_MAX: u32 = 3;
/// How often a pausing worker looks whether it is to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Where a worker tells the next index that is not applied yet, live and backfill.
pub(crate) type Told = Arc<watch::Sender<[u64; 2]>>;

/// Opens where changes go; asked again whenever the worker starts again.
pub(crate) type Open = Arc<dyn Fn() -> Result<Arc<dyn Central>> + Send + Sync>;

/// What the worker works on.
pub(crate) struct Work {
    /// The name of its thread.
    pub(crate) name: String,
    /// Where records come from.
    pub(crate) queue: Arc<dyn Queue>,
    /// Where changes go.
    pub(crate) open: Open,
    /// Where it tells how far it is.
    pub(crate) told: Told,
    /// Longest pause before it is started again.
    pub(crate) pause_max: Duration,
    /// On how many threads it steps.
    pub(crate) step_threads: usize,
    /// How many bytes of rows it keeps in memory.
    pub(crate) rows_bytes_max: u64,
    /// What events mean.
    pub(crate) definitions: Arc<Definitions>,
    /// The wall clock.
    pub(crate) clock: Arc<dyn Fn() -> Micros + Send + Sync>,
}

/// A running worker.
pub(crate) struct Applier {
    applied: watch::Receiver<[u64; 2]>,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    stop: AtomicBool,
    alive: AtomicBool,
}

impl Applier {
    /// Starts the thread.
    pub(crate) fn start(work: Work) -> Result<Self> {
        let (applied, state) = (work.told.subscribe(), Arc::new(State::default()));
        let (shared, name) = (Arc::clone(&state), work.name.clone());
        let run = move || run_until_stopped(&work, &shared);
        let thread = thread::Builder::new().name(name).spawn(run).context("cannot start the worker")?;
        Ok(Self { applied, state, thread: Some(thread) })
    }

    /// The next index that is not applied yet, live and backfill.
    pub(crate) fn applied(&self) -> watch::Receiver<[u64; 2]> {
        self.applied.clone()
    }

    /// Tells whether the loop is running, from any thread.
    pub(crate) fn liveness(&self) -> impl Fn() -> bool + Send + Sync + 'static {
        let state = Arc::clone(&self.state);
        move || state.alive.load(Ordering::Relaxed)
    }

    /// Whether the loop is running.
    pub(crate) fn is_alive(&self) -> bool {
        self.state.alive.load(Ordering::Relaxed)
    }

    /// From now on nothing new is begun.
    pub(crate) fn ask_to_stop(&self) {
        self.state.stop.store(true, Ordering::Relaxed);
    }

    /// Finishes the commit under way and ends.
    pub(crate) fn stop(mut self) {
        self.ask_to_stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the worker ended in a panic");
        }
    }
}

/// Tells how far a worker is; what was told before and is further on stays.
pub(crate) fn raise(told: &watch::Sender<[u64; 2]>, to: [u64; 2]) {
    told.send_if_modified(|known| {
        let further = [known[0].max(to[0]), known[1].max(to[1])];
        std::mem::replace(known, further) != further
    });
}

fn run_until_stopped(work: &Work, state: &State) {
    let (mut pause, mut refusals) = (PAUSE_FIRST, 0);
    while !state.stop.load(Ordering::Relaxed) {
        let run = catch_unwind(AssertUnwindSafe(|| run_once(work, state)));
        state.alive.store(false, Ordering::Relaxed);
        match run {
            Ok(Ok(())) => return,
            Ok(Err(error)) if is_lost(&error) => {
                // Whoever gave the lease learns of it too; nothing more can be written under it.
                tracing::warn!(worker = work.name, "another worker has the shard; this one ends");
                return;
            }
            Ok(Err(error)) => {
                tracing::error!(worker = work.name, %error, "the worker stopped; it is started again");
                refusals = if error.downcast_ref().is_some_and(is_refused) { refusals + 1 } else { 0 };
                if refusals >= REFUSALS_MAX && set_aside(work) {
                    (pause, refusals) = (PAUSE_FIRST, 0);
                    continue;
                }
                // Only a new process opens the store again.
                if error.downcast_ref().is_some_and(WorkerError::is_lasting) && has_room(&*work.queue) {
                    disk_failed();
                }
            }
            Err(_) => tracing::error!(worker = work.name, "the worker panicked; it is started again"),
        }
        metrics::counter!("cebe_worker_restarts_total").increment(1);
        let until = Instant::now() + pause;
        while Instant::now() < until && !state.stop.load(Ordering::Relaxed) {
            thread::sleep(LOOK_EVERY);
        }
        pause = (pause * 2).min(work.pause_max);
    }
}

/// Is the right to write gone?
fn is_lost(error: &anyhow::Error) -> bool {
    let lost = |error: &StoreError| matches!(error, StoreError::LeaseLost { .. });
    let opening = matches!(error.downcast_ref(), Some(OpenError::Store(error)) if lost(error));
    opening
        || matches!(error.downcast_ref(), Some(WorkerError::Store(error)) if lost(error))
        || error.downcast_ref().is_some_and(lost)
}

/// Whether a record was found that the store refuses, and is out of the way.
fn set_aside(work: &Work) -> bool {
    match catch_unwind(AssertUnwindSafe(|| refused::set_aside(&work.queue, |queue| worker(work, queue)))) {
        Ok(Ok(place)) => place.is_some(),
        Ok(Err(error)) => {
            tracing::error!(worker = work.name, %error, "what the store refuses is not out of the way yet");
            false
        }
        Err(_) => false,
    }
}

fn worker(work: &Work, queue: Arc<dyn Queue>) -> Result<Worker> {
    let told = Arc::clone(&work.told);
    let applied = move |positions: Positions| raise(&told, [positions.live.0, positions.backfill.0]);
    let settings = WorkerSettings::new(Arc::clone(&work.clock), Arc::new(applied));
    let settings = WorkerSettings { step_threads: work.step_threads, rows_bytes_max: work.rows_bytes_max, ..settings };
    Ok(Worker::new(queue, (work.open)()?, Arc::clone(&work.definitions), settings)?)
}

fn run_once(work: &Work, state: &State) -> Result<()> {
    let mut worker = worker(work, Arc::clone(&work.queue))?;
    state.alive.store(true, Ordering::Relaxed);
    Ok(worker.run(&state.stop)?)
}
