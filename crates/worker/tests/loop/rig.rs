//! A worker between a queue and a store in memory.

use cebe_catalog::{
    CompanyId, CompanySettings, Definitions, EventRecord, IdentifierKind, Lane, Micros, Node, QuarantineCode, Record,
    Token, Value,
    control::{Change, ControlRecord},
    record::{Header, QuarantineRecord},
    time::{DAY, HOUR},
};
use cebe_central::{Central, KeyRange, Memory, Order, Snapshot, StoreError, StoreFacts, Table, View, port::Visit};
use cebe_engine::{
    change::Changes,
    rows::{OutcomeKey, Place, Point, PointKey, Sum},
};
use cebe_queue::{Memory as MemoryQueue, Queue};
use cebe_worker::{
    Applied, VerifyReport, Worker, WorkerError, WorkerSettings, gather::queue_lane, refused as refusals, verify,
    verify_received,
};
use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{Arc, atomic::AtomicBool},
    task::{Context, Poll, Waker},
};

pub struct Rig {
    queue: Arc<MemoryQueue>,
    central: Arc<dyn Central>,
}

pub fn company() -> CompanyId {
    "c".into()
}

pub fn at() -> Micros {
    Micros(20_000 * DAY)
}

pub fn event(name: &str, id: &str, customer: &str) -> Record {
    let header = Header { company: company(), module: "cdp".into(), received_at: at(), lane: Lane::Live };
    Record::Event(
        Box::new(EventRecord {
            header,
            name: name.into(),
            id: id.into(),
            derived: false,
            content: [1; 16],
            event_at: at(),
            sent_at: None,
            anchor: Some(Node::Customer(customer.into())),
            identifiers: Vec::new(),
            references: Vec::new(),
            actor: None,
            trigger_from: None,
            description: None,
            attributes: vec![("acquisition_source".into(), Value::Text("web".into()))],
            warnings: Vec::new(),
        }),
        Vec::new(),
    )
}

/// An event of one customer that shows another id to be the same person's.
pub fn linked(name: &str, id: &str, customer: &str, other: &str) -> Record {
    let Record::Event(mut event, vault) = event(name, id, customer) else { unreachable!("it is an event") };
    event.identifiers = vec![Node::Customer(other.into())];
    Record::Event(event, vault)
}

/// An event that shows a customer to have a phone.
pub fn called(id: &str, customer: &str, phone: u8) -> Record {
    let Record::Event(mut event, vault) = event("customer.updated", id, customer) else {
        unreachable!("it is an event")
    };
    event.identifiers = vec![Node::Token(IdentifierKind::Phone, Token([phone; 16]))];
    Record::Event(event, vault)
}

/// The same event under another id.
pub fn under_another_id(record: Record, id: &str) -> Record {
    let Record::Event(mut event, vault) = record else { unreachable!("it is an event") };
    event.id = id.into();
    Record::Event(event, vault)
}

/// A ticket that a customer opened at a time.
pub fn ticket(id: &str, customer: &str, at: Micros) -> Record {
    let Record::Event(mut event, vault) = event("ticket.created", id, customer) else { unreachable!("it is an event") };
    event.header.module = "ticketing".into();
    (event.header.received_at, event.event_at) = (at, at);
    event.attributes = [("ticket_id", id), ("pipeline_id", "p"), ("stage_id", "new")]
        .map(|(name, text)| (name.into(), Value::Text(text.into())))
        .into();
    Record::Event(event, vault)
}

pub fn refused() -> Record {
    Record::Quarantined(Box::new(QuarantineRecord {
        header: Header { company: company(), module: "cdp".into(), received_at: at(), lane: Lane::Live },
        receipt: format!("{:020}", at().0).into(),
        name: None,
        id: None,
        code: QuarantineCode::MalformedJson,
        path: None,
        hint: QuarantineCode::MalformedJson.hint().into(),
        body: Vec::new(),
        key_id: "key".into(),
    }))
}

/// What the door writes on a frame: received events by company, source and hour.
pub fn tag_of(records: &[Record]) -> Vec<u8> {
    let mut rows: BTreeMap<OutcomeKey, u64> = BTreeMap::new();
    for header in records.iter().filter_map(Record::header) {
        let hour = Micros(header.received_at.0.div_euclid(HOUR) * HOUR);
        *rows
            .entry(OutcomeKey { company: header.company.clone(), module: header.module.clone(), hour })
            .or_default() += 1;
    }
    serde_json::to_vec(&rows.into_iter().collect::<Vec<_>>()).unwrap()
}

impl Rig {
    pub fn new(settings: CompanySettings) -> Self {
        Self::with(settings, Arc::new(Memory::new()))
    }

    /// A store that panics when it is asked about an id.
    pub fn poisoned(settings: CompanySettings, id: &'static str) -> Self {
        Self::with(settings, Arc::new(Poisoned { inner: Memory::new(), id, panics: true }))
    }

    /// A store that takes no commit of an event with this id.
    pub fn refusing(id: &'static str) -> Self {
        Self::with(CompanySettings::default(), Arc::new(Poisoned { inner: Memory::new(), id, panics: false }))
    }

    /// Sets aside what the store refuses.
    pub fn set_aside(&self) -> Result<Option<Place>, WorkerError> {
        let queue: Arc<dyn Queue> = self.queue.clone();
        refusals::set_aside(&queue, |queue| {
            let settings = WorkerSettings::new(Arc::new(at), Arc::new(|_| {}));
            Worker::new(queue, self.central.clone(), Arc::new(Definitions::standard().clone()), settings)
        })
    }

    fn with(settings: CompanySettings, central: Arc<dyn Central>) -> Self {
        let rig = Self { queue: Arc::new(MemoryQueue::default()), central };
        let change = Change::Company { id: company(), settings, secrets: Some(Vec::new()) };
        let record = ControlRecord { received_at: at(), by: "test".into(), change };
        rig.push(Lane::Live, vec![Record::Control(Box::new(record))]);
        rig.drain();
        rig
    }

    pub fn push(&self, lane: Lane, records: Vec<Record>) {
        self.append(lane, tag_of(&records), records.iter().map(Record::to_bytes).collect());
    }

    pub fn push_bytes(&self, lane: Lane, records: Vec<Vec<u8>>) {
        self.append(lane, Vec::new(), records);
    }

    /// Appends with a tag of one's own.
    pub fn append(&self, lane: Lane, tag: Vec<u8>, records: Vec<Vec<u8>>) {
        let records = records.into_iter().map(Into::into).collect();
        let mut append = self.queue.append(queue_lane(lane), tag.into(), records);
        // A queue in memory answers at once.
        match append.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(appended) => drop(appended.unwrap()),
            Poll::Pending => panic!("a queue in memory answers at once"),
        }
    }

    pub fn tick(&self, at: Micros) {
        self.push(Lane::Live, vec![Record::Tick(at)]);
        self.drain();
    }

    fn worker(&self) -> Worker {
        self.worker_at(at())
    }

    /// A worker whose clock stands.
    pub fn worker_at(&self, now: Micros) -> Worker {
        let definitions = Arc::new(Definitions::standard().clone());
        let settings = WorkerSettings::new(Arc::new(move || now), Arc::new(|_| {}));
        Worker::new(self.queue.clone(), self.central.clone(), definitions, settings).unwrap()
    }

    pub fn try_drain(&self) -> Result<(), WorkerError> {
        self.worker().drain()
    }

    pub fn drain(&self) {
        self.try_drain().unwrap();
    }

    /// One batch of at most so many records, by a worker that is then gone.
    pub fn turn_of(&self, records_max: usize) {
        let mut settings = WorkerSettings::new(Arc::new(at), Arc::new(|_| {}));
        settings.commit_records_max = records_max;
        let definitions = Arc::new(Definitions::standard().clone());
        let mut worker = Worker::new(self.queue.clone(), self.central.clone(), definitions, settings).unwrap();
        worker.turn().unwrap();
        // Told to stop, it finishes what it was committing.
        worker.run(&AtomicBool::new(true)).unwrap();
    }

    /// So many batches by a worker that is then gone; what it had not committed is not.
    pub fn turns(&self, turns: usize) {
        let mut worker = self.worker();
        for _ in 0..turns {
            worker.turn().unwrap();
        }
    }

    /// One batch by a worker that is then gone.
    pub fn turn(&self) {
        self.worker().turn().unwrap();
    }

    /// Forgets records below an index.
    pub fn trim(&self, lane: Lane, below: u64) {
        self.queue.trim(queue_lane(lane), cebe_queue::Position(below)).unwrap();
    }

    /// Compares the queue's frames with the outcomes.
    pub fn verify_received(&self) -> VerifyReport {
        let mut report = VerifyReport::default();
        let read_tag = |bytes: &[u8]| match bytes {
            [] => Some(Vec::new()),
            bytes => serde_json::from_slice(bytes).ok(),
        };
        let snapshot = self.snapshot();
        let applied = Applied { queue: self.queue.clone(), positions: snapshot.positions().unwrap() };
        verify_received(&[applied], &snapshot, None, &read_tag, &mut report).unwrap();
        report
    }

    /// Compares what is stored with what the log gives.
    pub fn verify(&self) -> VerifyReport {
        verify(&*self.central, Definitions::standard(), None, &|_| {}).unwrap()
    }

    /// Recomputes the company.
    pub fn rebuild(&self) {
        let change = Change::Rebuild { company: company() };
        let record = ControlRecord { received_at: at(), by: "test".into(), change };
        self.push(Lane::Live, vec![Record::Control(Box::new(record))]);
        self.drain();
    }

    /// What a component counts of the events that are in the log.
    pub fn live(&self, component: &str) -> i64 {
        let mut count = 0;
        let visit = &mut |key: &PointKey, point: &Point| {
            count += if key.component == component { point.live.count } else { 0 };
            ControlFlow::Continue(())
        };
        self.snapshot().all_points(&company(), visit).unwrap();
        count
    }

    pub fn snapshot(&self) -> Snapshot {
        self.central.snapshot().unwrap()
    }

    pub fn log_len(&self) -> usize {
        let mut events = 0;
        let visit = &mut |_, _| {
            events += 1;
            ControlFlow::Continue(())
        };
        self.snapshot().log(&company(), visit).unwrap();
        events
    }

    pub fn totals(&self) -> BTreeMap<String, Sum> {
        let mut totals = BTreeMap::new();
        let visit = &mut |key: &_, point: &Point| {
            totals.insert(format!("{key:?}"), point.total());
            ControlFlow::Continue(())
        };
        self.snapshot().all_points(&company(), visit).unwrap();
        totals
    }
}

struct Poisoned {
    inner: Memory,
    id: &'static str,
    /// Else it refuses.
    panics: bool,
}

struct PoisonedView {
    inner: Snapshot,
    /// What it panics about.
    id: Option<&'static str>,
}

impl Central for Poisoned {
    fn snapshot(&self) -> Result<Snapshot, StoreError> {
        let id = self.panics.then_some(self.id);
        Ok(Snapshot::over(Arc::new(PoisonedView { inner: self.inner.snapshot()?, id })))
    }

    fn commit(&self, changes: &Changes) -> Result<(), StoreError> {
        let is_poison = |applied: &cebe_engine::change::Applied| applied.event.id.as_str() == self.id;
        if !self.panics && changes.applied.iter().any(is_poison) {
            return Err(StoreError::KeyTooLong(Table::Node));
        }
        self.inner.commit(changes)
    }

    fn persist(&self) -> Result<Vec<Place>, StoreError> {
        self.inner.persist()
    }

    fn replace_derived(&self, company: &CompanyId, from: &Snapshot) -> Result<(), StoreError> {
        self.inner.replace_derived(company, from)
    }

    fn facts(&self) -> StoreFacts {
        self.inner.facts()
    }
}

impl View for PoisonedView {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let is_in = |poison: &[u8]| key.windows(poison.len()).any(|window| window == poison);
        assert!(!(table == Table::Node && self.id.is_some_and(|id| is_in(id.as_bytes()))), "poison");
        self.inner.view().get(table, key)
    }

    fn scan(&self, table: Table, range: KeyRange, order: Order, visit: &mut Visit<'_>) -> Result<(), StoreError> {
        self.inner.view().scan(table, range, order, visit)
    }
}
