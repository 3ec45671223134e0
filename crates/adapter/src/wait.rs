//! Waiting for the worker: until a place of the queue is applied, and what became of each event then.

use crate::reply::{EventResult, Status};
use cebe_catalog::Lane;
use cebe_central::engine_rows::Place;
use cebe_central::{Snapshot, StoreError};
use std::time::Duration;
use tokio::sync::watch;

/// Waits until the record at `place` is applied; false when the time ran out.
pub(crate) async fn until_applied(mut applied: watch::Receiver<[u64; 2]>, place: Place, timeout: Duration) -> bool {
    let lane = match place.lane {
        Lane::Live => 0,
        Lane::Backfill => 1,
    };
    let reached = applied.wait_for(|next| next[lane] > place.index);
    matches!(tokio::time::timeout(timeout, reached).await, Ok(Ok(_)))
}

/// Turns `accepted` into what became of each event, once the worker is past them. `first` is the place of result 0.
pub(crate) fn settle(results: &mut [EventResult], first: Place, store: &Snapshot) -> Result<(), StoreError> {
    for result in results {
        let Some(claim) = result.claim.as_ref().filter(|_| result.status == Status::Accepted) else { continue };
        let Some(seen) = store.seen(&claim.key)? else { continue };
        let own = Place { lane: first.lane, index: first.index + result.index as u64 };
        result.status = if seen.place == own {
            Status::Applied
        } else if seen.content == claim.content {
            Status::Duplicate
        } else {
            Status::Conflict
        };
    }
    Ok(())
}
