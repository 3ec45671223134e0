//! A door with a queue and a store in memory, and a small worker that applies control records and new events.

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use cebe_adapter::{Desk, Door, DoorSettings};
use cebe_catalog::{
    CompanyId, Definitions, EventRecord, Lane, Micros, QuarantineCode, Record,
    control::Change,
    record::{QuarantineRecord, Vault},
};
use cebe_central::{Central, Memory as Store};
use cebe_engine::{
    change::{Applied, Changes, CompanyRow, ControlChange, ControlKind, ControlRow},
    rows::{Place, SeenKey},
};
use cebe_privacy::keys::{CompanyKeys, MasterKey};
use cebe_queue::{Memory as Log, Position, Queue, ReadLimit};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};
use tokio::sync::watch;
use tower::ServiceExt;

/// 2025-11-03T03:00:00Z: shortly after the usual example's time.
pub(crate) const NOW: Micros = Micros(1_762_138_800_000_000);
pub(crate) const ADMIN: &str = "cebe_admin-key-of-the-tests";

pub(crate) struct House {
    pub(crate) desk: Desk,
    pub(crate) queue: Arc<Log>,
    pub(crate) store: Arc<Store>,
    pub(crate) master: Arc<MasterKey>,
    router: Router,
    now: Arc<AtomicI64>,
    /// The worker applies what stands before this.
    held_at: Arc<AtomicU64>,
    applied: watch::Receiver<[u64; 2]>,
    stop: Arc<AtomicBool>,
    worker: Option<JoinHandle<()>>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    pub(crate) retry_after: Option<String>,
}

impl House {
    /// A door whose one company `demo` has every source switched on.
    pub(crate) async fn open() -> Self {
        let house = Self::closed(DoorSettings::default()).await;
        let demo = json!({"name": "Demo", "sso_id": "sso-demo", "time_zone": "Asia/Jakarta", "phone_region": "ID",
            "currency": "IDR"});
        assert_eq!(house.put("/v1/companies/demo", &demo).await.status, 200);
        for module in Definitions::standard().modules.keys() {
            let on = house.put(&format!("/v1/sources/{module}"), &json!({"enabled": true})).await;
            assert_eq!(on.status, 200, "{}", on.body);
        }
        house
    }

    /// A door without any company, every source off.
    pub(crate) async fn closed(settings: DoorSettings) -> Self {
        Self::with_queue(settings, Arc::new(Log::default())).await
    }

    pub(crate) async fn with_queue(settings: DoorSettings, queue: Arc<Log>) -> Self {
        let (store, master) = (Arc::new(Store::new()), Arc::new(MasterKey::new([7; 64])));
        let (publish, applied) = watch::channel([0, 0]);
        let (stop, held_at) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(u64::MAX)));
        let worker = {
            let (queue, store) = (Arc::clone(&queue), Arc::clone(&store));
            let (stop, held_at) = (Arc::clone(&stop), Arc::clone(&held_at));
            std::thread::spawn(move || apply_all(&queue, &store, &publish, &stop, &held_at))
        };
        let now = Arc::new(AtomicI64::new(NOW.0));
        let clock = Arc::clone(&now);
        let door = Door {
            log: cebe_adapter::Log::whole(queue.clone(), applied.clone()),
            central: store.clone(),
            definitions: Arc::new(Definitions::standard().clone()),
            master: master.clone(),
            clock: Arc::new(move || Micros(clock.load(Ordering::SeqCst))),
            random: cebe_adapter::system_random(),
            settings,
        };
        let desk = Desk::new(door).unwrap();
        desk.bootstrap_admin(ADMIN).await.unwrap();
        let guard = axum::middleware::from_fn_with_state(desk.clone(), cebe_adapter::guard);
        let router = desk.router().layer(guard);
        Self { desk, queue, store, master, router, now, held_at, applied, stop, worker: Some(worker) }
    }

    /// From now on the worker applies only what is there already and this many records more.
    pub(crate) async fn hold_after(&self, records: u64) {
        let applied = self.applied.borrow()[0];
        self.held_at.store(applied + records, Ordering::SeqCst);
        self.applied.clone().wait_for(|next| next[0] >= applied + records).await.unwrap();
    }

    /// The worker applies everything again, and has.
    pub(crate) async fn release(&self) {
        self.held_at.store(u64::MAX, Ordering::SeqCst);
        let end = self.queue.end(cebe_queue::Lane::Live).0;
        self.applied.clone().wait_for(|next| next[0] >= end).await.unwrap();
    }

    /// Time passes.
    pub(crate) fn pass(&self, micros: i64) {
        self.now.fetch_add(micros, Ordering::SeqCst);
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let header = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer { status, body, retry_after: header }
    }

    pub(crate) async fn call(&self, method: &str, path: &str, key: &str, body: impl Into<Body>) -> Answer {
        let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {key}"));
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.call("PUT", path, ADMIN, body.to_string()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, ADMIN, body.to_string()).await
    }

    /// Pushes raw bytes as the admin, with every event listed.
    pub(crate) async fn push(&self, body: impl Into<Body>) -> Answer {
        self.call("POST", "/v1/events?verbose=true", ADMIN, body).await
    }

    /// Makes a key and gives it.
    pub(crate) async fn key(&self, what: Value) -> String {
        let made = self.post("/v1/keys", &what).await;
        assert_eq!(made.status, 200, "{}", made.body);
        made.body["key"].as_str().unwrap().to_owned()
    }

    /// Every record of the live lane, as stored.
    pub(crate) fn raw_records(&self) -> Vec<Vec<u8>> {
        let lane = cebe_queue::Lane::Live;
        let limit = ReadLimit { records_max: usize::MAX, bytes_max: usize::MAX };
        self.queue.read(lane, Position::START, limit).unwrap().into_iter().map(|(_, bytes)| bytes.to_vec()).collect()
    }

    /// Every received event of the live lane.
    pub(crate) fn records(&self) -> Vec<Record> {
        let all = self.raw_records().into_iter().map(|bytes| Record::from_bytes(&bytes).unwrap());
        all.filter(|record| record.header().is_some()).collect()
    }

    /// The last received event, which must have been accepted.
    pub(crate) fn last_event(&self) -> (EventRecord, Vault) {
        match self.records().pop() {
            Some(Record::Event(event, vault)) => (*event, vault),
            other => panic!("an event was expected: {other:?}"),
        }
    }

    /// The last received event, which must have been refused.
    pub(crate) fn last_refused(&self) -> QuarantineRecord {
        match self.records().pop() {
            Some(Record::Quarantined(refused)) => *refused,
            other => panic!("a refusal was expected: {other:?}"),
        }
    }

    /// Pushes one event and gives the code and path it was refused with.
    pub(crate) async fn refused(&self, event: &Value) -> (QuarantineCode, Option<String>) {
        let answer = self.push(event.to_string()).await;
        assert_eq!((answer.status.as_u16(), &answer.body["quarantined"]), (200, &json!(1)), "{}", answer.body);
        let result = &answer.body["results"][0];
        let code = QuarantineCode::parse(result["code"].as_str().unwrap()).unwrap();
        assert!(!result["message"].as_str().unwrap().is_empty());
        let record = self.last_refused();
        assert_eq!((record.code, record.path.as_deref()), (code, result["path"].as_str()));
        (code, record.path.map(String::from))
    }

    /// Pushes one event that must be accepted, and gives its record.
    pub(crate) async fn accepted(&self, event: &Value) -> (EventRecord, Vault) {
        let answer = self.push(event.to_string()).await;
        assert_eq!(answer.body["accepted"], 1, "{event}\n{}", answer.body);
        self.last_event()
    }

    pub(crate) fn keys_of(&self, company: &str) -> CompanyKeys {
        let row = self.store.snapshot().unwrap().control(ControlKind::Company, company).unwrap();
        let Some(ControlRow::Company(row)) = row else { panic!("no company {company}") };
        CompanyKeys::unwrap_with(&self.master, &row.secrets).unwrap()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(worker) = self.worker.take() {
            worker.join().unwrap();
        }
    }
}

/// The usual event, with fields that differ; null takes one away.
pub(crate) fn event(differing: Value) -> Value {
    let definitions = Definitions::standard();
    let name = differing.get("event_name").and_then(Value::as_str).unwrap_or("segment.entered");
    let definition = definitions.events.get(name).unwrap_or(&definitions.events["segment.entered"]);
    let attributes = match name {
        "segment.entered" => json!({"segment_id": "seg-1"}),
        _ => json!({}),
    };
    let mut whole = cebe_catalog::envelope::example(definition, &attributes, &serde_json::Map::new());
    for (name, value) in differing.as_object().unwrap() {
        if value.is_null() {
            whole.as_object_mut().unwrap().remove(name);
        } else {
            whole[name] = value.clone();
        }
    }
    whole
}

fn apply_all(queue: &Log, store: &Store, publish: &watch::Sender<[u64; 2]>, stop: &AtomicBool, held_at: &AtomicU64) {
    let (mut next, lane) = (0, cebe_queue::Lane::Live);
    let limit = ReadLimit { records_max: 10_000, bytes_max: usize::MAX };
    while !stop.load(Ordering::SeqCst) {
        let wait = Duration::from_millis(20);
        for (position, bytes) in queue.read_within(lane, Position(next), limit, wait).unwrap() {
            if position.0 >= held_at.load(Ordering::SeqCst) {
                break;
            }
            next = position.0 + 1;
            let mut changes =
                Changes { positions: vec![Place { lane: Lane::Live, index: next }], ..Changes::default() };
            match Record::from_bytes(&bytes).unwrap() {
                Record::Control(record) => changes.control = control_rows(store, record.change, record.received_at),
                Record::Quarantined(refused) => changes.quarantined.push(*refused),
                Record::Event(event, _) if is_new(store, &event) => {
                    let place = Place { lane: Lane::Live, index: position.0 };
                    changes.applied.push(Applied { event: *event, place });
                }
                _ => {}
            }
            store.commit(&changes).unwrap();
        }
        publish.send_replace([next, 0]);
    }
}

/// First come, first served: enough of dedup for the door's own tests.
fn is_new(store: &Store, event: &EventRecord) -> bool {
    let (company, module) = (event.header.company.clone(), event.header.module.clone());
    let key = SeenKey { company, module, name: event.name.clone(), id: event.id.clone() };
    store.snapshot().unwrap().seen(&key).unwrap().is_none()
}

fn control_rows(store: &Store, change: Change, at: Micros) -> Vec<ControlChange> {
    let put = |kind, id: String, row| ControlChange { kind, id: id.into(), row: Some(row) };
    vec![match change {
        Change::Company { id, settings, secrets } => {
            let old = store.snapshot().unwrap().control(ControlKind::Company, id.as_str()).unwrap();
            let secrets = match (secrets, old) {
                (Some(secrets), None) => secrets,
                (None, Some(ControlRow::Company(row))) => row.secrets,
                other => panic!("secrets are made once: {other:?}"),
            };
            let row = CompanyRow { settings, secrets, created_at: at, rebuilding: false };
            put(ControlKind::Company, id.to_string(), ControlRow::Company(row))
        }
        Change::Source(flag) => put(ControlKind::Source, flag.module.to_string(), ControlRow::Source(flag)),
        Change::Key(row) => put(ControlKind::Key, row.id.to_string(), ControlRow::Key(row)),
        Change::KeyRemoved { id } => ControlChange { kind: ControlKind::Key, id, row: None },
        Change::Team(row) => put(ControlKind::Team, row.id.to_string(), ControlRow::Team(row)),
        Change::Fields { company, classes } => {
            put(ControlKind::Fields, company.to_string(), ControlRow::Fields(classes.into_iter().collect()))
        }
        Change::EventDefinition { company, name, json } => {
            put(ControlKind::EventDefinition, format!("{company}\0{name}"), ControlRow::EventDefinition(json))
        }
        Change::Replayed { company, receipt } => {
            put(ControlKind::Replayed, format!("{company}\0{receipt}"), ControlRow::Replayed(at))
        }
        _ => return Vec::new(),
    }]
}

pub(crate) fn company(name: &str) -> CompanyId {
    CompanyId::new(name)
}
