//! The queue on NATS JetStream: a stream per lane, a subject per shard, a message per append. An append is answered when
//! the stream has acknowledged it, on as many servers as the stream keeps. Read `publish` for the way in, `read` for the
//! way out, `streams` for a start, `follow` for how others' appends are noticed and lost streams are found out.

mod connect;
mod core;
mod error;
mod follow;
mod frame;
mod publish;
mod pull;
mod read;
mod settings;
mod streams;
mod trim;

use std::future::{Future, ready};
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use async_nats::Client;
use async_nats::jetstream::ContextBuilder;
use bytes::Bytes;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

pub use error::JetStreamError;
pub use settings::JetStreamSettings;

use self::connect::plain_url;
use self::core::{Core, Link, Made, ShardState};
use self::publish::Request;
use self::streams::{Names, Refusal};
use crate::error::{AppendError, ReadError, TrimError};
use crate::facts::{LaneFacts, QueueFacts, StoreId};
use crate::port::{Appended, BoxFuture, Clock, Frame, Lane, PerLane, Position, Queue, ReadLimit, system_clock};

/// Threads that talk to the servers.
const THREADS: usize = 2;
/// Between two tries to open.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
/// Appends that may be waiting for their acknowledgement; their bytes are bounded before.
const WAITING_APPENDS_MAX: usize = 65_536;

/// A connection to the servers, and the streams of one queue there. Each shard of it is a [`Queue`] of its own.
#[derive(Clone)]
pub struct JetStream {
    owner: Arc<Owner>,
}

/// One shard of a queue on JetStream.
pub struct JetStreamShard {
    owner: Arc<Owner>,
    state: Arc<ShardState>,
}

/// Ends the work in the background when the last handle goes.
struct Owner {
    core: Arc<Core>,
    requests: UnboundedSender<Request>,
    runtime: Option<Runtime>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Owner {
    /// Runs to the end on the queue's own threads, from whatever thread asks.
    fn block<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        block_on(self.runtime.as_ref()?, work)
    }
}

fn block_on<T: Send + 'static>(runtime: &Runtime, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
    let (tell, told) = mpsc::sync_channel(1);
    runtime.spawn(async move {
        // Whoever asked waits for it.
        let _ = tell.send(work.await);
    });
    told.recv().ok()
}

impl JetStream {
    /// Connects, and opens the queue's streams or makes them at the very first start. Blocks until then.
    pub fn open(settings: JetStreamSettings) -> Result<JetStream, JetStreamError> {
        JetStream::open_with(settings, system_clock())
    }

    /// Opens the queue with this clock, which is compared with the servers' for the age of records.
    pub fn open_with(settings: JetStreamSettings, clock: Clock) -> Result<JetStream, JetStreamError> {
        let names = Names::new(&settings.prefix)?;
        let no_threads = |error: std::io::Error| JetStreamError::NoThreads { detail: error.to_string() };
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime =
            builder.worker_threads(THREADS).thread_name("jetstream").enable_all().build().map_err(no_threads)?;
        let gone = || JetStreamError::NoThreads { detail: "they ended while the queue was opened".to_owned() };
        let core = match block_on(&runtime, open(settings, names, clock)) {
            Some(Ok(core)) => Arc::new(core),
            failed => {
                runtime.shutdown_background();
                return Err(failed.and_then(Result::err).unwrap_or_else(gone));
            }
        };
        let (requests, waiting) = unbounded_channel();
        runtime.spawn(publish::run(Arc::clone(&core), waiting));
        runtime.spawn(follow::watch(Arc::clone(&core)));
        for lane in Lane::ALL {
            runtime.spawn(follow::heads(Arc::clone(&core), lane));
        }
        Ok(JetStream { owner: Arc::new(Owner { core, requests, runtime: Some(runtime) }) })
    }

    /// The queue of one shard. A name is one word of letters, digits and `-`. Blocks until the servers said where it ends.
    pub fn shard(&self, name: &str) -> Result<JetStreamShard, JetStreamError> {
        let (core, name) = (Arc::clone(&self.owner.core), name.to_owned());
        let (url, within) = (plain_url(&core.settings.url), core.settings.answer_max);
        let unreachable = move |detail| JetStreamError::Unreachable { url, within, detail };
        let state = self.owner.block(async move { core.shard(&name).await });
        let state = state.unwrap_or_else(|| Err("the queue is closed".to_owned())).map_err(unreachable)?;
        Ok(JetStreamShard { owner: Arc::clone(&self.owner), state })
    }

    /// Which store this is.
    #[must_use]
    pub fn store(&self) -> StoreId {
        self.owner.core.store
    }

    /// Most bytes of one message, as the servers are set (`max_payload`): an append is one message.
    #[must_use]
    pub fn message_bytes_max(&self) -> usize {
        self.owner.core.client.max_payload()
    }

    /// Why the queue may not be used any more, when that is so.
    #[must_use]
    pub fn stopped(&self) -> Option<JetStreamError> {
        self.owner.core.stopped()
    }
}

async fn open(settings: JetStreamSettings, names: Names, clock: Clock) -> Result<Core, JetStreamError> {
    let (started, link) = (Instant::now(), Arc::new(Link::default()));
    let url = plain_url(&settings.url);
    loop {
        let detail = match Box::pin(try_open(&settings, &names, &link)).await {
            Ok((client, context, streams)) => {
                return Ok(Core::new(Made { client, context, names, settings, clock, link, streams }));
            }
            Err(Refusal::Final(error)) => return Err(error),
            Err(Refusal::NotYet(detail)) => detail,
        };
        if started.elapsed() >= settings.open_max {
            return Err(JetStreamError::Unreachable { url, within: settings.open_max, detail });
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

type Opened = (Client, async_nats::jetstream::Context, streams::Streams);

async fn try_open(settings: &JetStreamSettings, names: &Names, link: &Arc<Link>) -> Result<Opened, Refusal> {
    let client = connect::connect(settings, link).await?;
    let context = ContextBuilder::new()
        .timeout(settings.answer_max)
        .max_ack_inflight(WAITING_APPENDS_MAX)
        .backpressure_on_inflight(true)
        .build(client.clone());
    let streams = streams::open(&context, names, settings).await?;
    Ok((client, context, streams))
}

impl JetStreamShard {
    fn offer(&self, lane: Lane, tag: &Bytes, records: &[Bytes]) -> Result<publish::Answer, AppendError> {
        let (request, answer) = publish::prepare(&self.owner.core, &self.state, lane, tag, records)?;
        // Without a receiver the request is dropped, and its caller is told that the queue is closed.
        let _ = self.owner.requests.send(request);
        Ok(answer)
    }

    fn lane_facts(&self, lane: Lane) -> LaneFacts {
        let stream = &self.owner.core.lanes[lane];
        let (waiting_appends, waiting_bytes) = stream.waiting();
        LaneFacts {
            first: self.state.floor(lane),
            end: self.state.ends.get(lane),
            bytes: stream.bytes.load(Ordering::Relaxed),
            appends: self.state.appends[lane].load(Ordering::Relaxed),
            waiting_appends,
            waiting_bytes,
            ..LaneFacts::default()
        }
    }
}

impl Queue for JetStreamShard {
    fn append(&self, lane: Lane, tag: Bytes, records: Vec<Bytes>) -> BoxFuture<Result<Appended, AppendError>> {
        match self.offer(lane, &tag, &records) {
            Err(refused) => Box::pin(ready(Err(refused))),
            Ok(answer) => Box::pin(async move {
                let closed = || AppendError::Stopped { reason: "the queue is closed".to_owned() };
                answer.await.unwrap_or_else(|_| Err(closed()))
            }),
        }
    }

    fn read(&self, lane: Lane, from: Position, limit: ReadLimit) -> Result<Vec<(Position, Bytes)>, ReadError> {
        let (core, state) = (Arc::clone(&self.owner.core), Arc::clone(&self.state));
        let read = self.owner.block(read::read(core, state, lane, from, limit));
        read.unwrap_or_else(|| Err(self.owner.core.unreadable(lane, "the queue is closed".to_owned())))
    }

    fn frames(&self, lane: Lane, from: Position, frames_max: usize) -> Result<Vec<Frame>, ReadError> {
        let (core, state) = (Arc::clone(&self.owner.core), Arc::clone(&self.state));
        let read = self.owner.block(read::frames(core, state, lane, from, frames_max));
        read.unwrap_or_else(|| Err(self.owner.core.unreadable(lane, "the queue is closed".to_owned())))
    }

    fn wait(&self, seen: PerLane<Position>, timeout: Duration) -> PerLane<Position> {
        self.state.ends.wait(seen, timeout)
    }

    fn trim(&self, lane: Lane, below: Position) -> Result<Position, TrimError> {
        let (core, state) = (Arc::clone(&self.owner.core), Arc::clone(&self.state));
        let trimmed = self.owner.block(trim::trim(core, state, lane, below));
        trimmed.unwrap_or_else(|| Err(self.owner.core.untrimmed(lane, "the queue is closed".to_owned())))
    }

    fn facts(&self) -> QueueFacts {
        let core = &self.owner.core;
        let used = |lane: Lane| core.lanes[lane].bytes.load(Ordering::Relaxed) as f64;
        QueueFacts {
            store: core.store,
            lanes: PerLane::from_fn(|lane| self.lane_facts(lane)),
            used_share: match core.settings.lane_bytes_max {
                0 => 0.0,
                max => used(Lane::Live).max(used(Lane::Backfill)) / max as f64,
            },
            torn: Vec::new(),
            stopped: core.stopped().is_some(),
        }
    }
}
