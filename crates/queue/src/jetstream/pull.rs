//! Reading a stream in order through a consumer that lives as long as it is used: every message from a sequence on, each
//! once, and a gap in what the consumer sends is an error. Whoever uses one makes another where it broke.

use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::pull::Config;
use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy};
use async_nats::jetstream::stream::Stream;
use futures_util::StreamExt;
use tokio::time::timeout;

/// The servers forget a consumer that nobody asked for this long.
const UNUSED_MAX: Duration = Duration::from_secs(60);
/// Longest silence of a server that has messages to send.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// How long the servers hold a request open when there is nothing new.
const HELD_OPEN: Duration = Duration::from_secs(2);

/// Why a consumer is not usable any more.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct PullFault(pub(super) String);

/// What to read.
pub(super) struct From<'a> {
    pub(super) stream: &'a Stream,
    pub(super) subject: String,
    /// The first message that may come.
    pub(super) sequence: u64,
    /// Without bodies.
    pub(super) heads_only: bool,
}

/// One message with its sequence.
pub(super) struct Pulled {
    pub(super) sequence: u64,
    pub(super) message: Message,
}

/// A consumer and how far it came.
pub(super) struct Pull {
    consumer: Consumer<Config>,
    turn: Turn,
}

/// What must come next: a consumer numbers what it sends, without a gap; sequences of the stream rise.
struct Turn {
    delivered: u64,
    next: u64,
}

impl Turn {
    /// Takes a message in, by its sequence in the stream and its place in what the consumer sent.
    fn take(&mut self, sequence: u64, place: u64) -> Result<(), PullFault> {
        if place != self.delivered + 1 || sequence < self.next {
            return Err(PullFault(format!("message {sequence} came out of turn")));
        }
        (self.delivered, self.next) = (place, sequence + 1);
        Ok(())
    }
}

fn fault(error: impl std::fmt::Display) -> PullFault {
    PullFault(error.to_string())
}

impl Pull {
    pub(super) async fn open(from: From<'_>) -> Result<Pull, PullFault> {
        let next = from.sequence.max(1);
        let config = Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: next },
            ack_policy: AckPolicy::None,
            filter_subject: from.subject,
            headers_only: from.heads_only,
            inactive_threshold: UNUSED_MAX,
            memory_storage: true,
            num_replicas: 1,
            ..Config::default()
        };
        let made = timeout(ANSWER_MAX, from.stream.create_consumer(config)).await.map_err(fault)?;
        Ok(Pull { consumer: made.map_err(fault)?, turn: Turn { delivered: 0, next } })
    }

    /// The sequence after the last message that came.
    pub(super) fn next(&self) -> u64 {
        self.turn.next
    }

    /// What is there now, in order.
    pub(super) async fn fetch(&mut self, messages_max: usize, bytes_max: usize) -> Result<Vec<Pulled>, PullFault> {
        let asked = self.consumer.fetch().max_messages(messages_max).max_bytes(bytes_max).messages();
        let mut batch = timeout(ANSWER_MAX, asked).await.map_err(fault)?.map_err(fault)?;
        let mut pulled = Vec::new();
        loop {
            match timeout(ANSWER_MAX, batch.next()).await {
                Err(_) => return Err(PullFault("the servers stopped in the middle of an answer".to_owned())),
                Ok(None) => return Ok(pulled),
                Ok(Some(Ok(message))) => pulled.push(self.accept(message)?),
                // The answer is full, or the consumer went away: what came before it is good.
                Ok(Some(Err(_))) if !pulled.is_empty() => return Ok(pulled),
                Ok(Some(Err(error))) => return Err(fault(error)),
            }
        }
    }

    /// Hands on what comes, as it comes, for a while.
    pub(super) async fn follow(&mut self, messages_max: usize, mut each: impl FnMut(&Pulled)) -> Result<(), PullFault> {
        let asked = self.consumer.batch().max_messages(messages_max).expires(HELD_OPEN).messages();
        let mut batch = timeout(ANSWER_MAX, asked).await.map_err(fault)?.map_err(fault)?;
        loop {
            match timeout(HELD_OPEN + ANSWER_MAX / 5, batch.next()).await {
                Err(_) => return Err(PullFault("the servers went silent".to_owned())),
                Ok(None) => return Ok(()),
                Ok(Some(message)) => each(&self.accept(message.map_err(fault)?)?),
            }
        }
    }

    fn accept(&mut self, message: Message) -> Result<Pulled, PullFault> {
        let info = message.info().map_err(fault)?;
        let (sequence, place) = (info.stream_sequence, info.consumer_sequence);
        self.turn.take(sequence, place)?;
        Ok(Pulled { sequence, message })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_out_of_turn_is_refused() {
        let begun = || {
            let mut turn = Turn { delivered: 0, next: 5 };
            turn.take(5, 1).unwrap();
            turn
        };
        assert!(begun().take(9, 2).is_ok(), "between them stand messages of other shards");
        assert!(begun().take(9, 3).is_err(), "one that was sent did not arrive");
        assert!(begun().take(9, 1).is_err(), "one came twice");
        assert!(begun().take(5, 2).is_err(), "the stream went back");
    }
}
