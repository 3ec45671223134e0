//! The shards as a node sees them: each one's queue, how far it is applied (told by this node's own workers at once, by
//! the database for the others'), and so how fresh answers are.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use cebe_adapter::{Branch, Log};
use cebe_catalog::{Micros, Shard};
use cebe_central::StoreError;
use cebe_central::postgres::{LeaseRow, Leases, NodeRow};
use cebe_engine::rows::Place;
use cebe_queue::{JetStream, JetStreamError, Lane, Queue};
use cebe_retriever::Freshness;
use tokio::sync::watch;

use crate::serve::applier::Told;
use crate::serve::lag::Lag;

/// All shards.
pub(crate) struct Shards {
    each: Vec<One>,
    clock: Arc<dyn Fn() -> Micros + Send + Sync>,
    seen: Mutex<Option<Seen>>,
}

/// One shard.
struct One {
    queue: Arc<dyn Queue>,
    told: Told,
    live: Lag,
    backfill: Lag,
}

/// What the database said last.
#[derive(Clone)]
pub(crate) struct Seen {
    /// Leases, by shard.
    pub(crate) leases: Vec<LeaseRow>,
    /// Nodes, by name.
    pub(crate) nodes: Vec<NodeRow>,
    /// When.
    pub(crate) at: Instant,
}

impl Shards {
    /// Opens the queue of every shard.
    pub(super) fn open(
        queue: &JetStream,
        clock: &Arc<dyn Fn() -> Micros + Send + Sync>,
    ) -> Result<Self, JetStreamError> {
        let one = |shard: Shard| {
            let queue: Arc<dyn Queue> = Arc::new(queue.shard(&shard.to_string())?);
            let told: Told = Arc::new(watch::channel([0, 0]).0);
            let lag = |lane| Lag::from_now(lane, Arc::clone(&queue), told.subscribe(), Arc::clone(clock));
            Ok(One { live: lag(Lane::Live), backfill: lag(Lane::Backfill), queue: Arc::clone(&queue), told })
        };
        let each = Shard::all().map(one).collect::<Result<_, _>>()?;
        Ok(Self { each, clock: Arc::clone(clock), seen: Mutex::default() })
    }

    /// Where a door appends.
    pub(super) fn log(&self) -> Log {
        let branch = |one: &One| Branch { queue: Arc::clone(&one.queue), applied: one.told.subscribe() };
        Log::sharded(self.each.iter().map(branch).collect())
    }

    fn one(&self, shard: Shard) -> &One {
        &self.each[usize::from(shard.number())]
    }

    /// The queue of a shard.
    pub(super) fn queue(&self, shard: Shard) -> &Arc<dyn Queue> {
        &self.one(shard).queue
    }

    /// Where a shard's worker tells how far it is.
    pub(super) fn told(&self, shard: Shard) -> Told {
        Arc::clone(&self.one(shard).told)
    }

    /// Asks the database who holds what and how far each shard is.
    pub(super) fn look(&self, leases: &Leases) -> Result<(), StoreError> {
        let seen = Seen { leases: leases.list()?, nodes: leases.nodes()?, at: Instant::now() };
        for row in &seen.leases {
            let positions = [row.live_position.unwrap_or(0), row.backfill_position.unwrap_or(0)];
            crate::serve::applier::raise(&self.one(row.shard).told, positions);
        }
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        Ok(())
    }

    /// What the database said last.
    pub(crate) fn seen(&self) -> Option<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How fresh answers are: as the shard that is furthest behind. Before the database was heard, nothing is known.
    pub(super) fn freshness(&self, lane: Lane) -> Freshness {
        if self.seen().is_none() {
            let now = (self.clock)();
            return Freshness { as_of: Micros(0), lag_ms: now.millis_since(Micros(0)), stale: true };
        }
        let of = |one: &One| one.lag(lane).freshness();
        let worst = self.each.iter().map(of).max_by_key(|freshness| freshness.lag_ms);
        worst.expect("there are shards")
    }

    /// How far behind one shard is, in milliseconds of its live lane.
    pub(crate) fn lag_ms(&self, shard: Shard) -> i64 {
        self.one(shard).live.freshness().lag_ms
    }

    /// Queues with the positions the database last said.
    pub(super) fn applied(&self, leases: &[LeaseRow]) -> Vec<cebe_worker::Applied> {
        let applied = |row: &LeaseRow| cebe_worker::Applied {
            queue: Arc::clone(self.queue(row.shard)),
            positions: positions(row),
        };
        leases.iter().map(applied).collect()
    }

    /// What all queues say of themselves, taken together.
    pub(super) fn facts(&self) -> cebe_queue::QueueFacts {
        let mut all = self.each[0].queue.facts();
        for one in &self.each[1..] {
            let facts = one.queue.facts();
            for lane in Lane::ALL {
                all.lanes[lane].end.0 = all.lanes[lane].end.0.max(facts.lanes[lane].end.0);
                all.lanes[lane].appends += facts.lanes[lane].appends;
            }
        }
        all
    }

    /// Whether records can be stored at all.
    pub(super) fn is_open(&self) -> bool {
        !self.each[0].queue.facts().stopped
    }

    /// The largest position applied, by lane: beside the end of the lane's stream it shows what waits.
    pub(super) fn applied_max(&self) -> [u64; 2] {
        self.each
            .iter()
            .map(|one| *one.told.borrow())
            .fold([0, 0], |most, next| [most[0].max(next[0]), most[1].max(next[1])])
    }
}

impl One {
    fn lag(&self, lane: Lane) -> &Lag {
        match lane {
            Lane::Live => &self.live,
            Lane::Backfill => &self.backfill,
        }
    }
}

/// Where a shard stands, as a worker would say.
pub(super) fn positions(row: &LeaseRow) -> Vec<Place> {
    let place = |lane, index: Option<u64>| index.map(|index| Place { lane, index });
    let both = [
        place(cebe_catalog::Lane::Live, row.live_position),
        place(cebe_catalog::Lane::Backfill, row.backfill_position),
    ];
    both.into_iter().flatten().collect()
}

/// How long what the database said last may count as now.
pub(crate) const HEARD_MAX: Duration = Duration::from_secs(5);
