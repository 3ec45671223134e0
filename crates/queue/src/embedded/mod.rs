//! The queue on the local disk: one folder per lane with append-only segments, one writer thread with group commit,
//! readers that see only what is flushed. Read `writer` for the way in, `reader` for the way out, `recover` for a start.

mod block;
mod copying;
mod intake;
mod lane;
mod pressure;
mod reader;
mod recover;
mod segment;
mod settings;
mod store;
mod writer;

use std::future::ready;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

pub use copying::{Hold, QueueFile};
pub use settings::{OnFatal, Parts, Settings};

use self::intake::{Intake, Request};
use self::lane::LaneLog;
use self::pressure::Pressure;
use self::reader::Reader;
use self::recover::{Recovered, Recovery};
use self::segment::SegmentHead;
use self::writer::{Tail, Writer};
use crate::disk::{Disk, DiskLock};
use crate::ends::Ends;
use crate::error::{AppendError, FatalError, OpenError, ReadError, TrimError};
use crate::facts::{LaneFacts, QueueFacts, StoreId, TornTail};
use crate::limits::append_bytes;
use crate::port::{Appended, BoxFuture, Clock, Frame, Lane, PerLane, Position, Queue, ReadLimit};

/// The queue on the local disk. Dropping it writes what still waits, then releases the folder; that blocks, so drop it off
/// the async runtime.
pub struct Embedded {
    core: Arc<Core>,
    readers: PerLane<Reader>,
    writer: Option<JoinHandle<()>>,
    torn: Vec<TornTail>,
    _lock: DiskLock,
}

/// The writer of a queue that has no thread: it does what the thread would do, a step at a time.
pub struct ByHand(Writer);

impl ByHand {
    /// Writes what shares the next flush and answers it. False when nothing waits, or when a failure ended the writing.
    pub fn write(&mut self) -> bool {
        self.0.write_waiting()
    }
}

/// What callers and writer share.
struct Core {
    settings: Settings,
    dir: PathBuf,
    store: StoreId,
    disk: Arc<dyn Disk>,
    clock: Clock,
    on_fatal: OnFatal,
    intake: Intake,
    pressure: Pressure,
    logs: PerLane<Arc<LaneLog>>,
    ends: Arc<Ends>,
    /// How many copies are being begun: nothing is trimmed meanwhile.
    holds: Arc<AtomicUsize>,
}

impl Core {
    fn reader(&self, lane: Lane) -> Reader {
        Reader::new(Arc::clone(&self.disk), Arc::clone(&self.logs[lane]), Arc::clone(&self.ends))
    }

    fn is_full(&self) -> bool {
        self.pressure.used_share() >= self.settings.full_share
    }

    fn is_stop_full(&self) -> bool {
        self.pressure.used_share() >= self.settings.stop_share
    }

    /// Ends the writing for good: everybody who waits is told first.
    fn end(&self, fatal: &FatalError) {
        tracing::error!(lane = %fatal.lane, action = fatal.action, error = %fatal.source, "the queue stops");
        self.intake.stop(&fatal.to_string());
        (self.on_fatal)(fatal);
    }
}

impl Embedded {
    /// Opens the queue in `dir`, or makes one there, on the machine's disk. A failed write or flush aborts the process.
    pub fn open(dir: &Path, settings: Settings) -> Result<Embedded, OpenError> {
        Embedded::open_with(dir, settings, Parts::default())
    }

    /// Opens the queue in `dir` with these parts.
    pub fn open_with(dir: &Path, settings: Settings, parts: Parts) -> Result<Embedded, OpenError> {
        let (mut queue, writer) = Embedded::prepare(dir, settings, parts)?;
        queue.writer = Some(start(writer, dir)?);
        Ok(queue)
    }

    /// Opens the queue in `dir` without a thread: what waits is written when [`ByHand::write`] is called. For simulation.
    pub fn open_by_hand(dir: &Path, settings: Settings, parts: Parts) -> Result<(Embedded, ByHand), OpenError> {
        let (queue, writer) = Embedded::prepare(dir, settings, parts)?;
        Ok((queue, ByHand(writer)))
    }

    fn prepare(dir: &Path, settings: Settings, parts: Parts) -> Result<(Embedded, Writer), OpenError> {
        let Parts { disk, clock, on_fatal, first_store } = parts;
        let lock = lock(&*disk, dir)?;
        let store = match store::load(&*disk, dir)? {
            Some(store) => store,
            None => first_start(&*disk, dir, (clock)(), first_store)?,
        };
        let recovered =
            PerLane::try_from_fn(|lane| Recovery { disk: &*disk, dir: &dir.join(lane.name()), lane, store }.run())?;
        let torn = Lane::ALL.iter().filter_map(|&lane| recovered[lane].torn.clone()).collect();
        let ends = Arc::new(Ends::new(PerLane::from_fn(|lane| recovered[lane].end)));
        let (live, live_tail) = take_over(Lane::Live, dir, store, recovered.live);
        let (backfill, backfill_tail) = take_over(Lane::Backfill, dir, store, recovered.backfill);
        let core = Arc::new(Core {
            store,
            intake: Intake::new(settings.waiting_bytes_max, settings.commit_bytes_max),
            pressure: Pressure::new(Arc::clone(&disk), dir.to_owned(), Arc::clone(&clock)),
            logs: PerLane { live: Arc::new(live), backfill: Arc::new(backfill) },
            settings,
            dir: dir.to_owned(),
            disk,
            clock,
            on_fatal,
            ends,
            holds: Arc::default(),
        });
        let tails = PerLane { live: live_tail, backfill: backfill_tail };
        let writer = Writer { core: Arc::clone(&core), tails };
        let readers = PerLane::from_fn(|lane| core.reader(lane));
        Ok((Embedded { readers, core, writer: None, torn, _lock: lock }, writer))
    }

    fn offer(
        &self,
        lane: Lane,
        tag: Bytes,
        records: Vec<Bytes>,
    ) -> Result<oneshot::Receiver<Result<Appended, AppendError>>, AppendError> {
        let bytes = append_bytes(&tag, &records)?;
        let max = self.core.settings.append_bytes_max;
        if bytes > max {
            return Err(AppendError::TooLarge { what: "bytes", size: bytes, max });
        }
        if self.core.is_full() {
            return Err(pressure::full());
        }
        let (reply, answer) = oneshot::channel();
        self.core.intake.offer(lane, Request { tag, records, bytes, reply })?;
        Ok(answer)
    }

    fn lane_facts(&self, lane: Lane) -> LaneFacts {
        let log = &self.core.logs[lane];
        let (segments, bytes) = log.extent();
        let (waiting_appends, waiting_bytes) = self.core.intake.waiting(lane);
        LaneFacts {
            first: log.first(),
            end: self.core.ends.get(lane),
            bytes,
            segments,
            appends: log.appends.load(Ordering::Relaxed),
            syncs: log.syncs.load(Ordering::Relaxed),
            waiting_appends: waiting_appends as u64,
            waiting_bytes: waiting_bytes as u64,
        }
    }
}

fn lock(disk: &dyn Disk, dir: &Path) -> Result<DiskLock, OpenError> {
    let io = |action, path: PathBuf| move |source| OpenError::Io { action, path, source };
    disk.create_dir(dir).map_err(io("make", dir.to_owned()))?;
    let path = dir.join("lock");
    let lock = disk.lock(&path).map_err(io("lock", path))?;
    lock.ok_or_else(|| OpenError::Locked { dir: dir.to_owned() })
}

/// Makes a store. The identity is written last: until it stands, nothing was appended and all may be made anew.
fn first_start(disk: &dyn Disk, dir: &Path, created_ms: u64, given: Option<StoreId>) -> Result<StoreId, OpenError> {
    for lane in Lane::ALL {
        if !recover::is_unused(disk, &dir.join(lane.name()))? {
            return Err(OpenError::Missing { path: store::path(dir) });
        }
    }
    let store = match given {
        Some(store) => store,
        None => StoreId::random().map_err(|e| OpenError::NoRandom { detail: e.to_string() })?,
    };
    make(disk, dir, store, created_ms).map_err(|source| OpenError::Io {
        action: "make a queue in",
        path: dir.to_owned(),
        source,
    })?;
    Ok(store)
}

fn make(disk: &dyn Disk, dir: &Path, store: StoreId, created_ms: u64) -> io::Result<()> {
    for lane in Lane::ALL {
        let lane_dir = dir.join(lane.name());
        disk.create_dir(&lane_dir)?;
        recover::create(disk, &lane_dir, SegmentHead { lane, store, first: Position::START, created_ms })?;
    }
    store::save(disk, dir, store)?;
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    disk.sync_dir(parent.unwrap_or(Path::new(".")))
}

fn take_over(lane: Lane, dir: &Path, store: StoreId, found: Recovered) -> (LaneLog, Tail) {
    let offset = found.segments.back().map_or(0, |segment| segment.bytes);
    let tail = Tail { file: found.file, offset, next: found.end };
    (LaneLog::new(lane, dir.join(lane.name()), store, found.segments), tail)
}

fn start(writer: Writer, dir: &Path) -> Result<JoinHandle<()>, OpenError> {
    let started = thread::Builder::new().name("queue-writer".to_owned()).spawn(move || writer.run());
    started.map_err(|source| OpenError::Io { action: "start the writer of", path: dir.to_owned(), source })
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.core.intake.close();
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has told everybody already.
            let _ = writer.join();
        }
    }
}

impl Queue for Embedded {
    fn append(&self, lane: Lane, tag: Bytes, records: Vec<Bytes>) -> BoxFuture<Result<Appended, AppendError>> {
        match self.offer(lane, tag, records) {
            Err(refused) => Box::pin(ready(Err(refused))),
            Ok(answer) => Box::pin(async move {
                let stopped = || AppendError::Stopped { reason: "the writer is gone".to_owned() };
                answer.await.unwrap_or_else(|_| Err(stopped()))
            }),
        }
    }

    fn read(&self, lane: Lane, from: Position, limit: ReadLimit) -> Result<Vec<(Position, Bytes)>, ReadError> {
        self.readers[lane].read(from, limit)
    }

    fn frames(&self, lane: Lane, from: Position, frames_max: usize) -> Result<Vec<Frame>, ReadError> {
        self.readers[lane].frames(from, frames_max)
    }

    fn wait(&self, seen: PerLane<Position>, timeout: Duration) -> PerLane<Position> {
        self.core.ends.wait(seen, timeout)
    }

    fn trim(&self, lane: Lane, below: Position) -> Result<Position, TrimError> {
        if self.core.holds.load(Ordering::SeqCst) > 0 {
            return Ok(self.core.logs[lane].first());
        }
        let older_than_ms = (self.core.clock)().saturating_sub(self.core.settings.trim_age_ms);
        self.core.logs[lane].trim(&*self.core.disk, below, older_than_ms)
    }

    fn facts(&self) -> QueueFacts {
        QueueFacts {
            store: self.core.store,
            lanes: PerLane::from_fn(|lane| self.lane_facts(lane)),
            used_share: self.core.pressure.used_share(),
            torn: self.torn.clone(),
            stopped: self.core.intake.is_stopped(),
        }
    }
}
