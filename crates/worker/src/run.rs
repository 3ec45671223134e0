//! The worker: gathers a batch, drives the engine, commits, and says how far it has come. One per store, on a thread of
//! its own.

use crate::{
    apply::{self, Applied, drive},
    backfill,
    committer::Committer,
    companies::Companies,
    gather::{Batch, Gather, catalog_lane, queue_lane},
    hot::Hot,
    notes::Notes,
    pipeline::Reads,
    rebuild::rebuild,
    retention, sequences,
    shares::{Records, Stepper},
    watch::Watch,
};
use cebe_catalog::{
    CompanyId, Definitions, Micros, Record,
    control::{Change, ControlRecord},
    limits,
    record::RecordError,
};
use cebe_central::{Central, StoreError};
use cebe_engine::{
    change::{Changes, CompanyRow, ControlChange, ControlKind, ControlRow},
    control,
    rows::Place,
    step::{Context, Step},
};
use cebe_queue::{Lane, PerLane, Position, Queue, ReadError, ReadLimit};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// The next index to read, per lane.
pub type Positions = PerLane<Position>;

/// Why the worker stopped.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The store failed.
    #[error("the central database failed: {0}")]
    Store(#[from] StoreError),
    /// The queue failed.
    #[error("the queue failed: {0}")]
    Queue(#[from] ReadError),
    /// The system gives no thread.
    #[error("no thread to commit on: {0}; raise the limit of threads")]
    Thread(#[from] std::io::Error),
    /// A record that no release like this one wrote.
    #[error(
        "record {index} of lane {lane:?} cannot be read: {error}; nothing was skipped, start the release that wrote it"
    )]
    Record {
        /// Where it stands.
        index: u64,
        /// In which lane.
        lane: cebe_catalog::Lane,
        /// Why.
        error: RecordError,
    },
}

impl WorkerError {
    /// Whether the store takes nothing more until it is opened again.
    pub fn is_lasting(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_lasting())
    }
}

/// How the worker runs.
#[derive(Clone)]
pub struct WorkerSettings {
    /// Most records of one commit.
    pub commit_records_max: usize,
    /// Commits on the thread that steps instead of beside it. For simulation: what is read is the same.
    pub one_thread: bool,
    /// On how many threads a batch of several companies is stepped, at least one.
    pub step_threads: usize,
    /// How many bytes of rows are kept in memory from step to step.
    pub rows_bytes_max: u64,
    /// The wall clock, for latencies only.
    pub clock: Arc<dyn Fn() -> Micros + Send + Sync>,
    /// Told after every commit how far both lanes are applied.
    pub applied: Arc<dyn Fn(Positions) + Send + Sync>,
}

/// The loop and what it keeps between commits.
pub struct Worker {
    queue: Arc<dyn Queue>,
    central: Arc<dyn Central>,
    definitions: Arc<Definitions>,
    settings: WorkerSettings,
    companies: Companies,
    committed: Positions,
    /// Where reading goes on once what is pending is committed.
    planned: Positions,
    pending: Option<Pending>,
    /// Commits beside the step; `None` when one thread does both.
    committer: Option<Committer>,
    stepper: Stepper,
    hot: Hot,
    gather: Gather,
    watch: Watch,
    notes: Notes,
}

/// The changes of a step, not yet committed.
struct Pending {
    changes: Arc<Changes>,
    positions: Positions,
    started: Micros,
}

impl Worker {
    /// A worker that goes on where the store says it stopped. Rebuilds that a stop cut short are done first.
    pub fn new(
        queue: Arc<dyn Queue>,
        central: Arc<dyn Central>,
        definitions: Arc<Definitions>,
        settings: WorkerSettings,
    ) -> Result<Self, WorkerError> {
        let snapshot = central.snapshot()?;
        let companies = Companies::load(&snapshot)?;
        let mut committed = Positions::default();
        for place in snapshot.positions()? {
            committed[queue_lane(place.lane)] = Position(place.index);
        }
        let gather = Gather::new(committed, settings.commit_records_max);
        let watch = Watch::new(settings.clock.clone(), Arc::clone(&definitions));
        let notes = Notes::default();
        let (planned, pending) = (committed, None);
        let committer = if settings.one_thread { None } else { Some(Committer::start()?) };
        let stepper = Stepper::on(if settings.one_thread { 1 } else { settings.step_threads })?;
        let hot = Hot::new(settings.rows_bytes_max, settings.one_thread);
        let mut worker = Self {
            queue,
            central,
            definitions,
            settings,
            companies,
            committed,
            planned,
            pending,
            committer,
            stepper,
            hot,
            gather,
            watch,
            notes,
        };
        for company in worker.companies.rebuilding() {
            worker.rebuild(&company)?;
        }
        (worker.settings.applied)(worker.committed);
        Ok(worker)
    }

    /// How far both lanes are applied.
    pub fn committed(&self) -> Positions {
        self.committed
    }

    /// Runs until told to stop; what was being committed is finished first.
    pub fn run(&mut self, stop: &AtomicBool) -> Result<(), WorkerError> {
        while !stop.load(Ordering::Relaxed) {
            if !self.turn()? {
                self.queue.wait(self.gather.next(), Duration::from_millis(250));
            }
        }
        self.flush()
    }

    /// Applies everything that is there now.
    pub fn drain(&mut self) -> Result<(), WorkerError> {
        while self.turn()? {}
        Ok(())
    }

    /// One batch. Says whether there was anything to do. The commit of a batch may go on beside the next one's step;
    /// when there is no next one it is finished at once. A worker that failed is not used again: what it planned and
    /// remembers may never be committed.
    pub fn turn(&mut self) -> Result<bool, WorkerError> {
        self.fill()?;
        match self.gather.take() {
            None => return Ok(false),
            Some(Batch::Records(records)) => self.records(records)?,
            Some(Batch::Alone(place, record)) => {
                self.flush()?;
                self.alone(place, &record)?;
            }
            Some(Batch::Tick(place, at)) => {
                self.flush()?;
                self.tick(place, at)?;
            }
        }
        // What cannot be read stops the next turn; what was read before it is committed.
        if self.pending.is_some() && (self.fill().is_err() || self.gather.is_empty()) {
            self.flush()?;
        }
        Ok(true)
    }

    fn fill(&mut self) -> Result<(), WorkerError> {
        self.gather.fill(self.queue.as_ref())?;
        match self.gather.damaged.first() {
            Some((place, error)) => Err(WorkerError::Record { index: place.index, lane: place.lane, error: *error }),
            None => Ok(()),
        }
    }

    fn records(&mut self, records: Records) -> Result<(), WorkerError> {
        let places: Vec<Place> = records.iter().map(|(place, _)| *place).collect();
        let plain: Vec<ControlChange> = records.iter().flat_map(plain_control).collect();
        self.notes.received(&records);
        let (noted, numbered) = (backfill::Noted::of(&records), sequences::Numbered::of(&records));
        match self.step(records)? {
            Applied::Changes(mut changes) => {
                changes.control.extend(plain);
                // Everything before is committed by now.
                changes.control.extend(numbered.rows(self.central.as_ref())?);
                changes.control.extend(noted.rows(&changes, self.central.as_ref())?);
                self.plan(*changes, &places);
                if self.gather.is_empty() {
                    self.gather.resize(self.settings.commit_records_max);
                }
                Ok(())
            }
            Applied::Fault if places.len() > 1 => {
                self.gather = Gather::new(self.committed, places.len() / 2);
                Ok(())
            }
            Applied::Fault => self.set_aside(places[0]),
        }
    }

    /// Runs the step of a batch while what is pending is committed; afterwards nothing is.
    fn step(&mut self, records: Records) -> Result<Applied, WorkerError> {
        let pending = self.pending.take();
        let context = Context { definitions: &self.definitions, companies: self.companies.contexts() };
        let (told, positions) = (Arc::clone(&self.settings.applied), self.planned);
        let changes = pending.as_ref().map(|pending| &pending.changes);
        let reads = Reads::start(&self.central, changes, self.committer.as_ref(), move || told(positions))?;
        let applied = self.stepper.apply(context, records, |wants| self.hot.load(wants, |left| reads.load(left)));
        // Whatever became of the step, no commit goes on behind the worker's back.
        reads.finish()?;
        drop(reads);
        let applied = applied?;
        self.done(pending);
        Ok(applied)
    }

    /// A record that the engine fails on even alone.
    fn set_aside(&mut self, place: Place) -> Result<(), WorkerError> {
        let limit = ReadLimit { records_max: 1, bytes_max: 1 };
        let found = self.queue.read(queue_lane(place.lane), Position(place.index), limit)?;
        let record = found.first().and_then(|(_, bytes)| Record::from_bytes(bytes).ok());
        let fault = record.and_then(|record| apply::engine_fault(place, &record));
        tracing::error!(lane = ?place.lane, index = place.index, "the engine failed on a record; it is quarantined as engine_fault");
        let context = Context { definitions: &self.definitions, companies: self.companies.contexts() };
        let records: Vec<_> = fault.map(|record| (place, record)).into_iter().collect();
        let noted = backfill::Noted::of(&records);
        let mut changes = drive(Step::records(context, records), &self.central.snapshot()?)?;
        changes.control.extend(noted.rows(&changes, self.central.as_ref())?);
        self.commit(changes, &[place])
    }

    fn alone(&mut self, place: Place, record: &ControlRecord) -> Result<(), WorkerError> {
        let snapshot = self.central.snapshot()?;
        let context = Context { definitions: &self.definitions, companies: self.companies.contexts() };
        let mut changes = match &record.change {
            Change::Unlink(unlink) => drive(Step::unlink(context, unlink.clone()), &snapshot)?,
            Change::Erase { company, customer, receipt } => {
                let step = Step::erase(context, company.clone(), customer.clone(), receipt);
                let mut changes = drive(step, &snapshot)?;
                retention::receipt(&mut changes, company, customer, receipt, record.received_at);
                changes
            }
            _ => Changes::default(),
        };
        let stored = company_of(&record.change).and_then(|id| self.companies.row(id));
        changes.control.extend(control::rows(record, place, stored));
        let rebuilt = self.take_settings(&record.change, &changes);
        self.commit(changes, &[place])?;
        rebuilt.map_or(Ok(()), |company| self.rebuild(&company))
    }

    /// Takes in a company's new settings; says whether its history has to be recomputed.
    fn take_settings(&mut self, change: &Change, changes: &Changes) -> Option<CompanyId> {
        if let Change::Rebuild { company } = change {
            return Some(company.clone());
        }
        let Change::Company { id, .. } = change else { return None };
        let row = changes.control.iter().find_map(|change| match &change.row {
            Some(ControlRow::Company(row)) => Some(row.clone()),
            _ => None,
        })?;
        let rebuilding = row.rebuilding;
        self.companies.put(id.clone(), row);
        rebuilding.then(|| id.clone())
    }

    fn rebuild(&mut self, company: &CompanyId) -> Result<(), WorkerError> {
        tracing::info!(%company, "recomputing the company from its log");
        self.hot.clear();
        rebuild(self.central.as_ref(), &self.definitions, &self.companies, company)?;
        let Some(row) = self.companies.row(company).cloned() else { return Ok(()) };
        let row = CompanyRow { rebuilding: false, ..row };
        self.companies.put(company.clone(), row.clone());
        let change =
            ControlChange { kind: ControlKind::Company, id: company.0.clone(), row: Some(ControlRow::Company(row)) };
        self.central.commit(&Changes { control: vec![change], ..Changes::default() })?;
        Ok(())
    }

    fn tick(&mut self, place: Place, at: Micros) -> Result<(), WorkerError> {
        let expired = retention::expired(self.central.as_ref(), &self.companies, at)?;
        for (company, events) in expired.batches {
            let context = Context { definitions: &self.definitions, companies: self.companies.contexts() };
            let mut changes = drive(Step::retire(context, events), &self.central.snapshot()?)?;
            retention::seal(&mut changes, &company, at, retention::EXPIRY);
            self.central.commit(&changes)?;
            self.hot.take(&changes);
        }
        self.commit(expired.changes, &[place])
    }

    /// Commits with the positions behind `places`, and tells whoever waits.
    fn commit(&mut self, changes: Changes, places: &[Place]) -> Result<(), WorkerError> {
        self.plan(changes, places);
        self.flush()
    }

    /// Makes changes, with the positions behind `places`, the ones to commit next.
    fn plan(&mut self, mut changes: Changes, places: &[Place]) {
        let lanes: BTreeSet<Lane> = places.iter().map(|place| queue_lane(place.lane)).collect();
        for place in places {
            self.planned[queue_lane(place.lane)] = Position(place.index).plus(1);
        }
        changes.positions =
            lanes.iter().map(|lane| Place { lane: catalog_lane(*lane), index: self.planned[*lane].0 }).collect();
        changes.control.extend(self.watch.breaches());
        self.hot.take(&changes);
        let started = (self.settings.clock)();
        self.notes.write(&mut changes, places.first().copied(), started);
        self.pending = Some(Pending { changes: Arc::new(changes), positions: self.planned, started });
    }

    /// Commits what is pending.
    fn flush(&mut self) -> Result<(), WorkerError> {
        let pending = self.pending.take();
        if let Some(pending) = &pending {
            self.central.commit(&pending.changes)?;
            (self.settings.applied)(pending.positions);
        }
        self.done(pending);
        Ok(())
    }

    /// What was pending is committed, and whoever waits was told.
    fn done(&mut self, pending: Option<Pending>) {
        let Some(Pending { changes, positions, started }) = pending else { return };
        self.committed = positions;
        self.watch.committed(&changes, started);
    }
}

/// Rows of control records that need no step of their own.
fn plain_control((place, record): &(Place, Record)) -> Vec<ControlChange> {
    match record {
        Record::Control(record) => control::rows(record, *place, None),
        _ => Vec::new(),
    }
}

fn company_of(change: &Change) -> Option<&CompanyId> {
    match change {
        Change::Company { id, .. } => Some(id),
        _ => None,
    }
}

impl WorkerSettings {
    /// The usual size of commits.
    pub fn new(clock: Arc<dyn Fn() -> Micros + Send + Sync>, applied: Arc<dyn Fn(Positions) + Send + Sync>) -> Self {
        Self {
            commit_records_max: limits::COMMIT_EVENTS_MAX,
            one_thread: false,
            step_threads: 1,
            rows_bytes_max: limits::ROWS_BYTES_MAX,
            clock,
            applied,
        }
    }
}
