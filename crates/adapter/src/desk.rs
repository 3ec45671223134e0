//! The running door: what it was given, the current view of settings, and the one way by which anything leaves it,
//! an append to the queue.

use crate::{
    auth::{self, AuthError},
    clock::Receipts,
    pace::Pace,
    room::Room,
    view::ControlView,
    wait,
};
use axum::http::HeaderMap;
use bytes::Bytes;
use cebe_catalog::{
    Definitions, Lane, Micros, Record,
    control::{Change, ControlRecord, KeyRow, Operation},
    time::DAY,
};
use cebe_central::engine_rows::Place;
use cebe_central::{Central, Snapshot, StoreError};
use cebe_privacy::{
    access::Grant,
    keys::{MasterKey, api_key_hash},
};
use cebe_queue::{AppendError, Position, Queue, ReadLimit};
use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};
use tokio::sync::watch;

/// What the door is given.
pub struct Door {
    /// Where records go.
    pub queue: Arc<dyn Queue>,
    /// Read only: keys, flags, settings, quarantined bodies, outcomes.
    pub central: Arc<dyn Central>,
    /// Definitions of the installation.
    pub definitions: Arc<Definitions>,
    /// Wraps the companies' secrets.
    pub master: Arc<MasterKey>,
    /// Wall clock.
    pub clock: Arc<dyn Fn() -> Micros + Send + Sync>,
    /// Next index that the worker has committed, per lane (live, backfill).
    pub applied: watch::Receiver<[u64; 2]>,
    /// Bounds.
    pub settings: DoorSettings,
}

/// Bounds of a door.
#[derive(Clone, Debug)]
pub struct DoorSettings {
    /// Bytes of request bodies worked on at one time; beyond it the answer is `503`, first for who holds most.
    pub bytes_in_flight_max: usize,
    /// Requests that one key may make in a second; beyond it the answer is `429`. 0: no limit.
    pub key_requests_per_s_max: u32,
    /// How long a client may take to send its body.
    pub body_timeout: Duration,
    /// How long a change of settings waits to be applied.
    pub change_timeout: Duration,
    /// How old the view of settings may get.
    pub view_age_max: Duration,
    /// Where files of history are kept until they are loaded; none: there is no loading of history.
    pub backfills: Option<PathBuf>,
}

impl Default for DoorSettings {
    fn default() -> Self {
        Self {
            bytes_in_flight_max: 256 * 1024 * 1024,
            key_requests_per_s_max: 0,
            body_timeout: Duration::from_secs(30),
            change_timeout: Duration::from_secs(30),
            view_age_max: Duration::from_millis(250),
            backfills: None,
        }
    }
}

/// Why a change was not made, or not seen to be made.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The queue refused it.
    #[error("the change was not stored: {0}")]
    Append(#[from] AppendError),
    /// Durable, but not applied within the time.
    #[error("the change is stored and will be applied, but was not within {0:?}")]
    NotYetApplied(Duration),
    /// The store could not be read.
    #[error("settings cannot be read: {0}")]
    Store(#[from] StoreError),
    /// The system gave no random bytes.
    #[error("the system gives no random bytes: {0}")]
    NoRandom(getrandom::Error),
}

/// Records at the end of a lane that are looked at: requests overtake each other, but not by so many.
const TAIL_RECORDS: u64 = 1_000;

/// The latest receipt in the queue, so that receipts do not run backwards over a restart either. One more than a day
/// ahead is not believed: the clock was wrong then, or is now, and time would stand still until it gets there.
fn last_receipt(queue: &dyn Queue, now: Micros) -> Micros {
    let last = cebe_queue::Lane::ALL.into_iter().filter_map(|lane| {
        let end = queue.end(lane).0;
        let tail = ReadLimit { records_max: usize::MAX, bytes_max: usize::MAX };
        let from = end.saturating_sub(TAIL_RECORDS).max(queue.facts().lanes[lane].first.0);
        // What cannot be read now is found by the worker, who says so.
        let records = queue.read(lane, Position(from), tail).ok()?;
        records.iter().filter_map(|(_, bytes)| Some(Record::from_bytes(bytes).ok()?.received_at())).max()
    });
    last.max().filter(|last| last.0 - now.0 < DAY).unwrap_or_default()
}

/// A running door. Cheap to clone.
#[derive(Clone)]
pub struct Desk(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) door: Door,
    view: RwLock<(Arc<ControlView>, Instant)>,
    receipts: Receipts,
    /// Room for bodies.
    pub(crate) room: Room,
    pace: Pace,
}

impl Desk {
    /// Opens the door with the settings as they are stored.
    pub fn new(door: Door) -> Result<Self, DoorError> {
        let view = ControlView::load(&door.central.snapshot()?, &door.definitions, &door.master)?;
        let receipts = Receipts::after(last_receipt(&*door.queue, (door.clock)()));
        let room = Room::new(door.settings.bytes_in_flight_max);
        let pace = Pace::new(door.settings.key_requests_per_s_max);
        let view = RwLock::new((Arc::new(view), Instant::now()));
        Ok(Self(Arc::new(Inner { door, view, receipts, room, pace })))
    }

    /// The settings as they are now, at most `view_age_max` old; while the store cannot be read, as they were last.
    pub fn view(&self) -> Arc<ControlView> {
        let (view, checked) = self.held();
        if checked.elapsed() < self.0.door.settings.view_age_max { view } else { self.refreshed(view) }
    }

    fn held(&self) -> (Arc<ControlView>, Instant) {
        self.0.view.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Looks at once whether settings have changed.
    pub fn refresh(&self) {
        self.refreshed(self.held().0);
    }

    fn refreshed(&self, old: Arc<ControlView>) -> Arc<ControlView> {
        let new = self.reload(&old).unwrap_or_else(|error| {
            tracing::warn!(%error, "settings cannot be read; going on with the last ones");
            None
        });
        let Some(mut held) = self.0.view.try_write().ok() else { return new.map_or(old, Arc::new) };
        if let Some(new) = new.filter(|new| new.version >= held.0.version) {
            held.0 = Arc::new(new);
        }
        held.1 = Instant::now();
        Arc::clone(&held.0)
    }

    fn reload(&self, old: &ControlView) -> Result<Option<ControlView>, StoreError> {
        let snapshot = self.snapshot()?;
        if snapshot.control_version()? == old.version {
            return Ok(None);
        }
        ControlView::load(&snapshot, &self.0.door.definitions, &self.0.door.master).map(Some)
    }

    /// Who is calling.
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<Grant, AuthError> {
        auth::find(&self.view(), headers).map(|key| key.grant.clone())
    }

    /// Counts a request against its key's limit; over it, says when to come back.
    pub(crate) fn admit(&self, grant: &Grant) -> Result<(), Duration> {
        self.0.pace.admit(&grant.key_id, self.now())
    }

    /// Appends a change and waits until it is applied.
    pub async fn change(&self, by: &str, change: Change) -> Result<Place, DoorError> {
        let received_at = self.receipts(1);
        let record = Record::Control(Box::new(ControlRecord { received_at, by: by.into(), change }));
        let place = self.append(Lane::Live, Bytes::new(), vec![record.to_bytes().into()]).await?;
        let timeout = self.0.door.settings.change_timeout;
        if !wait::until_applied(self.0.door.applied.clone(), place, timeout).await {
            return Err(DoorError::NotYetApplied(timeout));
        }
        self.refresh();
        Ok(place)
    }

    /// Appends an operating event or the audit of a reveal and waits until it is applied.
    pub async fn append_operation(&self, by: &str, operation: Operation) -> Result<Place, DoorError> {
        self.change(by, Change::Operation(operation)).await
    }

    /// Makes `key` an admin key for every company, unless it is a key already.
    pub async fn bootstrap_admin(&self, key: &str) -> Result<(), DoorError> {
        let hash = api_key_hash(key);
        self.refresh();
        if self.view().keys.contains_key(&hash) {
            return Ok(());
        }
        let everything = || vec!["*".into()];
        let row = KeyRow {
            id: format!("admin-{}", hex::encode(&hash[..4])).into(),
            name: "first admin key".into(),
            hash,
            role: "admin".into(),
            companies: everything(),
            modules: everything(),
            teams: everything(),
            reveal: true,
            created_at: self.now(),
        };
        self.change("system", Change::Key(row)).await.map(drop)
    }

    /// A consistent view of the store.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.0.door.central.snapshot()
    }

    /// The wall clock.
    pub(crate) fn now(&self) -> Micros {
        (self.0.door.clock)()
    }

    /// The first of `count` receipt times in a row.
    pub(crate) fn receipts(&self, count: usize) -> Micros {
        self.0.receipts.take(self.now(), count)
    }

    /// Appends records; gives the place of the first.
    pub(crate) async fn append(&self, lane: Lane, tag: Bytes, records: Vec<Bytes>) -> Result<Place, AppendError> {
        let queue_lane = match lane {
            Lane::Live => cebe_queue::Lane::Live,
            Lane::Backfill => cebe_queue::Lane::Backfill,
        };
        let appended = self.0.door.queue.append(queue_lane, tag, records).await?;
        Ok(Place { lane, index: appended.first.0 })
    }
}
