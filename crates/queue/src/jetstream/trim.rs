//! Forgetting what is persisted downstream: first it is written down how far, then the messages go. So a reader that comes
//! too late learns that something is missing, whichever process trimmed.

use std::sync::Arc;

use super::core::{Core, ShardState};
use super::frame::{Head, first_of, sequence_of};
use super::pull::{From, Pull, Pulled};
use crate::error::TrimError;
use crate::port::{Lane, Position};

const NANOS_PER_MS: i128 = 1_000_000;
/// Heads looked at first: as a rule the oldest is too young.
const FIRST_HEADS: usize = 16;
/// Most heads and bytes of one fetch; what is left is forgotten the next time.
const FETCH_HEADS_MAX: usize = 2_000;
const FETCH_BYTES_MAX: usize = 8 << 20;

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
    let keep = first_kept(&core, &state, lane, bound).await.map_err(|detail| core.untrimmed(lane, detail))?;
    if keep > state.floor(lane) {
        forget(&core, &state, lane, keep).await.map_err(|detail| core.untrimmed(lane, detail))?;
    }
    Ok(state.floor(lane))
}

/// The first position that must stay: that of the first frame which is too young, at most the bound. The heads are read
/// one by one: asked for the first message since an instant, a server that was killed before may say that there is none.
async fn first_kept(core: &Core, state: &ShardState, lane: Lane, bound: Position) -> Result<Position, String> {
    let mut at = core.refresh_floor(state, lane).await?;
    if at >= bound {
        return Ok(at);
    }
    let oldest_kept = i128::from((core.clock)().saturating_sub(core.settings.trim_age_ms)) * NANOS_PER_MS;
    let (stream, subject) = (core.lanes[lane].stream(), core.names.subject(lane, &state.name));
    let from = From { stream, subject, sequence: sequence_of(at), heads_only: true };
    let mut pull = Pull::open(from).await.map_err(|fault| fault.0)?;
    for heads_max in [FIRST_HEADS, FETCH_HEADS_MAX, FETCH_HEADS_MAX, FETCH_HEADS_MAX] {
        let pulled = pull.fetch(heads_max, FETCH_BYTES_MAX).await.map_err(|fault| fault.0)?;
        if pulled.is_empty() {
            break;
        }
        for Pulled { sequence, message } in pulled {
            let info = message.info().map_err(|error| error.to_string())?;
            let head = Head::parse(message.headers.as_ref()).map_err(|fault| fault.to_string())?;
            if info.published.unix_timestamp_nanos() > oldest_kept || first_of(sequence) >= bound {
                return Ok(at.min(bound));
            }
            at = head.frame(sequence).end();
        }
    }
    Ok(at.min(bound))
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
