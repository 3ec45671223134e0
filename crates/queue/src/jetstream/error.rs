//! Why a queue on JetStream was not opened, or stopped for good. Each message says what to do.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::facts::StoreId;

/// Why the queue was not opened, or may not be used any more. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JetStreamError {
    /// A name that no stream can have.
    #[error("the queue's prefix {prefix:?} is not usable: letters, digits and - only, at most 32")]
    Prefix {
        /// What was asked for.
        prefix: String,
    },
    /// An address that leads nowhere.
    #[error("the NATS servers {url} are not addresses; they look like nats://host:4222, separated by commas")]
    Address {
        /// What was given, without passwords.
        url: String,
    },
    /// They do not know us.
    #[error(
        "the NATS servers at {url} refuse the user, the token or the credentials they were given: see nats_url and \
         nats_credentials_file"
    )]
    NotAllowed {
        /// Where, without passwords.
        url: String,
    },
    /// A file of credentials or certificates.
    #[error("the file {path} cannot be used to connect to NATS: {detail}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        detail: String,
    },
    /// Nobody answered.
    #[error(
        "the NATS servers at {url} gave no usable answer within {within:?}: {detail}; start them with JetStream on"
    )]
    Unreachable {
        /// Where, without passwords.
        url: String,
        /// How long it was tried.
        within: Duration,
        /// What came last.
        detail: String,
    },
    /// The servers refuse to make or describe a stream.
    #[error("the NATS servers refuse the stream {stream}: {detail}")]
    Refused {
        /// The stream.
        stream: String,
        /// What they say.
        detail: String,
    },
    /// A stream that must be there is not.
    #[error(
        "the stream {stream} is gone though the queue was used before: what it held is lost unless it is put back; \
         restore all streams of the queue from one backup"
    )]
    Missing {
        /// The stream.
        stream: String,
    },
    /// A stream by that name that is not part of this queue.
    #[error("the stream {stream} was not made by CEBE; choose another prefix, or remove the stream")]
    Foreign {
        /// The stream.
        stream: String,
    },
    /// A stream of another queue, or one that was made again.
    #[error(
        "the stream {stream} belongs to store {found}, this is store {expected}: it was made again or comes from \
         elsewhere; restore all streams of the queue from one backup"
    )]
    Recreated {
        /// The stream.
        stream: String,
        /// Whose it is.
        found: StoreId,
        /// Whose it should be.
        expected: StoreId,
    },
    /// The stream was deleted and made again while it was in use.
    #[error("the stream {stream} was deleted and made again while it was in use: what it held is lost; restore it")]
    Replaced {
        /// The stream.
        stream: String,
    },
    /// The stream's numbering went back.
    #[error(
        "the stream {stream} ends at sequence {found}, but {known} was acknowledged: it has lost records; restore the \
         server that has them"
    )]
    Reset {
        /// The stream.
        stream: String,
        /// Where it ends now.
        found: u64,
        /// What is known to have been stored.
        known: u64,
    },
    /// Another release made it.
    #[error(
        "the stream {stream} has format {found}, this release reads format {known}; start the release that made it"
    )]
    UnknownFormat {
        /// The stream.
        stream: String,
        /// The format it has.
        found: u32,
        /// The format known here.
        known: u32,
    },
    /// Fewer copies than asked.
    #[error(
        "the stream {stream} is kept on {found} servers, the settings ask for {asked}: run `nats stream edit {stream} \
         --replicas {asked}`, or ask for {found}"
    )]
    TooFewReplicas {
        /// The stream.
        stream: String,
        /// How many copies it has.
        found: usize,
        /// How many are wanted.
        asked: usize,
    },
    /// The stream would lose records by itself.
    #[error("the stream {stream} has {what}, which would lose records; set it back with `nats stream edit {stream}`")]
    Unsafe {
        /// The stream.
        stream: String,
        /// The setting that is wrong.
        what: &'static str,
    },
    /// The system gave no random bytes for a store id.
    #[error("the system gives no random bytes for a store id: {detail}")]
    NoRandom {
        /// What it said.
        detail: String,
    },
    /// The threads could not be started.
    #[error("the queue's threads cannot be started: {detail}")]
    NoThreads {
        /// What the system said.
        detail: String,
    },
}
