//! Follows the heads of a lane's stream, all shards together, so that whoever waits is woken by what any process appends;
//! and looks every second whether the streams are still the ones they were.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::Info;

use super::core::Core;
use super::error::JetStreamError;
use super::frame::Head;
use super::pull::{From, Pull};
use crate::port::Lane;

/// Most heads of one request.
const HEADS_MAX: usize = 1_000;
/// Between two tries.
const AGAIN_AFTER: Duration = Duration::from_millis(200);
/// How often the streams are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A stream that is gone or went back is believed after so many looks in a row: a cluster that elects may err for a while.
const LOOKS_MIN: u32 = 5;

/// Follows a lane for ever.
pub(super) async fn heads(core: Arc<Core>, lane: Lane) {
    let mut next = core.lanes[lane].known.load(Ordering::SeqCst) + 1;
    let mut connections = core.link.made();
    loop {
        let (stream, subject) = (core.lanes[lane].stream(), core.names.subject(lane, "*"));
        let from = From { stream, subject, sequence: next, heads_only: true };
        match Pull::open(from).await {
            Ok(mut pull) => {
                connections.mark_unchanged();
                loop {
                    let ended = tokio::select! {
                        followed = pull.follow(HEADS_MAX, |pulled| {
                            if let Ok(head) = Head::parse(pulled.message.headers.as_ref()) {
                                core.tell(lane, pulled.sequence, &pulled.message.subject, &head);
                            }
                        }) => followed.is_err(),
                        // The consumer may have gone with the server it was on.
                        _ = connections.changed() => true,
                    };
                    if ended {
                        break;
                    }
                }
                next = pull.next();
            }
            Err(fault) => tracing::debug!(%lane, %fault, "the stream cannot be followed; trying again"),
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}

/// What is wrong with a stream.
enum Doubt {
    /// Certain.
    Certain(JetStreamError),
    /// To be seen again.
    Maybe(JetStreamError),
}

/// Looks at the streams for ever.
pub(super) async fn watch(core: Arc<Core>) {
    let mut doubts: BTreeMap<Lane, u32> = BTreeMap::new();
    while core.stopped().is_none() {
        tokio::time::sleep(LOOK_EVERY).await;
        for lane in Lane::ALL {
            match look(&core, lane).await {
                None => {
                    doubts.remove(&lane);
                }
                Some(Doubt::Certain(error)) => core.stop(error),
                Some(Doubt::Maybe(error)) => {
                    let looks = doubts.entry(lane).or_default();
                    *looks += 1;
                    if *looks >= LOOKS_MIN {
                        core.stop(error);
                    }
                }
            }
        }
    }
}

async fn look(core: &Core, lane: Lane) -> Option<Doubt> {
    let known = core.lanes[lane].known.load(Ordering::SeqCst);
    let stream = core.lanes[lane].name().to_owned();
    match core.context.get_stream(&stream).await {
        Ok(found) => {
            let info = found.cached_info();
            core.lanes[lane].bytes.store(info.state.bytes, Ordering::Relaxed);
            compare(core, lane, stream, known, info)
        }
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(cause) if cause.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                Some(Doubt::Maybe(JetStreamError::Missing { stream }))
            }
            _ => None,
        },
    }
}

fn compare(core: &Core, lane: Lane, stream: String, known: u64, info: &Info) -> Option<Doubt> {
    let was = &core.lanes[lane].found.info;
    if info.created != was.created {
        return Some(Doubt::Certain(JetStreamError::Replaced { stream }));
    }
    let found = info.state.last_sequence;
    (found < known).then_some(Doubt::Maybe(JetStreamError::Reset { stream, found, known }))
}
