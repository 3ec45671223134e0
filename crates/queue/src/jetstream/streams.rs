//! The streams of a queue: one per lane, and a small one that remembers how far each shard was trimmed. All carry the
//! store's id in their description, which every server version keeps; whoever makes the small one first decides the id.

use async_nats::jetstream::context::{CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, Info, RetentionPolicy, StorageType, Stream};
use async_nats::jetstream::{Context, ErrorCode};

use super::error::JetStreamError;
use super::settings::JetStreamSettings;
use crate::facts::StoreId;
use crate::port::{Lane, PerLane};

/// The layout of messages and subjects; raised when an older release could not read it.
const FORMAT: u32 = 1;
const DESCRIPTION: &str = "CEBE queue, format ";
/// Longest prefix of names.
const PREFIX_CHARS_MAX: usize = 32;
/// Within this time a repeated publication of one append is taken for the same.
const SAME_APPEND_WITHIN: std::time::Duration = std::time::Duration::from_secs(120);

/// Why opening did not succeed yet.
pub(super) enum Refusal {
    /// It makes no sense to try again.
    Final(JetStreamError),
    /// The servers may still be starting.
    NotYet(String),
}

/// The names under one prefix.
#[derive(Clone, Debug)]
pub(super) struct Names {
    prefix: String,
}

impl Names {
    pub(super) fn new(prefix: &str) -> Result<Names, JetStreamError> {
        let plain = |char: char| char.is_ascii_alphanumeric() || char == '-';
        if prefix.is_empty() || prefix.len() > PREFIX_CHARS_MAX || !prefix.chars().all(plain) {
            return Err(JetStreamError::Prefix { prefix: prefix.to_owned() });
        }
        Ok(Names { prefix: prefix.to_owned() })
    }

    pub(super) fn lane(&self, lane: Lane) -> String {
        format!("{}_{lane}", self.prefix)
    }

    pub(super) fn floors(&self) -> String {
        format!("{}_floors", self.prefix)
    }

    /// Where a shard's frames stand.
    pub(super) fn subject(&self, lane: Lane, shard: &str) -> String {
        format!("{}.{lane}.{shard}", self.prefix)
    }

    /// Where it stands how far a shard was trimmed.
    pub(super) fn floor(&self, lane: Lane, shard: &str) -> String {
        format!("{}.floor.{lane}.{shard}", self.prefix)
    }

    /// Where it stands that every stream was made.
    fn made(&self) -> String {
        format!("{}.floor.made", self.prefix)
    }
}

/// One stream as it was found.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) stream: Stream,
    pub(super) info: Info,
}

/// All of a queue's streams.
pub(super) struct Streams {
    pub(super) store: StoreId,
    pub(super) lanes: PerLane<Found>,
    pub(super) floors: Stream,
}

/// Finds the streams, or makes them at the very first start.
pub(super) async fn open(context: &Context, names: &Names, settings: &JetStreamSettings) -> Result<Streams, Refusal> {
    let drawn = StoreId::random().map_err(|e| Refusal::Final(JetStreamError::NoRandom { detail: e.to_string() }))?;
    let floors = match find(context, &names.floors()).await? {
        Some(floors) => floors,
        None => {
            refuse_orphans(context, names).await?;
            make(context, floors_config(names, settings, drawn)).await?
        }
    };
    let store = store_of(&floors.info)?;
    let was_made = is_made(&floors.stream, names).await?;
    let live = lane(context, names, settings, store, Lane::Live, was_made).await?;
    let backfill = lane(context, names, settings, store, Lane::Backfill, was_made).await?;
    check_replicas(&floors.info, settings)?;
    if !was_made {
        say_made(context, names).await?;
    }
    Ok(Streams { store, lanes: PerLane { live, backfill }, floors: floors.stream })
}

async fn find(context: &Context, name: &str) -> Result<Option<Found>, Refusal> {
    match context.get_stream(name).await {
        Ok(stream) => Ok(Some(Found { info: stream.cached_info().clone(), stream })),
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(cause) if cause.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
            _ => Err(Refusal::NotYet(format!("{name}: {error}"))),
        },
    }
}

/// Lanes without the stream that names their store.
async fn refuse_orphans(context: &Context, names: &Names) -> Result<(), Refusal> {
    for lane in Lane::ALL {
        if find(context, &names.lane(lane)).await?.is_some() {
            return Err(Refusal::Final(JetStreamError::Missing { stream: names.floors() }));
        }
    }
    Ok(())
}

async fn make(context: &Context, config: Config) -> Result<Found, Refusal> {
    let name = config.name.clone();
    match context.create_stream(config).await {
        Ok(stream) => Ok(Found { info: stream.cached_info().clone(), stream }),
        Err(error) => match error.kind() {
            // Another node was faster: its stream is the one.
            CreateStreamErrorKind::JetStream(cause) if cause.error_code().0 == NAME_IN_USE => {
                Err(Refusal::NotYet(format!("{name} is being made by another node")))
            }
            CreateStreamErrorKind::JetStream(cause) if cause.code() < 500 => {
                Err(Refusal::Final(JetStreamError::Refused { stream: name, detail: cause.to_string() }))
            }
            CreateStreamErrorKind::JetStream(cause)
                if cause.error_code() == ErrorCode::STREAM_REPLICAS_NOT_SUPPORTED =>
            {
                Err(Refusal::Final(JetStreamError::Refused { stream: name, detail: cause.to_string() }))
            }
            _ => Err(Refusal::NotYet(format!("{name}: {error}"))),
        },
    }
}

/// "stream name already in use with a different configuration".
const NAME_IN_USE: u64 = 10_058;

async fn lane(
    context: &Context,
    names: &Names,
    settings: &JetStreamSettings,
    store: StoreId,
    lane: Lane,
    was_made: bool,
) -> Result<Found, Refusal> {
    let name = names.lane(lane);
    let found = match find(context, &name).await? {
        Some(found) => found,
        None if was_made => return Err(Refusal::Final(JetStreamError::Missing { stream: name })),
        None => make(context, lane_config(names, settings, store, lane)).await?,
    };
    let belongs = store_of(&found.info)?;
    if belongs != store {
        return Err(Refusal::Final(JetStreamError::Recreated { stream: name, found: belongs, expected: store }));
    }
    check_replicas(&found.info, settings)?;
    check_safe(&found.info)?;
    Ok(found)
}

fn check_replicas(info: &Info, settings: &JetStreamSettings) -> Result<(), Refusal> {
    let (stream, found, asked) = (info.config.name.clone(), info.config.num_replicas, settings.replicas);
    if found < asked {
        return Err(Refusal::Final(JetStreamError::TooFewReplicas { stream, found, asked }));
    }
    Ok(())
}

/// Settings that make a stream drop what nobody asked it to drop.
fn check_safe(info: &Info) -> Result<(), Refusal> {
    let config = &info.config;
    let faults = [
        (config.storage != StorageType::File, "memory storage"),
        (config.retention != RetentionPolicy::Limits, "a retention that is not by limits"),
        (config.discard != DiscardPolicy::New, "discard of old messages"),
        (!config.max_age.is_zero(), "a largest age"),
        (config.max_messages_per_subject > 0, "a largest number of messages per subject"),
    ];
    match faults.into_iter().find(|(is_so, _)| *is_so) {
        Some((_, what)) => Err(Refusal::Final(JetStreamError::Unsafe { stream: config.name.clone(), what })),
        None => Ok(()),
    }
}

/// The store a stream says it belongs to.
pub(super) fn store_of(info: &Info) -> Result<StoreId, Refusal> {
    let stream = || info.config.name.clone();
    let foreign = || Refusal::Final(JetStreamError::Foreign { stream: stream() });
    let said = info.config.description.as_deref().and_then(|text| text.strip_prefix(DESCRIPTION));
    let (format, store) = said.and_then(|said| said.split_once(", store ")).ok_or_else(foreign)?;
    let found: u32 = format.parse().map_err(|_| foreign())?;
    if found != FORMAT {
        return Err(Refusal::Final(JetStreamError::UnknownFormat { stream: stream(), found, known: FORMAT }));
    }
    store.parse().map_err(|_| foreign())
}

fn lane_config(names: &Names, settings: &JetStreamSettings, store: StoreId, lane: Lane) -> Config {
    Config {
        name: names.lane(lane),
        subjects: vec![names.subject(lane, "*")],
        max_bytes: match settings.lane_bytes_max {
            0 => -1,
            bytes => i64::try_from(bytes).unwrap_or(i64::MAX),
        },
        discard: DiscardPolicy::New,
        duplicate_window: SAME_APPEND_WITHIN,
        ..base(settings, store)
    }
}

fn floors_config(names: &Names, settings: &JetStreamSettings, store: StoreId) -> Config {
    Config {
        name: names.floors(),
        subjects: vec![format!("{}.floor.>", names.prefix)],
        max_messages_per_subject: 1,
        discard: DiscardPolicy::Old,
        ..base(settings, store)
    }
}

fn base(settings: &JetStreamSettings, store: StoreId) -> Config {
    Config {
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        num_replicas: settings.replicas,
        description: Some(format!("{DESCRIPTION}{FORMAT}, store {store}")),
        ..Config::default()
    }
}

async fn is_made(floors: &Stream, names: &Names) -> Result<bool, Refusal> {
    use async_nats::jetstream::stream::LastRawMessageErrorKind::NoMessageFound;
    match floors.get_last_raw_message_by_subject(&names.made()).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == NoMessageFound => Ok(false),
        Err(error) => Err(Refusal::NotYet(error.to_string())),
    }
}

async fn say_made(context: &Context, names: &Names) -> Result<(), Refusal> {
    let not_yet = |error: async_nats::jetstream::context::PublishError| Refusal::NotYet(error.to_string());
    let sent = context.publish(names.made(), bytes::Bytes::new()).await.map_err(not_yet)?;
    sent.await.map(drop).map_err(not_yet)
}
