//! Holding shards: a thread that says that this node lives, takes its share of the leases, runs a worker for each shard it
//! holds, and gives shards back when it has too many or stops. A worker whose lease is lost can commit nothing more.

use std::collections::BTreeMap;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use cebe_catalog::{Definitions, Micros, Shard, limits};
use cebe_central::postgres::{Database, Lease, Leases, Turn};
use tokio::sync::watch;

use super::shards::Shards;
use crate::serve::applier::{Applier, Work};
use crate::serve::store;

/// A worker that failed goes on this soon at the latest: the database is back, or somebody else has the lease.
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// What holding shards takes.
pub(super) struct Holding {
    pub(super) leases: Leases,
    pub(super) lease: Duration,
    pub(super) database: Arc<Database>,
    pub(super) shards: Arc<Shards>,
    pub(super) definitions: Arc<Definitions>,
    pub(super) clock: Arc<dyn Fn() -> Micros + Send + Sync>,
    pub(super) held: Arc<Held>,
}

/// The shards this node holds.
pub(super) struct Held {
    shards: Mutex<BTreeMap<Shard, (Lease, Applier)>>,
    /// Whether it holds the one of the installation, which does what is done once.
    leads: watch::Sender<bool>,
}

impl Default for Held {
    fn default() -> Self {
        Self { shards: Mutex::default(), leads: watch::channel(false).0 }
    }
}

impl Held {
    fn with<T>(&self, see: impl FnOnce(&mut BTreeMap<Shard, (Lease, Applier)>) -> T) -> T {
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = see(&mut shards);
        self.leads.send_if_modified(|leads| std::mem::replace(leads, shards.contains_key(&Shard::CONTROL)) != *leads);
        seen
    }

    /// Which.
    pub(super) fn shards(&self) -> Vec<Shard> {
        self.with(|held| held.keys().copied().collect())
    }

    /// Every worker runs.
    pub(super) fn is_alive(&self) -> bool {
        self.with(|held| held.values().all(|(_, applier)| applier.is_alive()))
    }

    /// Tells when this node leads and when it does no longer.
    pub(super) fn leads(&self) -> watch::Receiver<bool> {
        self.leads.subscribe()
    }

    fn leases(&self) -> Vec<Lease> {
        self.with(|held| held.values().map(|(lease, _)| *lease).collect())
    }

    /// Asks the workers of these leases to end, and gives them.
    fn end(&self, leases: &[Lease]) -> Vec<Applier> {
        let ended = self.with(|held| {
            let ours = |lease: &&Lease| held.get(&lease.shard).is_some_and(|(own, _)| own == *lease);
            let shards: Vec<Shard> = leases.iter().filter(ours).map(|lease| lease.shard).collect();
            shards.iter().filter_map(|shard| held.remove(shard)).map(|(_, applier)| applier).collect::<Vec<_>>()
        });
        ended.iter().for_each(Applier::ask_to_stop);
        ended
    }
}

/// The running thread.
pub(super) struct Running {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Running {
    /// Gives every shard back, once its worker has finished what it was committing.
    pub(super) fn stop(self) {
        // An error means that the thread is gone already.
        let _ = self.stop.send(());
        if self.thread.join().is_err() {
            tracing::error!("holding shards ended in a panic");
        }
    }
}

impl Holding {
    /// Starts the thread.
    pub(super) fn start(self) -> Result<Running> {
        let (stop, stopped) = channel();
        let run = move || {
            loop {
                self.turn();
                match stopped.recv_timeout(self.lease / 3) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return self.leave(),
                }
            }
        };
        let thread = thread::Builder::new().name("leases".to_owned()).spawn(run).context("cannot hold shards")?;
        Ok(Running { stop, thread })
    }

    fn turn(&self) {
        match self.leases.turn(&self.held.leases()) {
            Ok(turn) => self.follow(&turn),
            // Who has which shard is not known; commits fail until it is.
            Err(error) => tracing::warn!(%error, "the leases cannot be renewed"),
        }
    }

    fn follow(&self, turn: &Turn) {
        if !turn.lost.is_empty() {
            tracing::warn!(shards = %named(&turn.lost), "other nodes have these shards by now");
            // They can commit nothing more, so nobody waits for them.
            self.held.end(&turn.lost);
        }
        if !turn.surplus.is_empty() {
            self.give(turn.surplus.clone());
        }
        if !turn.taken.is_empty() {
            tracing::info!(shards = %named(&turn.taken), "took shards");
        }
        for lease in &turn.taken {
            match self.work(*lease) {
                Ok(applier) => {
                    let former = self.held.with(|held| held.insert(lease.shard, (*lease, applier)));
                    former.iter().for_each(|(_, applier)| applier.ask_to_stop());
                }
                Err(error) => tracing::error!(shard = %lease.shard, %error, "a worker cannot be started"),
            }
        }
    }

    /// Gives leases back once their workers have come to rest; the others are renewed meanwhile.
    fn give(&self, surplus: Vec<Lease>) {
        let (ended, leases) = (self.held.end(&surplus), self.leases.clone());
        thread::spawn(move || {
            ended.into_iter().for_each(Applier::stop);
            match leases.release(&surplus) {
                Ok(()) => tracing::info!(shards = %named(&surplus), "gave shards away"),
                Err(error) => tracing::warn!(%error, "shards cannot be given away; their leases will end"),
            }
        });
    }

    fn work(&self, lease: Lease) -> Result<Applier> {
        let (database, queue) = (Arc::clone(&self.database), Arc::clone(self.shards.queue(lease.shard)));
        let open = move || {
            let central = database.shard(&lease)?;
            let positions = central.snapshot()?.positions()?;
            store::no_gap(&*queue, &positions).map_err(|gap| anyhow::anyhow!("shard {}: {gap}", lease.shard))?;
            Ok(central)
        };
        Applier::start(Work {
            name: format!("worker-{}", lease.shard),
            queue: Arc::clone(self.shards.queue(lease.shard)),
            open: Arc::new(open),
            definitions: Arc::clone(&self.definitions),
            clock: Arc::clone(&self.clock),
            told: self.shards.told(lease.shard),
            pause_max: PAUSE_MAX,
            // Shards are stepped side by side already.
            step_threads: 1,
            rows_bytes_max: limits::ROWS_BYTES_MAX / u64::from(Shard::COMPANY_SHARDS),
        })
    }

    fn leave(&self) {
        let leases = self.held.leases();
        self.held.end(&leases).into_iter().for_each(Applier::stop);
        if let Err(error) = self.leases.leave(&leases) {
            tracing::warn!(%error, "the database was not told that this node stops; its leases will end");
        }
    }
}

fn named(leases: &[Lease]) -> String {
    leases.iter().map(|lease| lease.shard.to_string()).collect::<Vec<_>>().join(" ")
}
