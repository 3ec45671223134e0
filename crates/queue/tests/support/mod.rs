//! What the suites share: a store on a simulated disk, small settings, and a way to wait for a future without a runtime.
#![allow(dead_code, reason = "each test binary uses its own part")]

pub(crate) mod nats;

use std::future::Future;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use bytes::Bytes;
use cebe_queue::disk::SimulatedDisk;
use cebe_queue::{AppendError, Appended, Embedded, Lane, OpenError, Parts, Position, Queue, ReadLimit, Settings};

/// The folder of the store on a simulated disk.
pub(crate) fn dir() -> PathBuf {
    PathBuf::from("/data/queue")
}

/// A lane's folder.
pub(crate) fn lane_dir(lane: Lane) -> PathBuf {
    dir().join(lane.name())
}

/// Everything at once.
pub(crate) const ALL: ReadLimit = ReadLimit { records_max: usize::MAX, bytes_max: usize::MAX };

/// A store on a simulated disk with a clock that is moved by hand.
#[derive(Clone)]
pub(crate) struct Store {
    pub(crate) disk: SimulatedDisk,
    pub(crate) now_ms: Arc<AtomicU64>,
    pub(crate) fatal: Arc<AtomicUsize>,
    pub(crate) settings: Settings,
}

impl Store {
    pub(crate) fn new(settings: Settings) -> Store {
        Store::on(SimulatedDisk::new(), settings)
    }

    pub(crate) fn on(disk: SimulatedDisk, settings: Settings) -> Store {
        Store { disk, now_ms: Arc::new(AtomicU64::new(1_000_000)), fatal: Arc::default(), settings }
    }

    pub(crate) fn try_open(&self) -> Result<Embedded, OpenError> {
        let (now_ms, fatal) = (Arc::clone(&self.now_ms), Arc::clone(&self.fatal));
        let parts = Parts {
            disk: Arc::new(self.disk.clone()),
            clock: Arc::new(move || now_ms.load(Ordering::SeqCst)),
            on_fatal: Box::new(move |_| {
                fatal.fetch_add(1, Ordering::SeqCst);
            }),
            ..Parts::default()
        };
        Embedded::open_with(&dir(), self.settings.clone(), parts)
    }

    pub(crate) fn open(&self) -> Opened {
        Opened { queue: self.try_open().expect("the store opens"), disk: self.disk.clone() }
    }

    /// The same store on a copy of the disk, so that it can be opened beside this one.
    pub(crate) fn on_copy(&self) -> Store {
        Store { disk: self.disk.after_power_cut(cebe_queue::disk::Tear::Kept), ..self.clone() }
    }

    pub(crate) fn pass_ms(&self, ms: u64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }

    /// The segments of a lane, oldest first.
    pub(crate) fn segments(&self, lane: Lane) -> Vec<PathBuf> {
        let of_lane = |path: &PathBuf| path.parent() == Some(&lane_dir(lane));
        self.disk.paths().into_iter().filter(of_lane).collect()
    }

    pub(crate) fn bytes_of(&self, path: &Path) -> Vec<u8> {
        self.disk.bytes_of(path).expect("the file is there")
    }
}

/// An open queue whose disk lets go of held flushes before the queue is dropped, so that a failing test ends.
pub(crate) struct Opened {
    pub(crate) queue: Embedded,
    disk: SimulatedDisk,
}

impl Deref for Opened {
    type Target = Embedded;

    fn deref(&self) -> &Embedded {
        &self.queue
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        self.disk.hold_syncs_after(None);
    }
}

/// Segments that roll soon and may be trimmed at once.
pub(crate) fn small() -> Settings {
    Settings { segment_bytes: 2_000, trim_age_ms: 0, ..Settings::default() }
}

/// `count` records that name their append and place, of the given size.
pub(crate) fn records(append: usize, count: usize, bytes: usize) -> Vec<Bytes> {
    (0..count).map(|index| record(append, index, bytes)).collect()
}

/// One record: a name, then bytes that do not compress.
pub(crate) fn record(append: usize, index: usize, bytes: usize) -> Bytes {
    let mut record = format!("{append}/{index}:").into_bytes();
    let mut state = (append as u64) << 32 | index as u64 | 1;
    while record.len() < bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        record.push((state >> 33) as u8);
    }
    record.into()
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future to its end on this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

/// Appends and waits.
pub(crate) fn append(queue: &dyn Queue, lane: Lane, records: Vec<Bytes>) -> Result<Appended, AppendError> {
    block_on(queue.append(lane, Bytes::new(), records))
}

/// Everything a lane holds from its first retained position on.
pub(crate) fn everything(queue: &dyn Queue, lane: Lane) -> Vec<(Position, Bytes)> {
    queue.read(lane, queue.facts().lanes[lane].first, ALL).expect("the lane can be read")
}

/// Only the records of a lane.
pub(crate) fn contents(queue: &dyn Queue, lane: Lane) -> Vec<Bytes> {
    everything(queue, lane).into_iter().map(|(_, record)| record).collect()
}
