//! One life of the process: the real rooms put together as the binary does it, but each does its next piece of work only
//! when it is told to. Dropping it is the crash.

use crate::{
    client::{Answer, Call},
    clock::Clock,
    dice::Dice,
    history::LaneSwitch,
    store::SimulatedStore,
};
use axum::{Router, body::Body, http::Request};
use bytes::Bytes;
use cebe_adapter::{Desk, Door, DoorSettings, Log};
use cebe_catalog::{Definitions, Record};
use cebe_central::Central;
use cebe_privacy::keys::MasterKey;
use cebe_queue::{ByHand, Embedded, Lane, Parts, PerLane, Position, Queue, Settings, StoreId, disk::SimulatedDisk};
use cebe_retriever::{Freshness, ReadSettings, Reads};
use cebe_worker::{Positions, Worker, WorkerError, WorkerSettings};
use http_body_util::BodyExt;
use std::{
    future::Future,
    path::Path,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
};
use tokio::sync::watch;
use tower::ServiceExt;

/// The admin key of every simulation.
pub(crate) const ADMIN: &str = "cebe_the-admin-key-of-the-simulation";
const FOLDER: &str = "/data/queue";

/// What outlives a process, and what the next one is started with.
pub(crate) struct Outside {
    pub(crate) disk: SimulatedDisk,
    pub(crate) store: Arc<SimulatedStore>,
    pub(crate) clock: Clock,
    pub(crate) chance: Arc<Mutex<Dice>>,
    pub(crate) definitions: Arc<Definitions>,
    /// Most records of one commit.
    pub(crate) commit_records_max: usize,
    /// Bytes of a queue segment.
    pub(crate) segment_bytes: u64,
}

type Doing<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A request that is being worked on.
struct Flight {
    client: usize,
    number: u64,
    is_history: bool,
    doing: Doing<Answer>,
}

/// A running process.
pub(crate) struct Machine {
    pub(crate) queue: Arc<Embedded>,
    writer: ByHand,
    store: Arc<SimulatedStore>,
    worker: Option<Worker>,
    desk: Desk,
    router: Router,
    flights: Vec<Flight>,
    /// Appends of the machine's own that are not answered yet.
    ticks: Vec<Doing<()>>,
    history: Arc<AtomicBool>,
    has_failed: Arc<AtomicBool>,
    applied: Arc<watch::Sender<[u64; 2]>>,
    /// Ends of both lanes when it started: it serves once they are applied.
    ends: [u64; 2],
    is_serving: bool,
}

impl Machine {
    /// Starts a process over what is there.
    pub(crate) fn start(outside: &Outside) -> Result<Self, String> {
        let has_failed = Arc::new(AtomicBool::new(false));
        let (queue, writer) = open(outside, &has_failed).map_err(|error| error.to_string())?;
        let queue = Arc::new(queue);
        let history = Arc::new(AtomicBool::new(false));
        let applied = Arc::new(watch::channel([0, 0]).0);
        let lanes = Arc::new(LaneSwitch { queue: Arc::clone(&queue), history: Arc::clone(&history) });
        let desk = desk(outside, lanes, &applied).map_err(|error| error.to_string())?;
        let router = router(outside, &desk);
        let ends = [queue.end(Lane::Live).0, queue.end(Lane::Backfill).0];
        Ok(Self {
            queue,
            writer,
            store: Arc::clone(&outside.store),
            worker: None,
            desk,
            router,
            flights: Vec::new(),
            ticks: Vec::new(),
            history,
            has_failed,
            applied,
            ends,
            is_serving: false,
        })
    }

    /// Makes the admin key. For the first start.
    pub(crate) fn bootstrap(&mut self) {
        let desk = self.desk.clone();
        self.ticks.push(Box::pin(async move {
            // A crash takes it; the next start makes it again.
            let _ = desk.bootstrap_admin(ADMIN).await;
        }));
    }

    /// Whether a failed flush has ended the process.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed.load(Ordering::SeqCst)
    }

    /// Whether requests are taken.
    pub(crate) fn is_serving(&self) -> bool {
        self.is_serving
    }

    /// Whether nothing is under way.
    pub(crate) fn is_idle(&self) -> bool {
        let facts = self.queue.facts();
        let waiting = facts.lanes.live.waiting_appends + facts.lanes.backfill.waiting_appends;
        let applied = *self.applied.borrow();
        self.flights.is_empty()
            && self.ticks.is_empty()
            && waiting == 0
            && applied == [facts.lanes.live.end.0, facts.lanes.backfill.end.0]
    }

    /// Begins to work on a request.
    pub(crate) fn take(&mut self, client: usize, number: u64, key: &str, is_history: bool, call: &Call) {
        let request = Request::builder()
            .method(call.method)
            .uri(&call.path)
            .header("authorization", format!("Bearer {key}"))
            .header("content-length", call.body.len())
            .header("content-type", if call.lines { "application/x-ndjson" } else { "application/json" })
            .body(Body::from(call.body.clone()))
            .expect("calls of the simulation are requests");
        let doing = Box::pin(serve(self.router.clone(), request));
        self.flights.push(Flight { client, number, is_history, doing });
    }

    /// Goes on with one of the requests; gives its answer when that is ready.
    pub(crate) fn serve_one(&mut self, dice: &mut Dice) -> Option<(usize, u64, Answer)> {
        let mut context = Context::from_waker(Waker::noop());
        self.ticks.retain_mut(|tick| tick.as_mut().poll(&mut context).is_pending());
        if self.flights.is_empty() {
            return None;
        }
        let place = dice.roll(self.flights.len());
        let flight = &mut self.flights[place];
        self.history.store(flight.is_history, Ordering::SeqCst);
        let polled = flight.doing.as_mut().poll(&mut context);
        self.history.store(false, Ordering::SeqCst);
        let Poll::Ready(answer) = polled else { return None };
        let Flight { client, number, .. } = self.flights.swap_remove(place);
        Some((client, number, answer))
    }

    /// Writes what shares one flush.
    pub(crate) fn write(&mut self) -> bool {
        self.writer.write()
    }

    /// One batch of the worker, which is started when it does not run.
    pub(crate) fn work(&mut self, outside: &Outside) -> Result<bool, WorkerError> {
        let worked = self.worker(outside).and_then(Worker::turn);
        if worked.is_err() {
            self.worker = None;
        }
        let applied = *self.applied.borrow();
        if !self.is_serving && applied[0] >= self.ends[0] && applied[1] >= self.ends[1] {
            self.desk.refresh();
            self.is_serving = true;
        }
        worked
    }

    fn worker(&mut self, outside: &Outside) -> Result<&mut Worker, WorkerError> {
        let worker = match self.worker.take() {
            Some(worker) => worker,
            None => {
                let tell = Arc::clone(&self.applied);
                let applied = move |positions: Positions| {
                    tell.send_replace([positions.live.0, positions.backfill.0]);
                };
                let settings = WorkerSettings {
                    commit_records_max: outside.commit_records_max,
                    one_thread: true,
                    // Few enough that rows come and go, and more or less of them from seed to seed.
                    rows_bytes_max: outside.commit_records_max as u64 * 1_000,
                    ..WorkerSettings::new(outside.clock.micros(), Arc::new(applied))
                };
                let (queue, store) = (Arc::clone(&self.queue), Arc::clone(&self.store));
                Worker::new(queue, store, Arc::clone(&outside.definitions), settings)?
            }
        };
        Ok(self.worker.insert(worker))
    }

    /// Makes commits durable and lets the queue forget, as upkeep does.
    pub(crate) fn persist(&self) -> Result<(), String> {
        cebe_worker::persist(self.store.as_ref(), self.queue.as_ref()).map(drop).map_err(|error| error.to_string())
    }

    /// Tells the queue the time, as upkeep does.
    pub(crate) fn tick(&mut self, clock: &Clock) {
        let record = Bytes::from(Record::Tick(clock.now()).to_bytes());
        let appended = self.queue.append(Lane::Live, Bytes::new(), vec![record]);
        self.ticks.push(Box::pin(async move {
            // A tick that is not stored is followed by another.
            let _ = appended.await;
        }));
    }

    /// Takes a request of the admin.
    pub(crate) fn post(&mut self, mut request: Request<Body>) {
        let key = format!("Bearer {ADMIN}").parse().expect("the key is a header's value");
        request.headers_mut().insert("authorization", key);
        let doing = Box::pin(serve(self.router.clone(), request));
        self.flights.push(Flight { client: usize::MAX, number: 0, is_history: false, doing });
    }

    /// Asks for something and gets the answer at once: for reads, which wait for nobody.
    pub(crate) fn ask(&self, path: &str) -> Option<Answer> {
        let request = Request::get(path).header("authorization", format!("Bearer {ADMIN}"));
        let request = request.body(Body::empty()).expect("calls of the simulation are requests");
        let mut reading: Doing<Answer> = Box::pin(serve(self.router.clone(), request));
        match reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Some(answer),
            Poll::Pending => None,
        }
    }

    /// What is in the queue from a position on.
    pub(crate) fn records_from(&self, lane: Lane, from: Position) -> Result<Vec<(Position, Bytes)>, String> {
        let limit = cebe_queue::ReadLimit { records_max: usize::MAX, bytes_max: usize::MAX };
        self.queue.read(lane, from, limit).map_err(|error| error.to_string())
    }
}

fn open(outside: &Outside, has_failed: &Arc<AtomicBool>) -> Result<(Embedded, ByHand), cebe_queue::OpenError> {
    let failed = Arc::clone(has_failed);
    let parts = Parts {
        disk: Arc::new(outside.disk.clone()),
        clock: outside.clock.millis(),
        on_fatal: Box::new(move |_| failed.store(true, Ordering::SeqCst)),
        first_store: Some(StoreId([7; 16])),
    };
    let settings = Settings {
        segment_bytes: outside.segment_bytes,
        commit_bytes_max: 24 << 10,
        waiting_bytes_max: 96 << 10,
        ..Settings::default()
    };
    Embedded::open_by_hand(Path::new(FOLDER), settings, parts)
}

fn desk(
    outside: &Outside,
    queue: Arc<dyn Queue>,
    applied: &watch::Sender<[u64; 2]>,
) -> Result<Desk, cebe_adapter::DoorError> {
    let chance = Arc::clone(&outside.chance);
    let random = move |bytes: &mut [u8]| {
        chance.lock().unwrap_or_else(PoisonError::into_inner).fill(bytes);
        Ok(())
    };
    Desk::new(Door {
        log: Log::whole(queue, applied.subscribe()),
        central: Arc::clone(&outside.store) as Arc<dyn Central>,
        definitions: Arc::clone(&outside.definitions),
        master: Arc::new(MasterKey::new([7; 64])),
        clock: outside.clock.micros(),
        random: Arc::new(random),
        settings: DoorSettings { one_thread: true, ..DoorSettings::default() },
    })
}

fn router(outside: &Outside, desk: &Desk) -> Router {
    let (now, auditor) = (outside.clock.micros(), desk.clone());
    let reads = Reads {
        central: Arc::clone(&outside.store) as Arc<dyn Central>,
        definitions: Arc::clone(&outside.definitions),
        master: Arc::new(MasterKey::new([7; 64])),
        clock: outside.clock.micros(),
        freshness: Arc::new(move || Freshness { as_of: now(), lag_ms: 0, stale: false }),
        audit: Arc::new(move |operation, by| {
            let desk = auditor.clone();
            Box::pin(
                async move { desk.append_operation(&by, operation).await.map(drop).map_err(|error| error.to_string()) },
            )
        }),
    };
    let reads = cebe_retriever::router_with(reads, ReadSettings { one_thread: true, ..ReadSettings::default() });
    let guard = axum::middleware::from_fn_with_state(desk.clone(), cebe_adapter::guard);
    desk.router().merge(reads).layer(guard)
}

async fn serve(router: Router, request: Request<Body>) -> Answer {
    let Ok(response) = router.oneshot(request).await;
    let status = response.status().as_u16();
    let retry_after = response.headers().contains_key("retry-after");
    let bytes = response.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    Answer { status, retry_after, body: serde_json::from_slice(&bytes).unwrap_or_default() }
}

/// The first position of each lane that the queue still holds.
pub(crate) fn firsts(queue: &Embedded) -> PerLane<Position> {
    let facts = queue.facts();
    PerLane::from_fn(|lane| facts.lanes[lane].first)
}
