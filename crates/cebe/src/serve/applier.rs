//! The worker on a thread of its own. When it fails it is started again from what the store holds, ever more slowly; the
//! door goes on taking events meanwhile, and readiness says that nothing is applied.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use cebe_catalog::{Definitions, Micros};
use cebe_central::Central;
use cebe_queue::Queue;
use cebe_worker::{Positions, Worker, WorkerSettings};
use tokio::sync::watch;

use super::store::{disk_failed, has_room};

const PAUSE_FIRST: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// What the worker works on.
#[derive(Clone)]
pub(crate) struct Work {
    /// Where records come from.
    pub(crate) queue: Arc<dyn Queue>,
    /// Where changes go.
    pub(crate) central: Arc<dyn Central>,
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
        let (tell, applied) = watch::channel([0, 0]);
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        let run = move || run_until_stopped(&work, &Arc::new(tell), &shared);
        let thread = thread::Builder::new().name("worker".to_owned()).spawn(run).context("cannot start the worker")?;
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

    /// Finishes the commit under way and ends.
    pub(crate) fn stop(mut self) {
        self.state.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the worker ended in a panic");
        }
    }
}

fn run_until_stopped(work: &Work, tell: &Arc<watch::Sender<[u64; 2]>>, state: &State) {
    let mut pause = PAUSE_FIRST;
    while !state.stop.load(Ordering::Relaxed) {
        let run = catch_unwind(AssertUnwindSafe(|| run_once(work, tell, state)));
        state.alive.store(false, Ordering::Relaxed);
        match run {
            Ok(Ok(())) => return,
            Ok(Err(error)) => {
                tracing::error!(%error, "the worker stopped; it is started again");
                // Only a new process opens the store again.
                if error.is_lasting() && has_room(&*work.queue) {
                    disk_failed();
                }
            }
            Err(_) => tracing::error!("the worker panicked; it is started again"),
        }
        metrics::counter!("cebe_worker_restarts_total").increment(1);
        thread::sleep(pause);
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

fn run_once(work: &Work, tell: &Arc<watch::Sender<[u64; 2]>>, state: &State) -> Result<(), cebe_worker::WorkerError> {
    let tell = Arc::clone(tell);
    let applied = move |positions: Positions| {
        tell.send_replace([positions.live.0, positions.backfill.0]);
    };
    let settings = WorkerSettings::new(Arc::clone(&work.clock), Arc::new(applied));
    let (queue, central) = (Arc::clone(&work.queue), Arc::clone(&work.central));
    let mut worker = Worker::new(queue, central, Arc::clone(&work.definitions), settings)?;
    state.alive.store(true, Ordering::Relaxed);
    worker.run(&state.stop)
}
