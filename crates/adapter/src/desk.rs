//! The running door: what it was given, the current view of settings, and the one way by which anything leaves it,
//! an append to the queue.

use crate::{
    auth::{self, AuthError},
    clock::{DoorMark, Receipts},
    log::{Landing, Log},
    pace::Pace,
    remembered::ControlRows,
    room::{Room, Taken},
    share::Shares,
    view::ControlView,
};
use axum::http::HeaderMap;
use bytes::Bytes;
use cebe_catalog::{
    Definitions, Lane, Micros, Record,
    control::{Change, ControlRecord, KeyRow, Operation},
};
use cebe_central::engine_rows::Place;
use cebe_central::{Central, Snapshot, StoreError};
use cebe_privacy::{
    access::Grant,
    keys::{MasterKey, api_key_hash},
};
use cebe_queue::{AppendError, Queue};
use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

/// What the door is given.
pub struct Door {
    /// Where records go, and how far they are applied.
    pub log: Log,
    /// Read only: keys, flags, settings, quarantined bodies, outcomes.
    pub central: Arc<dyn Central>,
    /// Definitions of the installation.
    pub definitions: Arc<Definitions>,
    /// Wraps the companies' secrets.
    pub master: Arc<MasterKey>,
    /// Wall clock.
    pub clock: Arc<dyn Fn() -> Micros + Send + Sync>,
    /// Where random bytes come from: [`system_random`], unless time and chance are simulated.
    pub random: Random,
    /// Bounds.
    pub settings: DoorSettings,
}

/// Fills bytes at random.
pub type Random = Arc<dyn Fn(&mut [u8]) -> Result<(), getrandom::Error> + Send + Sync>;

/// The random bytes of the machine.
pub fn system_random() -> Random {
    Arc::new(getrandom::fill)
}

/// Bounds of a door.
#[derive(Clone, Debug)]
pub struct DoorSettings {
    /// Bytes of request bodies worked on at one time; beyond it the answer is `503`, first for who holds most.
    pub bytes_in_flight_max: usize,
    /// Bytes of records that may wait for the queue at one time; beyond it the answer is `503`, first for who holds most.
    pub bytes_waiting_max: usize,
    /// Requests that one key may make in a second; beyond it the answer is `429`. 0: no limit.
    pub key_requests_per_s_max: u32,
    /// How long a client may take to send its body.
    pub body_timeout: Duration,
    /// How long a change of settings waits to be applied.
    pub change_timeout: Duration,
    /// How old the view of settings may get before whoever asks for it looks at the store. The longest there is leaves it
    /// to whoever calls [`Desk::refresh`].
    pub view_age_max: Duration,
    /// Where the settings are remembered for a start without the store; none: there is no such start.
    pub remembered: Option<PathBuf>,
    /// Where files of history are kept until they are loaded; none: there is no loading of history.
    pub backfills: Option<PathBuf>,
    /// Works on the thread that asks, however long it takes. For simulation.
    pub one_thread: bool,
}

impl Default for DoorSettings {
    fn default() -> Self {
        Self {
            bytes_in_flight_max: 256 * 1024 * 1024,
            bytes_waiting_max: 64 * 1024 * 1024,
            key_requests_per_s_max: 0,
            body_timeout: Duration::from_secs(30),
            change_timeout: Duration::from_secs(30),
            view_age_max: Duration::from_millis(250),
            remembered: None,
            backfills: None,
            one_thread: false,
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
    #[error("a change is stored and waits its turn: more than {} s of work lay before it", .0.as_secs())]
    NotYetApplied(Duration),
    /// The store could not be read.
    #[error("settings cannot be read: {0}")]
    Store(#[from] StoreError),
    /// The system gave no random bytes.
    #[error("the system gives no random bytes: {0}")]
    NoRandom(getrandom::Error),
}

/// A running door. Cheap to clone.
#[derive(Clone)]
pub struct Desk(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) door: Door,
    view: RwLock<(Arc<ControlView>, Micros)>,
    receipts: Receipts,
    mark: DoorMark,
    /// Room for bodies.
    pub(crate) room: Room,
    /// Room for records until the queue has them.
    waiting: Room,
    pace: Pace,
    shares: Shares,
}

impl Door {
    /// The settings as they are stored, remembered from now on.
    fn load(&self, snapshot: &Snapshot) -> Result<ControlView, StoreError> {
        let rows = ControlRows::read(snapshot)?;
        if let Some(path) = &self.settings.remembered
            && let Err(error) = rows.remember(path)
        {
            tracing::warn!(%error, "settings cannot be remembered: without the store this door would not open again");
        }
        Ok(ControlView::of(&rows, &self.definitions, &self.master))
    }

    /// Receipts that go on behind what was received before, through whatever door.
    fn receipts(&self) -> Receipts {
        let queues: Vec<&dyn Queue> = self.log.branches().map(|(_, branch)| &*branch.queue).collect();
        Receipts::after_those_in(&queues, (self.clock)())
    }

    /// What tells this door's receipts from those of others.
    fn mark(&self) -> Result<DoorMark, DoorError> {
        if !self.log.is_sharded() {
            return Ok(DoorMark::default());
        }
        let mut drawn = [0; 4];
        (self.random)(&mut drawn).map_err(DoorError::NoRandom)?;
        Ok(DoorMark::among_several(drawn))
    }

    fn recall(&self) -> Option<ControlView> {
        let rows = ControlRows::recall(self.settings.remembered.as_ref()?)?;
        tracing::warn!("the store is away; the door opens with the settings it remembers");
        Some(ControlView::of(&rows, &self.definitions, &self.master))
    }
}

impl Desk {
    /// Opens the door with the settings as they are stored, or as they are remembered while the store is away.
    pub fn new(door: Door) -> Result<Self, DoorError> {
        let view = match door.central.snapshot().and_then(|snapshot| door.load(&snapshot)) {
            Ok(view) => view,
            Err(error) => door.recall().ok_or(error)?,
        };
        let (receipts, mark) = (door.receipts(), door.mark()?);
        let room = Room::new(door.settings.bytes_in_flight_max);
        let waiting = Room::new(door.settings.bytes_waiting_max);
        let pace = Pace::new(door.settings.key_requests_per_s_max);
        let view = RwLock::new((Arc::new(view), (door.clock)()));
        Ok(Self(Arc::new(Inner { door, view, receipts, mark, room, waiting, pace, shares: Shares::default() })))
    }

    /// The settings as they are now, at most `view_age_max` old; while the store cannot be read, as they were last.
    pub fn view(&self) -> Arc<ControlView> {
        let (view, checked) = self.held();
        // A clock that was put back makes the view old too.
        let age = Duration::from_micros(self.now().0.abs_diff(checked.0));
        if age < self.0.door.settings.view_age_max { view } else { self.refreshed(view) }
    }

    fn held(&self) -> (Arc<ControlView>, Micros) {
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
        // Whoever made a change has to find it with the next request, so this waits for those who look just now.
        let mut held = self.0.view.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(new) = new.filter(|new| new.version >= held.0.version) {
            held.0 = Arc::new(new);
        }
        held.1 = self.now();
        Arc::clone(&held.0)
    }

    fn reload(&self, old: &ControlView) -> Result<Option<ControlView>, StoreError> {
        let snapshot = self.snapshot()?;
        if snapshot.control_version()? == old.version {
            return Ok(None);
        }
        self.0.door.load(&snapshot).map(Some)
    }

    /// Who is calling.
    pub fn authenticate(&self, headers: &HeaderMap) -> Result<Grant, AuthError> {
        auth::find(&self.view(), headers).map(|key| key.grant.clone())
    }

    /// Counts a request against its key's limit; over it, says when to come back.
    pub(crate) fn admit(&self, grant: &Grant) -> Result<(), Duration> {
        self.0.pace.admit(&grant.key_id, self.now())
    }

    /// Lets somebody's events in; when the worker is late because of them, says when to come back. In a cluster a company
    /// shares its queue with few others.
    pub(crate) fn admit_share(&self, by: &str) -> Result<(), Duration> {
        let log = self.log();
        if log.is_sharded() {
            return Ok(());
        }
        let [applied, _] = *log.branch(0).applied.borrow();
        self.0.shares.admit(by, applied, self.now())
    }

    /// Room for records of somebody until the queue has them. What is larger than all of it goes when nothing else waits.
    pub(crate) fn wait_for_queue(&self, by: &str, bytes: usize) -> Option<Taken> {
        self.0.waiting.take(by, bytes.min(self.0.door.settings.bytes_waiting_max))
    }

    /// So many events of somebody landed in the live lane, the last of them here.
    pub(crate) fn note_share(&self, by: &str, events: usize, last: Landing) {
        if !self.log().is_sharded() {
            self.0.shares.landed(by, events as u64, last.place.index + 1, self.now());
        }
    }

    /// Appends a change where what it concerns stands, and waits until it is applied.
    pub async fn change(&self, by: &str, change: Change) -> Result<Place, DoorError> {
        let branch = self.0.door.log.branch_of(change.company());
        self.change_on(branch, by, change).await
    }

    /// Appends a change to this queue and waits until it is applied.
    pub(crate) async fn change_on(&self, branch: usize, by: &str, change: Change) -> Result<Place, DoorError> {
        let received_at = self.receipts(1);
        let record = Record::Control(Box::new(ControlRecord { received_at, by: by.into(), change }));
        let landing = self.append(branch, Lane::Live, Bytes::new(), vec![record.to_bytes().into()]).await?;
        let timeout = self.0.door.settings.change_timeout;
        if !self.0.door.log.until_applied(landing, timeout).await {
            return Err(DoorError::NotYetApplied(timeout));
        }
        self.refresh();
        Ok(landing.place)
    }

    /// Appends an operating event or the audit of a reveal and waits until it is applied.
    pub async fn append_operation(&self, by: &str, operation: Operation) -> Result<Place, DoorError> {
        self.change(by, Change::Operation(operation)).await
    }

    /// Makes `key` an admin key for every company, unless it is a key already.
    pub async fn bootstrap_admin(&self, key: &str) -> Result<(), DoorError> {
        let hash = api_key_hash(key);
        self.refresh();
        if self.view().keys.contains_key(&hash.into()) {
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

    /// Random bytes.
    pub(crate) fn random<const N: usize>(&self) -> Result<[u8; N], DoorError> {
        let mut bytes = [0; N];
        (self.0.door.random)(&mut bytes).map_err(DoorError::NoRandom)?;
        Ok(bytes)
    }

    /// Does long work off the threads that serve connections. `None` when it panicked.
    pub(crate) async fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        if self.0.door.settings.one_thread { Some(work()) } else { tokio::task::spawn_blocking(work).await.ok() }
    }

    /// A consistent view of the store.
    pub(crate) fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.0.door.central.snapshot()
    }

    /// Where records go.
    pub(crate) fn log(&self) -> &Log {
        &self.0.door.log
    }

    /// The wall clock.
    pub(crate) fn now(&self) -> Micros {
        (self.0.door.clock)()
    }

    /// Names the receipts of this door.
    pub(crate) fn mark(&self) -> &DoorMark {
        &self.0.mark
    }

    /// The first of `count` receipt times in a row.
    pub(crate) fn receipts(&self, count: usize) -> Micros {
        self.0.receipts.take(self.now(), count)
    }

    /// Appends records to a queue; gives where the first landed.
    pub(crate) async fn append(
        &self,
        branch: usize,
        lane: Lane,
        tag: Bytes,
        records: Vec<Bytes>,
    ) -> Result<Landing, AppendError> {
        self.0.door.log.append(branch, lane, tag, records).await
    }
}
