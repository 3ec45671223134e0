//! The way out: readers that keep their place, so that reading on costs no search, and that fetch the next frames while the
//! last ones are being worked on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream::stream::LastRawMessageErrorKind;
use bytes::Bytes;
use tokio::task::JoinHandle;

use super::core::{Core, ShardState};
use super::frame::{FrameFault, Head, first_of, sequence_of};
use super::pull::{From, Pull, PullFault, Pulled};
use crate::error::ReadError;
use crate::limits::Taking;
use crate::port::{Frame, Lane, Position, ReadLimit};

/// How long a read goes on trying when the servers do not give what they have.
const READ_MAX: Duration = Duration::from_secs(15);
/// Between two tries.
const AGAIN_AFTER: Duration = Duration::from_millis(50);
/// Most frames and bytes of one fetch.
const FETCH_FRAMES_MAX: usize = 1_000;
const FETCH_BYTES_MAX: usize = 4 << 20;
/// What a message has beside its payload.
const BESIDE_PAYLOAD_BYTES: usize = 128 << 10;
/// Most heads of one fetch.
const FETCH_HEADS_MAX: usize = 2_000;

/// A frame that was fetched.
struct Stored {
    first: Position,
    records: Vec<Bytes>,
}

/// A fetch with what it gave.
type Fetched = (Option<Pull>, Result<Vec<Stored>, Fault>);

/// Why a fetch gave nothing.
enum Fault {
    /// Worth another try.
    Passing(String),
    /// A frame that does not check out.
    Damaged(u64, FrameFault),
}

impl std::convert::From<PullFault> for Fault {
    fn from(fault: PullFault) -> Fault {
        Fault::Passing(fault.0)
    }
}

/// A reader that stands somewhere in a lane.
pub(super) struct Cursor {
    next: Position,
    ready: VecDeque<Stored>,
    pull: Option<Pull>,
    ahead: Option<JoinHandle<Fetched>>,
}

impl Cursor {
    pub(super) fn at(next: Position) -> Cursor {
        Cursor { next, ready: VecDeque::new(), pull: None, ahead: None }
    }

    /// Where reading goes on.
    pub(super) fn next(&self) -> Position {
        self.next
    }

    /// Moves what is there into `taking`; false when something did not fit.
    fn drain(&mut self, taking: &mut Taking) -> bool {
        while let Some(frame) = self.ready.front() {
            let skipped = usize::try_from(self.next.0.saturating_sub(frame.first.0)).unwrap_or(usize::MAX);
            for (record, index) in frame.records.iter().zip(0..).skip(skipped) {
                let position = frame.first.plus(index);
                if !taking.take(position, record) {
                    return false;
                }
                self.next = position.plus(1);
            }
            self.ready.pop_front();
        }
        true
    }

    /// Fetches what comes next.
    async fn fetch(&mut self, core: &Arc<Core>, state: &ShardState, lane: Lane) -> Result<(), Fault> {
        let (pull, fetched) = match self.ahead.take() {
            Some(ahead) => ahead.await.unwrap_or_else(|e| (None, Err(Fault::Passing(e.to_string())))),
            None => fetch(core.clone(), self.pull.take(), lane, state.name.clone(), sequence_of(self.next)).await,
        };
        self.ready = fetched?.into();
        self.pull = pull;
        Ok(())
    }

    /// Begins to fetch what comes next.
    fn look_ahead(&mut self, core: &Arc<Core>, state: &ShardState, lane: Lane) {
        if self.ahead.is_none() && self.ready.is_empty() {
            let fetching = fetch(core.clone(), self.pull.take(), lane, state.name.clone(), sequence_of(self.next));
            self.ahead = Some(tokio::spawn(fetching));
        }
    }
}

async fn fetch(core: Arc<Core>, pull: Option<Pull>, lane: Lane, shard: String, sequence: u64) -> Fetched {
    let mut pull = match pull {
        Some(pull) => pull,
        None => match open(&core, lane, &shard, sequence, false).await {
            Ok(pull) => pull,
            Err(fault) => return (None, Err(fault.into())),
        },
    };
    let bytes_max = FETCH_BYTES_MAX.max(core.client.max_payload() + BESIDE_PAYLOAD_BYTES);
    match pull.fetch(FETCH_FRAMES_MAX, bytes_max).await {
        Ok(pulled) => (Some(pull), pulled.iter().map(|pulled| stored(&core, pulled)).collect()),
        Err(fault) => (None, Err(fault.into())),
    }
}

async fn open(core: &Core, lane: Lane, shard: &str, sequence: u64, heads_only: bool) -> Result<Pull, PullFault> {
    let (stream, subject) = (core.lanes[lane].stream(), core.names.subject(lane, shard));
    Pull::open(From { stream, subject, sequence, heads_only }).await
}

fn stored(core: &Core, pulled: &Pulled) -> Result<Stored, Fault> {
    let damaged = |fault| Fault::Damaged(pulled.sequence, fault);
    let head = Head::parse(pulled.message.headers.as_ref()).map_err(damaged)?;
    let records = head.records(&pulled.message.payload, core.seed).map_err(damaged)?;
    Ok(Stored { first: first_of(pulled.sequence), records })
}

/// Everything from `from` on, within the limit.
pub(super) async fn read(
    core: Arc<Core>,
    state: Arc<ShardState>,
    lane: Lane,
    from: Position,
    limit: ReadLimit,
) -> Result<Vec<(Position, Bytes)>, ReadError> {
    let end = core.end_from(&state, lane, from).await?;
    let mut taking = Taking::new(limit);
    if from >= end || !taking.has_room() {
        return Ok(taking.taken);
    }
    let (mut cursor, until) = (state.take_cursor(lane, from), Instant::now() + READ_MAX);
    while cursor.drain(&mut taking) && taking.has_room() && cursor.next < end {
        let at = cursor.next;
        match cursor.fetch(&core, &state, lane).await {
            Ok(()) => not_trimmed(&core, &state, lane, at, until).await?,
            Err(fault) => try_again(&core, lane, fault, until).await?,
        }
        if cursor.ready.is_empty() {
            // The server that keeps the consumer's place may be behind the stream's leader, and after a fault stay there: the
            // next try asks for a consumer anew, which may come to stand on another.
            cursor.pull = None;
            try_again(&core, lane, Fault::Passing("they do not send what they have".to_owned()), until).await?;
        }
    }
    if cursor.next < end {
        cursor.look_ahead(&core, &state, lane);
    }
    state.keep_cursor(lane, cursor);
    Ok(taking.taken)
}

/// Nothing from `at` on was trimmed; servers that elect may need a while to say so.
async fn not_trimmed(
    core: &Core,
    state: &ShardState,
    lane: Lane,
    at: Position,
    until: Instant,
) -> Result<(), ReadError> {
    loop {
        match core.check_floor(state, lane, at).await {
            Err(ReadError::Unanswered { .. }) if Instant::now() < until => tokio::time::sleep(AGAIN_AFTER).await,
            answered => return answered,
        }
    }
}

async fn try_again(core: &Core, lane: Lane, fault: Fault, until: Instant) -> Result<(), ReadError> {
    match fault {
        Fault::Damaged(sequence, fault) => Err(damaged(core, lane, sequence, fault)),
        Fault::Passing(detail) if Instant::now() >= until => Err(core.unreadable(lane, detail)),
        Fault::Passing(_) => {
            tokio::time::sleep(AGAIN_AFTER).await;
            Ok(())
        }
    }
}

fn damaged(core: &Core, lane: Lane, sequence: u64, fault: FrameFault) -> ReadError {
    let path = core.lanes[lane].name().into();
    ReadError::Damaged { lane, at: first_of(sequence), path, offset: sequence, detail: fault.to_string() }
}

/// The frames with a record at or after `from`.
pub(super) async fn frames(
    core: Arc<Core>,
    state: Arc<ShardState>,
    lane: Lane,
    from: Position,
    frames_max: usize,
) -> Result<Vec<Frame>, ReadError> {
    let end = core.end_from(&state, lane, from).await?;
    let (mut frames, mut at, until) = (Vec::new(), from, Instant::now() + READ_MAX);
    let mut pull = state.take_heads(lane, sequence_of(from));
    while frames.len() < frames_max && at < end {
        match heads(&core, &state, lane, &mut pull, at, frames_max - frames.len()).await {
            Ok(found) => {
                not_trimmed(&core, &state, lane, at, until).await?;
                at = found.last().map_or(at, |frame| frame.end().max(at));
                frames.extend(found.into_iter().filter(|frame| frame.end() > from));
            }
            Err(fault) => {
                not_trimmed(&core, &state, lane, at, until).await?;
                pull = None;
                try_again(&core, lane, fault, until).await?;
            }
        }
    }
    if let Some(pull) = pull {
        state.keep_heads(lane, pull);
    }
    Ok(frames)
}

async fn heads(
    core: &Core,
    state: &ShardState,
    lane: Lane,
    pull: &mut Option<Pull>,
    at: Position,
    frames_max: usize,
) -> Result<Vec<Frame>, Fault> {
    let reader = match pull {
        Some(reader) => reader,
        None => pull.insert(open(core, lane, &state.name, sequence_of(at), true).await?),
    };
    let pulled = reader.fetch(frames_max.min(FETCH_HEADS_MAX), FETCH_BYTES_MAX).await?;
    if pulled.is_empty() {
        return Err(Fault::Passing("they do not send what they have".to_owned()));
    }
    let mut frames = Vec::with_capacity(pulled.len());
    for Pulled { sequence, message } in pulled {
        let damaged = |fault| Fault::Damaged(sequence, fault);
        let head = Head::parse(message.headers.as_ref()).map_err(damaged)?;
        let mut frame = head.frame(sequence);
        if head.lacks_tag() {
            frame.tag =
                whole(core, lane, sequence).await.and_then(|body| head.tag(&body, core.seed).map_err(damaged))?;
        }
        frames.push(frame);
    }
    Ok(frames)
}

/// The body of a message whose head was read.
async fn whole(core: &Core, lane: Lane, sequence: u64) -> Result<Bytes, Fault> {
    match core.lanes[lane].stream().get_raw_message(sequence).await {
        Ok(message) => Ok(message.payload),
        Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
            Err(Fault::Passing("it was trimmed while it was read".to_owned()))
        }
        Err(error) => Err(Fault::Passing(error.to_string())),
    }
}
