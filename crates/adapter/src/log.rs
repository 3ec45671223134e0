//! Where records go: one queue for everything, or in a cluster one for each shard of companies. The only place of the door
//! that knows which of the two it is.

use bytes::Bytes;
use cebe_catalog::{CompanyId, Lane, Shard};
use cebe_central::engine_rows::Place;
use cebe_queue::{AppendError, BoxFuture, Queue};
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;

/// One queue, and how far the worker behind it has come: the next index to apply, per lane (live, backfill).
#[derive(Clone)]
pub struct Branch {
    /// Where records are appended.
    pub queue: Arc<dyn Queue>,
    /// Told after every commit.
    pub applied: watch::Receiver<[u64; 2]>,
}

/// The queues of an installation. Cheap to clone.
#[derive(Clone)]
pub struct Log(Arc<[Branch]>);

/// Where a record landed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Landing {
    /// Which queue.
    pub branch: usize,
    /// Where in it.
    pub place: Place,
}

impl Landing {
    /// So many records further on in the same append.
    pub(crate) fn plus(self, records: u64) -> Self {
        Self { place: Place { index: self.place.index + records, ..self.place }, ..self }
    }
}

impl Log {
    /// One queue for everything.
    pub fn whole(queue: Arc<dyn Queue>, applied: watch::Receiver<[u64; 2]>) -> Self {
        Self([Branch { queue, applied }].into())
    }

    /// A queue for each of [`Shard::all`], in that order.
    pub fn sharded(branches: Vec<Branch>) -> Self {
        assert_eq!(branches.len(), Shard::all().len(), "there is a queue for every shard");
        Self(branches.into())
    }

    /// Is it more than one?
    pub fn is_sharded(&self) -> bool {
        self.0.len() > 1
    }

    /// The queue of a company; that of the installation for none.
    pub fn branch_of(&self, company: Option<&CompanyId>) -> usize {
        if self.is_sharded() { company.map_or(Shard::CONTROL, Shard::of).number().into() } else { 0 }
    }

    /// Every queue, by number.
    pub fn branches(&self) -> impl Iterator<Item = (usize, &Branch)> {
        self.0.iter().enumerate()
    }

    /// One queue.
    pub fn branch(&self, number: usize) -> &Branch {
        &self.0[number]
    }

    /// Hands records over at once; what it gives resolves to where the first landed, when all are durable.
    pub(crate) fn append(
        &self,
        branch: usize,
        lane: Lane,
        tag: Bytes,
        records: Vec<Bytes>,
    ) -> BoxFuture<Result<Landing, AppendError>> {
        let appended = self.0[branch].queue.append(queue_lane(lane), tag, records);
        Box::pin(async move {
            let index = appended.await?.first.0;
            Ok(Landing { branch, place: Place { lane, index } })
        })
    }

    /// Waits until the record that landed there is applied; false when the time ran out.
    pub(crate) async fn until_applied(&self, landing: Landing, timeout: Duration) -> bool {
        let lane = match landing.place.lane {
            Lane::Live => 0,
            Lane::Backfill => 1,
        };
        let mut applied = self.0[landing.branch].applied.clone();
        let reached = applied.wait_for(|next| next[lane] > landing.place.index);
        matches!(tokio::time::timeout(timeout, reached).await, Ok(Ok(_)))
    }

    /// Waits until everything that is in these lanes now is applied, each at most so long.
    pub(crate) async fn until_all_applied(&self, lanes: &[Lane], timeout: Duration) {
        for (branch, Branch { queue, .. }) in self.branches() {
            for &lane in lanes {
                if let Some(index) = queue.end(queue_lane(lane)).0.checked_sub(1) {
                    self.until_applied(Landing { branch, place: Place { lane, index } }, timeout).await;
                }
            }
        }
    }
}

/// The queue's name of a lane.
pub(crate) fn queue_lane(lane: Lane) -> cebe_queue::Lane {
    match lane {
        Lane::Live => cebe_queue::Lane::Live,
        Lane::Backfill => cebe_queue::Lane::Backfill,
    }
}
