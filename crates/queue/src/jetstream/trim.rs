//! Forgetting what is persisted downstream: first it is written down how far, then the messages go. So a reader that comes
//! too late learns that something is missing, whichever process trimmed.

use std::sync::Arc;

use async_nats::datetime;
use async_nats::jetstream::consumer::DeliverPolicy;

use super::core::{Core, ShardState};
use super::frame::{first_of, sequence_of};
use super::pull::{From, Pull};
use crate::error::TrimError;
use crate::port::{Lane, Position};

const NANOS_PER_MS: i128 = 1_000_000;

/// Forgets what lies below `below` and is old enough.
pub(super) async fn trim(
    core: Arc<Core>,
    state: Arc<ShardState>,
    lane: Lane,
    below: Position,
) -> Result<Position, TrimError> {
    if let Some(reason) = core.stopped() {
        return Err(core.untrimmed(lane, reason.to_string()));
    }
    let end = state.ends.get(lane);
    let bound = if below >= end { end } else { first_of(sequence_of(below)) };
    let keep = match first_young(&core, &state, lane).await.map_err(|detail| core.untrimmed(lane, detail))? {
        Some(young) => bound.min(first_of(young)),
        None => bound,
    };
    if keep > state.floor(lane) {
        forget(&core, &state, lane, keep).await.map_err(|detail| core.untrimmed(lane, detail))?;
    }
    Ok(state.floor(lane))
}

/// The sequence of the first message that is too young to be forgotten.
async fn first_young(core: &Core, state: &ShardState, lane: Lane) -> Result<Option<u64>, String> {
    // A message as old as the bound may go; the first one after it stays.
    let older_than_ms = (core.clock)().saturating_sub(core.settings.trim_age_ms);
    let start = i128::from(older_than_ms) * NANOS_PER_MS + 1;
    let start_time = datetime::from_nanos(start).map_err(|error| error.to_string())?;
    let from = From {
        stream: core.lanes[lane].stream(),
        subject: core.names.subject(lane, &state.name),
        deliver: DeliverPolicy::ByStartTime { start_time },
        heads_only: true,
    };
    let mut pull = Pull::open(from).await.map_err(|fault| fault.0)?;
    let first = pull.fetch(1, usize::MAX >> 33).await.map_err(|fault| fault.0)?;
    Ok(first.first().map(|pulled| pulled.sequence))
}

async fn forget(core: &Core, state: &ShardState, lane: Lane, keep: Position) -> Result<(), String> {
    let floor = core.names.floor(lane, &state.name);
    let written = core.context.publish(floor, keep.0.to_string().into()).await.map_err(|error| error.to_string())?;
    written.await.map_err(|error| error.to_string())?;
    state.raise_floor(lane, keep);
    let subject = core.names.subject(lane, &state.name);
    // Below the first sequence whose frame is not wholly forgotten.
    let sequence = sequence_of(keep) + u64::from(first_of(sequence_of(keep)) < keep);
    let purged = core.lanes[lane].stream().purge().filter(subject).sequence(sequence).await;
    purged.map(drop).map_err(|error| error.to_string())
}
