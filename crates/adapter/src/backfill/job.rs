//! One backfill on its way: the file is counted, then read chunk by chunk, and each chunk is appended with a record that
//! says how far it reaches. After a crash the row of the store says where to go on, and equal rows are counted again from
//! the file's start.

use super::{
    Artifacts, Lines,
    governor::{Governor, Load},
    lines::Line,
    row,
};
use crate::{
    desk::{Desk, DoorError},
    equal::EqualRows,
    frame::Frame,
    log::{Landing, queue_lane},
    receive::{Received, Sender, receive_more, recount},
    reply::Status,
    view::{ControlView, KeyView},
};
use bytes::Bytes;
use cebe_catalog::{
    Lane, Record,
    backfill::{BackfillChunk, BackfillRow, BackfillState, BackfillStep, REFUSED_LINES_MAX, RefusedLine},
    control::{Change, ControlRecord},
};
use cebe_central::StoreError;
use cebe_privacy::access::{Grant, Scope};
use cebe_queue::AppendError;
use smol_str::SmolStr;
use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

/// Bytes of a chunk beyond which it is ended early.
const CHUNK_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Events looked at in one go when equal rows are counted again.
const RECOUNT_EVENTS: usize = 5_000;
/// Pause between two looks at the load.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Why a job stopped for now; a new one goes on.
#[derive(Debug, thiserror::Error)]
pub(super) enum JobError {
    #[error("the store cannot be read: {0}")]
    Store(#[from] StoreError),
    #[error("{0}")]
    Door(#[from] DoorError),
    #[error("the queue refused a chunk: {0}")]
    Append(#[from] AppendError),
    #[error("the folder of backfills: {0}")]
    Folder(#[from] io::Error),
    #[error("there is no such backfill")]
    Unknown,
    #[error("the work on a chunk failed")]
    Failed,
}

/// A backfill on its way.
pub(super) struct Job {
    desk: Desk,
    artifacts: Artifacts,
    row: BackfillRow,
    reading: Option<Box<Reading>>,
    governor: Governor,
    /// Most events of a chunk: fewer once one was too large for the queue.
    events_max: usize,
    /// Place of the last chunk's end.
    last: Option<Landing>,
}

/// Where the file is being read.
struct Reading {
    lines: Lines,
    equal: EqualRows,
    events: u64,
}

/// A chunk, ready to be appended.
struct Chunk {
    received: Received,
    end: BackfillChunk,
}

impl Job {
    /// Takes a backfill up where the store says, once everything appended before is applied.
    pub(super) async fn resume(desk: &Desk, artifacts: &Artifacts, id: &str) -> Result<Self, JobError> {
        lane_applied(desk).await;
        let row = row(&desk.snapshot()?, id)?.ok_or(JobError::Unknown)?;
        let (desk, artifacts, governor) = (desk.clone(), artifacts.clone(), Governor::new(Instant::now()));
        Ok(Self { desk, artifacts, row, reading: None, governor, events_max: usize::MAX, last: None })
    }

    /// Loads everything that is left, and waits until all of it has an outcome.
    pub(super) async fn run(&mut self) -> Result<(), JobError> {
        while self.turn().await? {}
        if let Some(last) = self.last {
            self.desk.log().until_applied(last, Duration::MAX).await;
        }
        if let Some(row) = row(&self.desk.snapshot()?, &self.row.id)? {
            super::gauge(&row);
            tracing::info!(
                backfill = row.id.as_str(),
                state = row.state.as_str(),
                events = row.events,
                "a backfill ended"
            );
        }
        Ok(())
    }

    /// The next chunk. False when there is nothing left to do.
    pub(super) async fn turn(&mut self) -> Result<bool, JobError> {
        if self.row.state != BackfillState::Running || !self.is_counted().await? {
            return Ok(false);
        }
        let events = self.permission().await?.min(self.events_max);
        let started = Instant::now();
        let Some(chunk) = self.read(events).await? else { return Ok(false) };
        let worked = started.elapsed();
        self.append(chunk).await?;
        tokio::time::sleep(self.governor.rest(worked, Instant::now())).await;
        Ok(true)
    }

    /// Counts the events of the file first: a damaged file is told before anything of it is loaded.
    pub(super) async fn is_counted(&mut self) -> Result<bool, JobError> {
        if self.row.events_total.is_some() {
            return Ok(true);
        }
        let (artifacts, id) = (self.artifacts.clone(), self.row.id.clone());
        let counted = blocking(move || open(&artifacts, &id).and_then(Lines::count)).await?;
        let id = self.row.id.clone();
        match counted {
            Ok(events) => {
                self.row.events_total = Some(events);
                self.tell(BackfillStep::Counted { id, events }).await?;
                Ok(events > 0)
            }
            Err(error) => {
                self.fail(format!("the file cannot be read to its end ({error}); nothing of it was loaded")).await?;
                Ok(false)
            }
        }
    }

    /// The queue that its company's records go to.
    fn branch(&self) -> usize {
        self.desk.log().branch_of(self.row.company.as_ref())
    }

    async fn tell(&mut self, step: BackfillStep) -> Result<(), JobError> {
        self.desk.change_on(self.branch(), &self.row.key_id, Change::Backfill(step)).await?;
        Ok(())
    }

    async fn fail(&mut self, message: String) -> Result<(), JobError> {
        self.row.state = BackfillState::Failed;
        self.tell(BackfillStep::Failed { id: self.row.id.clone(), message: message.into() }).await
    }

    /// Waits until live traffic leaves room; the number of events that may go.
    async fn permission(&mut self) -> Result<usize, JobError> {
        loop {
            let load = self.load();
            if let Some(events) = self.governor.allow(load, Instant::now()) {
                return Ok(events);
            }
            // Whichever comes first: the worker moved, or it is time to look again.
            let mut applied = self.desk.log().branch(self.branch()).applied.clone();
            applied.mark_unchanged();
            let _ = tokio::time::timeout(LOOK_EVERY, applied.changed()).await;
        }
    }

    fn load(&self) -> Load {
        let branch = self.desk.log().branch(self.branch());
        let applied = *branch.applied.borrow();
        let live_end = branch.queue.end(queue_lane(Lane::Live)).0;
        let in_flight = self.last.map_or(0, |last| (last.place.index + 1).saturating_sub(applied[1]));
        Load { live_end, live_waiting: live_end.saturating_sub(applied[0]), in_flight }
    }

    /// Reads and receives the next events; `None` when there are none, or the job failed.
    async fn read(&mut self, events: usize) -> Result<Option<Chunk>, JobError> {
        let view = self.desk.view();
        let Some(key) = view.keys.values().find(|key| key.row.id == self.row.key_id).cloned() else {
            self.fail("its key was withdrawn; what was loaded stays".into()).await?;
            return Ok(None);
        };
        let work = Work::new(&self.desk, view, &key, self.row.clone());
        let (artifacts, reading) = (self.artifacts.clone(), self.reading.take());
        let read = blocking(move || {
            let mut reading = match reading {
                Some(reading) => reading,
                None => Box::new(work.begin(&artifacts)?),
            };
            let chunk = work.chunk(&mut reading, events)?;
            Ok::<_, io::Error>((chunk, reading))
        });
        match read.await? {
            Ok((chunk, reading)) => {
                self.reading = Some(reading);
                Ok(chunk)
            }
            Err(error) => {
                self.fail(format!("the file cannot be read any more: {error}")).await?;
                Ok(None)
            }
        }
    }

    /// Appends a chunk with its end, in one frame; a full queue is tried again, and one that is too large is read again in
    /// smaller ones.
    async fn append(&mut self, chunk: Chunk) -> Result<(), JobError> {
        let Chunk { received, end } = chunk;
        let (from, line) = (end.from, end.line);
        let (events, received_at) = (end.to, self.desk.receipts(1));
        let change = Change::Backfill(BackfillStep::Chunk(end));
        let record = ControlRecord { received_at, by: self.row.key_id.clone(), change };
        // All of one company in a cluster, and of one queue without: there is one frame.
        let Frame { tag, mut records, .. } = received.frames.into_iter().next().unwrap_or_default();
        records.push(Record::Control(Box::new(record)).to_bytes().into());
        let (tag, count, branch) = (Bytes::from(tag.to_bytes()), records.len() as u64, self.branch());
        let first = loop {
            match self.desk.append(branch, Lane::Backfill, tag.clone(), records.clone()).await {
                Ok(first) => break first,
                Err(error @ AppendError::TooLarge { .. }) => return self.cut(events - from, line, &error).await,
                Err(error) => tokio::time::sleep(error.retry_after().ok_or(error)?).await,
            }
        };
        self.last = Some(first.plus(count - 1));
        self.row.events = events;
        Ok(())
    }

    /// A chunk of so many events, up to this line, does not fit in one append.
    async fn cut(&mut self, events: u64, line: u64, error: &AppendError) -> Result<(), JobError> {
        if events <= 1 {
            return self.fail(format!("line {line} cannot be stored: {error}; what was loaded stays")).await;
        }
        self.events_max = usize::try_from(events / 2).unwrap_or(usize::MAX);
        // Reading goes on behind the last chunk that was stored.
        self.reading = None;
        Ok(())
    }
}

/// What a chunk is made with, on a thread that may block.
struct Work {
    desk: Desk,
    view: Arc<ControlView>,
    grant: Grant,
    row: BackfillRow,
}

impl Work {
    fn new(desk: &Desk, view: Arc<ControlView>, key: &KeyView, row: BackfillRow) -> Self {
        let mut grant = key.grant.clone();
        if let Some(company) = row.company.as_ref().filter(|_| desk.log().is_sharded()) {
            // Its chunks are appended whole, so they may hold the records of one company only.
            grant.companies = Scope::Only(vec![company.0.to_string()]);
        }
        Self { desk: desk.clone(), view, grant, row }
    }

    fn sender(&self) -> Sender<'_> {
        Sender {
            log: self.desk.log(),
            mark: self.desk.mark(),
            view: &self.view,
            grant: &self.grant,
            company: self.row.company.as_ref().map(|company| company.as_str()),
            module: self.row.module.as_deref(),
            lane: Lane::Backfill,
            event_id: None,
        }
    }

    /// Opens the file and goes past what is loaded, counting equal rows again.
    fn begin(&self, artifacts: &Artifacts) -> io::Result<Reading> {
        let mut reading = Reading { lines: open(artifacts, &self.row.id)?, equal: EqualRows::default(), events: 0 };
        while reading.events < self.row.events {
            let left = usize::try_from(self.row.events - reading.events).unwrap_or(usize::MAX);
            let lines = take(&mut reading.lines, left.min(RECOUNT_EVENTS))?;
            if lines.is_empty() {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it has become shorter"));
            }
            reading.events += lines.len() as u64;
            recount(&self.sender(), &raws(&lines), self.desk.now(), &mut reading.equal);
        }
        Ok(reading)
    }

    fn chunk(&self, reading: &mut Reading, events: usize) -> io::Result<Option<Chunk>> {
        let lines = take(&mut reading.lines, events)?;
        if lines.is_empty() {
            return Ok(None);
        }
        let first = self.desk.receipts(lines.len());
        let received = receive_more(&self.sender(), &raws(&lines), first, &mut reading.equal);
        let from = reading.events;
        reading.events += lines.len() as u64;
        let end = BackfillChunk {
            id: self.row.id.clone(),
            from,
            to: reading.events,
            line: reading.lines.line,
            offset: reading.lines.offset,
            modules: modules(&received),
            refused: refused(&received, &lines),
        };
        Ok(Some(Chunk { received, end }))
    }
}

fn open(artifacts: &Artifacts, id: &str) -> io::Result<Lines> {
    Lines::of(Box::new(artifacts.open(id)?))
}

fn take(lines: &mut Lines, events: usize) -> io::Result<Vec<Line>> {
    let (mut taken, mut bytes) = (Vec::new(), 0);
    while taken.len() < events && bytes < CHUNK_BYTES_MAX {
        let Some(line) = lines.next()? else { break };
        bytes += line.bytes.len();
        taken.push(line);
    }
    Ok(taken)
}

fn raws(lines: &[Line]) -> Vec<&[u8]> {
    lines.iter().map(|line| line.bytes.as_slice()).collect()
}

fn modules(received: &Received) -> Vec<SmolStr> {
    let rows = received.frames.iter().flat_map(|frame| &frame.tag.0);
    let mut modules: Vec<SmolStr> = rows.map(|row| row.module.0.clone()).collect();
    modules.sort();
    modules.dedup();
    modules
}

fn refused(received: &Received, lines: &[Line]) -> Vec<RefusedLine> {
    let refused = received.results.iter().zip(lines).filter(|(result, _)| result.status == Status::Quarantined);
    let shown = refused.take(REFUSED_LINES_MAX).map(|(result, line)| RefusedLine {
        line: line.number,
        code: result.code.unwrap_or_default().into(),
        path: result.path.clone(),
        receipt: result.receipt.clone().unwrap_or_default(),
    });
    shown.collect()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, JobError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| JobError::Failed)
}

/// Waits until everything that is in the backfill lane now is applied.
pub(super) async fn lane_applied(desk: &Desk) {
    desk.log().until_all_applied(&[Lane::Backfill], Duration::MAX).await;
}
