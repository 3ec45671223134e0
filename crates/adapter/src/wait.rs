//! What became of each event once the worker is past it.

use crate::{
    log::Landing,
    reply::{EventResult, Status},
};
use cebe_central::engine_rows::Place;
use cebe_central::{Snapshot, StoreError};

/// The events of one append: where the first landed, and which result each of them has.
pub(crate) struct Delivered {
    pub(crate) first: Landing,
    pub(crate) results: Vec<usize>,
}

/// Turns `accepted` into what became of each event.
pub(crate) fn settle(results: &mut [EventResult], delivered: &[Delivered], store: &Snapshot) -> Result<(), StoreError> {
    for Delivered { first, results: indexes } in delivered {
        for (offset, index) in (0..).zip(indexes) {
            settle_one(&mut results[*index], first.plus(offset).place, store)?;
        }
    }
    Ok(())
}

fn settle_one(result: &mut EventResult, own: Place, store: &Snapshot) -> Result<(), StoreError> {
    let Some(claim) = result.claim.as_ref().filter(|_| result.status == Status::Accepted) else { return Ok(()) };
    let Some(seen) = store.seen(&claim.key)? else { return Ok(()) };
    result.status = if seen.place == own {
        Status::Applied
    } else if seen.content == claim.content {
        Status::Duplicate
    } else {
        Status::Conflict
    };
    Ok(())
}
