//! The way in: an append is packed by its caller, sent in the order of the calls, and answered once the stream has
//! acknowledged it. What stays unanswered is sent again under the same id, so that it is stored once, until time is up.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_nats::jetstream::context::{PublishAckFuture, PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use bytes::Bytes;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;

use super::core::{Core, ShardState};
use super::error::JetStreamError;
use super::frame::{self, Encoded};
use crate::error::AppendError;
use crate::limits::append_bytes;
use crate::port::{Appended, Lane};

/// After this an append is answered with what is known: that it may be stored or not.
const ANSWERED_WITHIN: Duration = Duration::from_secs(12);
/// Without a connection for longer than this, appends are refused at once.
const AWAY_MAX: Duration = Duration::from_secs(3);
/// Between two tries.
const AGAIN_AFTER: Duration = Duration::from_millis(100);
/// When trying again makes sense after the storage was full.
const FULL_RETRY_AFTER: Duration = Duration::from_secs(30);
/// What a message has beside its body: the head, the id, the names.
const HEADERS_BYTES: usize = 512;
/// Error codes of a server whose storage is used up: account, memory and file limits, and the stream's own.
const FULL_CODES: [u64; 5] = [10_002, 10_023, 10_028, 10_047, 10_077];
/// Error codes of a message that a server never takes.
const TOO_LARGE_CODES: [u64; 2] = [10_054, 10_097];

/// An append on its way.
pub(super) struct Request {
    state: Arc<ShardState>,
    lane: Lane,
    message: Encoded,
    id: String,
    count: u32,
    bytes: usize,
    /// The highest sequence that was known to be stored before: this one is stored above it.
    above: u64,
    since: Instant,
    reply: oneshot::Sender<Result<Appended, AppendError>>,
}

pub(super) type Answer = oneshot::Receiver<Result<Appended, AppendError>>;

/// Packs an append and makes room for it, or says at once why not.
pub(super) fn prepare(
    core: &Core,
    state: &Arc<ShardState>,
    lane: Lane,
    tag: &Bytes,
    records: &[Bytes],
) -> Result<(Request, Answer), AppendError> {
    append_bytes(tag, records)?;
    if let Some(reason) = core.stopped() {
        return Err(AppendError::Stopped { reason: reason.to_string() });
    }
    if core.link.away_for() > AWAY_MAX {
        return Err(AppendError::Unanswered { reason: "there is no connection to the NATS servers".to_owned() });
    }
    let message = frame::encode(tag, records, core.seed);
    let bytes = message.body.len() + HEADERS_BYTES + 2 * tag.len();
    let max = core.client.max_payload();
    if bytes > max {
        return Err(AppendError::TooLarge { what: "bytes of a message (max_payload of NATS)", size: bytes, max });
    }
    let lane_stream = &core.lanes[lane];
    lane_stream.admit(lane, bytes, core.settings.waiting_bytes_max)?;
    let (reply, answer) = oneshot::channel();
    let request = Request {
        state: Arc::clone(state),
        lane,
        message,
        id: core.client.new_inbox(),
        count: u32::try_from(records.len()).expect("the record count was checked"),
        bytes,
        above: lane_stream.known.load(Ordering::SeqCst),
        since: Instant::now(),
        reply,
    };
    Ok((request, answer))
}

/// Sends what is handed over, in that order.
pub(super) async fn run(core: Arc<Core>, mut requests: UnboundedReceiver<Request>) {
    while let Some(request) = requests.recv().await {
        let sent = send(&core, &request).await;
        tokio::spawn(confirm(Arc::clone(&core), request, sent));
    }
}

async fn send(core: &Core, request: &Request) -> Result<PublishAckFuture, PublishError> {
    let subject = core.names.subject(request.lane, &request.state.name);
    let message = PublishMessage::build()
        .payload(request.message.body.clone())
        .headers(request.message.headers.clone())
        .message_id(&request.id);
    core.context.send_publish(subject, message).await
}

/// What an answer of the servers means.
enum Verdict {
    Stored(u64),
    Refused(AppendError),
    Again(String),
}

async fn confirm(core: Arc<Core>, request: Request, mut sent: Result<PublishAckFuture, PublishError>) {
    let answer = loop {
        let acknowledged = match sent {
            Ok(sent) => sent.await,
            Err(error) => Err(error),
        };
        match verdict(&core, &request, acknowledged) {
            Verdict::Stored(sequence) => break Ok(stored(&core, &request, sequence)),
            Verdict::Refused(refused) => break Err(refused),
            Verdict::Again(reason) => match given_up(&core, &request, reason) {
                Some(error) => break Err(error),
                None => tokio::time::sleep(AGAIN_AFTER).await,
            },
        }
        sent = send(&core, &request).await;
    };
    core.lanes[request.lane].answered(request.bytes);
    // A caller that went away needs no answer.
    let _ = request.reply.send(answer);
}

fn given_up(core: &Core, request: &Request, reason: String) -> Option<AppendError> {
    match core.stopped() {
        Some(stopped) => Some(AppendError::Stopped { reason: stopped.to_string() }),
        None if request.since.elapsed() >= ANSWERED_WITHIN => Some(AppendError::Unanswered { reason }),
        None => None,
    }
}

fn stored(core: &Core, request: &Request, sequence: u64) -> Appended {
    let (lane, state) = (request.lane, &request.state);
    let first = frame::first_of(sequence);
    core.lanes[lane].known.fetch_max(sequence, Ordering::SeqCst);
    state.appends[lane].fetch_add(1, Ordering::Relaxed);
    state.ends.raise(lane, first.plus(u64::from(request.count)));
    Appended { first, count: request.count }
}

fn verdict(core: &Core, request: &Request, answer: Result<PublishAck, PublishError>) -> Verdict {
    match answer {
        Ok(ack) => acknowledged(core, request, &ack),
        Err(error) => match error.kind() {
            PublishErrorKind::MaxPayloadExceeded => Verdict::Refused(too_large(core, request)),
            PublishErrorKind::Other => refused(core, request, &error),
            _ => Verdict::Again(error.to_string()),
        },
    }
}

fn acknowledged(core: &Core, request: &Request, ack: &PublishAck) -> Verdict {
    let stream = core.lanes[request.lane].name();
    if ack.sequence == 0 || ack.stream != stream {
        // A server that has taken an earlier try in, but not yet stored it, answers like this.
        return Verdict::Again("it is not yet known whether an earlier try was stored".to_owned());
    }
    if ack.sequence <= request.above && !ack.duplicate {
        let (found, known) = (ack.sequence, request.above);
        core.stop(JetStreamError::Reset { stream: stream.to_owned(), found, known });
        return Verdict::Again("the stream was reset".to_owned());
    }
    Verdict::Stored(ack.sequence)
}

fn too_large(core: &Core, request: &Request) -> AppendError {
    let max = core.client.max_payload();
    AppendError::TooLarge { what: "bytes of a message (max_payload of NATS)", size: request.bytes, max }
}

/// What a server said no to.
fn refused(core: &Core, request: &Request, error: &PublishError) -> Verdict {
    let cause = std::error::Error::source(error);
    let cause = cause.and_then(|cause| cause.downcast_ref::<async_nats::jetstream::Error>());
    match cause.map(|cause| cause.error_code().0) {
        Some(code) if FULL_CODES.contains(&code) => {
            Verdict::Refused(AppendError::Full { retry_after: FULL_RETRY_AFTER })
        }
        Some(code) if TOO_LARGE_CODES.contains(&code) => Verdict::Refused(too_large(core, request)),
        _ => Verdict::Again(cause.map_or_else(|| error.to_string(), ToString::to_string)),
    }
}
