//! What the handles of one connection share: streams, what is known of each shard, and whether the queue may still be
//! used.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_nats::jetstream::Context;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use async_nats::{Client, Event};
use tokio::sync::watch;

use super::error::JetStreamError;
use super::frame::Head;
use super::read::Cursor;
use super::settings::JetStreamSettings;
use super::streams::{Found, Names};
use super::{frame, pull::Pull};
use crate::ends::{Ends, locked};
use crate::error::{AppendError, ReadError, TrimError};
use crate::facts::StoreId;
use crate::port::{Clock, Lane, PerLane, Position};

/// When to try again after a refusal for what waits.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(1);
/// Readers of one shard and lane that keep their place.
const CURSORS_MAX: usize = 2;

/// What the handles of one connection share.
pub(super) struct Core {
    pub(super) client: Client,
    pub(super) context: Context,
    pub(super) names: Names,
    pub(super) settings: JetStreamSettings,
    pub(super) clock: Clock,
    pub(super) store: StoreId,
    /// Begins every checksum.
    pub(super) seed: u32,
    pub(super) lanes: PerLane<LaneStream>,
    pub(super) floors: Stream,
    pub(super) link: Arc<Link>,
    shards: Mutex<BTreeMap<String, Arc<ShardState>>>,
    stopped: Mutex<Option<JetStreamError>>,
}

/// One lane's stream and what is known of it.
pub(super) struct LaneStream {
    pub(super) found: Found,
    /// The highest sequence that is known to be stored.
    pub(super) known: AtomicU64,
    pub(super) bytes: AtomicU64,
    waiting_bytes: AtomicUsize,
    waiting_appends: AtomicUsize,
}

/// Whether the servers can be reached.
#[derive(Default)]
pub(super) struct Link {
    away_since: Mutex<Option<Instant>>,
    made: watch::Sender<u64>,
}

/// What is known of one shard.
pub(super) struct ShardState {
    pub(super) name: String,
    pub(super) ends: Ends,
    pub(super) floors: PerLane<AtomicU64>,
    pub(super) appends: PerLane<AtomicU64>,
    cursors: PerLane<Mutex<Vec<Cursor>>>,
    heads: PerLane<Mutex<Vec<Pull>>>,
}

impl Link {
    /// Takes in what the client says of its connection.
    pub(super) fn hear(&self, event: &Event) {
        match event {
            Event::Connected => {
                *locked(&self.away_since) = None;
                self.made.send_modify(|made| *made += 1);
            }
            Event::Disconnected | Event::Closed => {
                locked(&self.away_since).get_or_insert_with(Instant::now);
            }
            _ => {}
        }
    }

    /// How long there has been no connection.
    pub(super) fn away_for(&self) -> Duration {
        locked(&self.away_since).map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Changes whenever a connection was made.
    pub(super) fn made(&self) -> watch::Receiver<u64> {
        self.made.subscribe()
    }
}

impl LaneStream {
    pub(super) fn new(found: Found) -> LaneStream {
        let state = &found.info.state;
        let (known, bytes) = (AtomicU64::new(state.last_sequence), AtomicU64::new(state.bytes));
        LaneStream { found, known, bytes, waiting_bytes: AtomicUsize::new(0), waiting_appends: AtomicUsize::new(0) }
    }

    pub(super) fn stream(&self) -> &Stream {
        &self.found.stream
    }

    pub(super) fn name(&self) -> &str {
        &self.found.info.config.name
    }

    /// Makes room for an append that waits, or refuses it.
    pub(super) fn admit(&self, lane: Lane, bytes: usize, bytes_max: usize) -> Result<(), AppendError> {
        let admit = |waiting: usize| (waiting == 0 || waiting + bytes <= bytes_max).then(|| waiting + bytes);
        let admitted = self.waiting_bytes.fetch_update(Ordering::SeqCst, Ordering::SeqCst, admit);
        admitted.map_err(|_| AppendError::Busy { lane, retry_after: BUSY_RETRY_AFTER })?;
        self.waiting_appends.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }

    /// An append was answered.
    pub(super) fn answered(&self, bytes: usize) {
        self.waiting_bytes.fetch_sub(bytes, Ordering::SeqCst);
        self.waiting_appends.fetch_sub(1, Ordering::SeqCst);
    }

    /// Appends and bytes that wait.
    pub(super) fn waiting(&self) -> (u64, u64) {
        let read = |count: &AtomicUsize| count.load(Ordering::SeqCst) as u64;
        (read(&self.waiting_appends), read(&self.waiting_bytes))
    }
}

impl ShardState {
    fn new(name: &str, ends: PerLane<Position>, floors: PerLane<Position>) -> ShardState {
        ShardState {
            name: name.to_owned(),
            ends: Ends::new(ends),
            floors: PerLane::from_fn(|lane| AtomicU64::new(floors[lane].0)),
            appends: PerLane::default(),
            cursors: PerLane::default(),
            heads: PerLane::default(),
        }
    }

    /// Everything of the lane below this was forgotten.
    pub(super) fn floor(&self, lane: Lane) -> Position {
        Position(self.floors[lane].load(Ordering::SeqCst))
    }

    pub(super) fn raise_floor(&self, lane: Lane, floor: Position) {
        self.floors[lane].fetch_max(floor.0, Ordering::SeqCst);
    }

    /// A reader that stands at `from`.
    pub(super) fn take_cursor(&self, lane: Lane, from: Position) -> Cursor {
        let mut cursors = locked(&self.cursors[lane]);
        let found = cursors.iter().position(|cursor| cursor.next() == from);
        found.map_or_else(|| Cursor::at(from), |found| cursors.swap_remove(found))
    }

    pub(super) fn keep_cursor(&self, lane: Lane, cursor: Cursor) {
        keep(&mut locked(&self.cursors[lane]), cursor);
    }

    /// A reader of heads that stands at a sequence.
    pub(super) fn take_heads(&self, lane: Lane, sequence: u64) -> Option<Pull> {
        let mut heads = locked(&self.heads[lane]);
        let found = heads.iter().position(|pull| pull.next() == sequence)?;
        Some(heads.swap_remove(found))
    }

    pub(super) fn keep_heads(&self, lane: Lane, pull: Pull) {
        keep(&mut locked(&self.heads[lane]), pull);
    }
}

/// Keeps the newest few.
fn keep<T>(kept: &mut Vec<T>, new: T) {
    if kept.len() >= CURSORS_MAX {
        kept.remove(0);
    }
    kept.push(new);
}

/// What a core is made from.
pub(super) struct Made {
    pub(super) client: Client,
    pub(super) context: Context,
    pub(super) names: Names,
    pub(super) settings: JetStreamSettings,
    pub(super) clock: Clock,
    pub(super) link: Arc<Link>,
    pub(super) streams: super::streams::Streams,
}

impl Core {
    pub(super) fn new(made: Made) -> Core {
        let Made { client, context, names, settings, clock, link, streams } = made;
        Core {
            client,
            context,
            names,
            settings,
            clock,
            store: streams.store,
            seed: crc32c::crc32c(&streams.store.0),
            lanes: PerLane {
                live: LaneStream::new(streams.lanes.live),
                backfill: LaneStream::new(streams.lanes.backfill),
            },
            floors: streams.floors,
            link,
            shards: Mutex::default(),
            stopped: Mutex::default(),
        }
    }

    /// Ends the use of the queue for good.
    pub(super) fn stop(&self, reason: JetStreamError) {
        tracing::error!(%reason, "the queue stops");
        locked(&self.stopped).get_or_insert(reason);
    }

    /// Why the queue may not be used any more.
    pub(super) fn stopped(&self) -> Option<JetStreamError> {
        locked(&self.stopped).clone()
    }

    /// The known shard of this name, when somebody uses it.
    pub(super) fn known_shard(&self, name: &str) -> Option<Arc<ShardState>> {
        locked(&self.shards).get(name).cloned()
    }

    /// The shard of this name, with its ends as the servers know them.
    pub(super) async fn shard(&self, name: &str) -> Result<Arc<ShardState>, String> {
        // Known first, then asked: what is stored meanwhile is told by the follower.
        let new = Arc::new(ShardState::new(name, PerLane::default(), PerLane::default()));
        let state = Arc::clone(locked(&self.shards).entry(name.to_owned()).or_insert(new));
        for lane in Lane::ALL {
            self.refresh_floor(&state, lane).await?;
            self.refresh_end(&state, lane).await?;
        }
        Ok(state)
    }

    /// Asks how far the shard was trimmed.
    pub(super) async fn refresh_floor(&self, state: &ShardState, lane: Lane) -> Result<Position, String> {
        let subject = self.names.floor(lane, &state.name);
        match self.floors.get_last_raw_message_by_subject(&subject).await {
            Ok(message) => {
                let text = std::str::from_utf8(&message.payload).ok();
                let floor = text.and_then(|text| text.parse().ok()).ok_or("the floor of the shard cannot be read")?;
                state.raise_floor(lane, Position(floor));
                state.ends.raise(lane, Position(floor));
                Ok(state.floor(lane))
            }
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(state.floor(lane)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Asks where the shard ends.
    pub(super) async fn refresh_end(&self, state: &ShardState, lane: Lane) -> Result<Position, String> {
        let subject = self.names.subject(lane, &state.name);
        match self.lanes[lane].stream().get_last_raw_message_by_subject(&subject).await {
            Ok(message) => {
                let head = Head::parse(Some(&message.headers)).map_err(|fault| fault.to_string())?;
                state.ends.raise(lane, head.frame(message.sequence).end());
            }
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {}
            Err(error) => return Err(error.to_string()),
        }
        Ok(state.ends.get(lane))
    }

    /// Checks that a position may be read from, and gives the end of the lane.
    pub(super) async fn end_from(&self, state: &ShardState, lane: Lane, at: Position) -> Result<Position, ReadError> {
        if let Some(reason) = self.stopped() {
            return Err(self.unreadable(lane, reason.to_string()));
        }
        let first = state.floor(lane);
        if at < first {
            return Err(ReadError::Trimmed { lane, at, first });
        }
        let mut end = state.ends.get(lane);
        if at > end {
            end = self.refresh_end(state, lane).await.map_err(|detail| self.unreadable(lane, detail))?;
        }
        if at > end { Err(ReadError::Beyond { lane, at, end }) } else { Ok(end) }
    }

    /// Nothing from `at` on was trimmed, whoever trims.
    pub(super) async fn check_floor(&self, state: &ShardState, lane: Lane, at: Position) -> Result<(), ReadError> {
        let first = self.refresh_floor(state, lane).await.map_err(|detail| self.unreadable(lane, detail))?;
        if at < first { Err(ReadError::Trimmed { lane, at, first }) } else { Ok(()) }
    }

    pub(super) fn unreadable(&self, lane: Lane, detail: String) -> ReadError {
        ReadError::Unanswered { lane, stream: self.lanes[lane].name().to_owned(), detail }
    }

    pub(super) fn untrimmed(&self, lane: Lane, detail: String) -> TrimError {
        let path = PathBuf::from(self.lanes[lane].name());
        TrimError { lane, path, source: std::io::Error::other(detail) }
    }

    /// Tells a shard's readers of a frame.
    pub(super) fn tell(&self, lane: Lane, sequence: u64, subject: &str, head: &Head) {
        self.lanes[lane].known.fetch_max(sequence, Ordering::SeqCst);
        let name = subject.rsplit('.').next().unwrap_or_default();
        if let Some(state) = self.known_shard(name) {
            state.ends.raise(lane, frame::first_of(sequence).plus(u64::from(head.count)));
        }
    }
}
