//! The contract of the port, held against every implementation: what the doc comments of `Queue` promise.
#![allow(clippy::unwrap_used, reason = "an unwrap is how a test fails")]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use cebe_queue::{
    APPEND_RECORDS_MAX, AppendError, Embedded, JetStream, JetStreamSettings, JetStreamShard, Lane, Memory,
    MemorySettings, OpenError, Parts, PerLane, Position, Queue, ReadError, ReadLimit, Settings, StoreId, TAG_BYTES_MAX,
};
use proptest::prelude::*;
use support::nats::Nats;
use support::{ALL, Store, append, block_on, contents, everything, record, records, small};

/// Long enough that only a wake-up which never comes reaches it.
const NEVER: Duration = Duration::from_secs(60);
/// The age a record must have to be trimmed, in the queues of this suite.
const AGE_MS: u64 = 1_000;
/// What the queues of this suite hold before they are full.
const CAPACITY_BYTES: usize = 40_000;

/// One implementation, as the suite meets it.
trait Subject {
    /// An empty queue.
    fn new() -> Self;
    fn queue(&self) -> Arc<dyn Queue>;
    /// Lets time pass.
    fn pass_ms(&self, ms: u64);
}

struct InMemory {
    queue: Arc<Memory>,
    now_ms: Arc<AtomicU64>,
}

impl Subject for InMemory {
    fn new() -> Self {
        let now_ms = Arc::new(AtomicU64::new(1_000_000));
        let time = Arc::clone(&now_ms);
        let settings = MemorySettings { bytes_max: CAPACITY_BYTES, trim_age_ms: AGE_MS, ..Default::default() };
        let queue = Memory::new(settings, StoreId([7; 16]), Arc::new(move || time.load(Ordering::SeqCst)));
        InMemory { queue: Arc::new(queue), now_ms }
    }

    fn queue(&self) -> Arc<dyn Queue> {
        self.queue.clone()
    }

    fn pass_ms(&self, ms: u64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

struct OnSimulatedDisk {
    store: Store,
    queue: Arc<Embedded>,
}

impl Subject for OnSimulatedDisk {
    fn new() -> Self {
        let store = Store::new(Settings { trim_age_ms: AGE_MS, ..small() });
        store.disk.capacity(Some(CAPACITY_BYTES as u64));
        let queue = Arc::new(store.try_open().unwrap());
        OnSimulatedDisk { store, queue }
    }

    fn queue(&self) -> Arc<dyn Queue> {
        self.queue.clone()
    }

    fn pass_ms(&self, ms: u64) {
        self.store.pass_ms(ms);
    }
}

struct OnRealDisk {
    queue: Arc<Embedded>,
    now_ms: Arc<AtomicU64>,
    used_bytes_max: u64,
    _dir: tempfile::TempDir,
}

/// The machine's disk, with a fill that is that of this queue alone.
struct Bounded(cebe_queue::disk::RealDisk, u64);

impl cebe_queue::disk::Disk for Bounded {
    fn create_dir(&self, dir: &std::path::Path) -> std::io::Result<()> {
        self.0.create_dir(dir)
    }
    fn list(&self, dir: &std::path::Path) -> std::io::Result<Vec<String>> {
        self.0.list(dir)
    }
    fn create(&self, path: &std::path::Path) -> std::io::Result<Arc<dyn cebe_queue::disk::DiskFile>> {
        self.0.create(path)
    }
    fn open(&self, path: &std::path::Path) -> std::io::Result<Arc<dyn cebe_queue::disk::DiskFile>> {
        self.0.open(path)
    }
    fn rename(&self, from: &std::path::Path, to: &std::path::Path) -> std::io::Result<()> {
        self.0.rename(from, to)
    }
    fn remove(&self, path: &std::path::Path) -> std::io::Result<()> {
        self.0.remove(path)
    }
    fn sync_dir(&self, dir: &std::path::Path) -> std::io::Result<()> {
        self.0.sync_dir(dir)
    }
    fn lock(&self, path: &std::path::Path) -> std::io::Result<Option<cebe_queue::disk::DiskLock>> {
        self.0.lock(path)
    }
    fn used_share(&self, dir: &std::path::Path) -> std::io::Result<f64> {
        let mut used = 0;
        for lane in Lane::ALL {
            for segment in std::fs::read_dir(dir.join(lane.name()))? {
                used += segment?.metadata()?.len();
            }
        }
        Ok(used as f64 / self.1 as f64)
    }
}

impl Subject for OnRealDisk {
    fn new() -> Self {
        let now_ms = Arc::new(AtomicU64::new(1_000_000));
        let time = Arc::clone(&now_ms);
        let dir = tempfile::tempdir().unwrap();
        let used_bytes_max = CAPACITY_BYTES as u64;
        let parts = Parts {
            disk: Arc::new(Bounded(cebe_queue::disk::RealDisk, used_bytes_max)),
            clock: Arc::new(move || time.load(Ordering::SeqCst)),
            on_fatal: Box::new(|fatal| panic!("{fatal}: {}", fatal.source)),
            ..Parts::default()
        };
        let settings = Settings { trim_age_ms: AGE_MS, ..small() };
        let queue = Arc::new(Embedded::open_with(dir.path(), settings, parts).unwrap());
        OnRealDisk { queue, now_ms, used_bytes_max, _dir: dir }
    }

    fn queue(&self) -> Arc<dyn Queue> {
        assert!(self.used_bytes_max > 0);
        self.queue.clone()
    }

    fn pass_ms(&self, ms: u64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

/// One stream per lane on a real server; each queue under a prefix of its own.
struct OnJetStream {
    queue: Arc<JetStreamShard>,
    now_ms: Arc<AtomicU64>,
}

thread_local! {
    static SERVER: Nats = Nats::start();
}

static QUEUES: AtomicU64 = AtomicU64::new(0);

impl Subject for OnJetStream {
    fn new() -> Self {
        // The server has a clock of its own: this one stands still until time passes.
        let now_ms = Arc::new(AtomicU64::new(cebe_queue::system_clock()()));
        let time = Arc::clone(&now_ms);
        let settings = JetStreamSettings {
            url: SERVER.with(Nats::url),
            prefix: format!("q{}", QUEUES.fetch_add(1, Ordering::SeqCst)),
            lane_bytes_max: CAPACITY_BYTES as u64,
            trim_age_ms: AGE_MS,
            ..JetStreamSettings::default()
        };
        let queue = JetStream::open_with(settings, Arc::new(move || time.load(Ordering::SeqCst))).unwrap();
        OnJetStream { queue: Arc::new(queue.shard("7").unwrap()), now_ms }
    }

    fn queue(&self) -> Arc<dyn Queue> {
        self.queue.clone()
    }

    fn pass_ms(&self, ms: u64) {
        self.now_ms.store(cebe_queue::system_clock()() + ms, Ordering::SeqCst);
    }
}

macro_rules! contract {
    ($($(#[$doc:meta])* $rule:ident),+ $(,)?) => {
        mod memory {
            $($(#[$doc])* #[test] fn $rule() { super::$rule::<super::InMemory>(); })+
        }
        mod embedded {
            $($(#[$doc])* #[test] fn $rule() { super::$rule::<super::OnSimulatedDisk>(); })+
        }
        mod jetstream {
            $($(#[$doc])* #[test] fn $rule() { super::$rule::<super::OnJetStream>(); })+
        }
        mod embedded_on_the_real_disk {
            $($(#[$doc])* #[test] fn $rule() { super::$rule::<super::OnRealDisk>(); })+
        }
    };
}

contract! {
    an_empty_queue_reads_empty,
    records_come_out_in_order,
    any_history_reads_back_from_anywhere,
    /// CORE-CON-SLA.
    concurrent_appends_stay_contiguous,
    a_later_append_stands_after_an_acknowledged_one,
    reads_keep_their_limits,
    lanes_are_independent,
    frames_carry_tags_and_count_records,
    refusals_store_nothing,
    /// ANCHOR-RISK-6.
    a_full_queue_refuses_and_recovers_by_trimming,
    dropping_the_future_withdraws_nothing,
    /// RETN-QUEUE.
    trim_keeps_what_it_must,
    positions_outside_are_errors,
    waiting_wakes_on_either_lane,
    waiting_never_misses_an_append,
}

fn an_empty_queue_reads_empty<S: Subject>() {
    let queue = S::new().queue();
    for lane in Lane::ALL {
        assert_eq!(queue.end(lane), Position::START);
        assert!(queue.read(lane, Position::START, ALL).unwrap().is_empty());
        assert!(queue.frames(lane, Position::START, 9).unwrap().is_empty());
    }
    assert_eq!(queue.wait(PerLane::default(), Duration::ZERO), PerLane::default());
}

fn records_come_out_in_order<S: Subject>() {
    let subject = S::new();
    let queue = subject.queue();
    let mut expected = Vec::new();
    for n in 0..40 {
        let batch = records(n, n % 5 + 1, 60);
        let appended = append(&*queue, Lane::Live, batch.clone()).unwrap();
        assert_eq!(appended.count as usize, batch.len());
        expected.extend(batch.into_iter().zip(0..).map(|(record, index)| (appended.first.plus(index), record)));
    }
    assert_eq!(everything(&*queue, Lane::Live), expected);
    assert!(expected.is_sorted_by(|a, b| a.0 < b.0));
}

fn any_history_reads_back_from_anywhere<S: Subject>() {
    let history = prop::collection::vec((any::<bool>(), prop::collection::vec(0_usize..300, 1..6)), 1..25);
    proptest!(ProptestConfig::with_cases(24), |(history in history, bytes_max in 0_usize..900)| {
        let subject = S::new();
        let queue = subject.queue();
        let mut expected = PerLane::<Vec<(Position, Bytes)>>::default();
        for (n, (live, sizes)) in history.into_iter().enumerate() {
            let lane = if live { Lane::Live } else { Lane::Backfill };
            let batch: Vec<Bytes> = sizes.iter().map(|&bytes| record(n, bytes, bytes)).collect();
            let appended = match append(&*queue, lane, batch.clone()) {
                Err(AppendError::Full { .. }) => continue,
                appended => appended.unwrap(),
            };
            expected[lane].extend(batch.into_iter().zip(0..).map(|(record, i)| (appended.first.plus(i), record)));
        }
        for lane in Lane::ALL {
            for (skipped, (position, _)) in expected[lane].iter().enumerate() {
                let read = queue.read(lane, *position, ReadLimit { records_max: 7, bytes_max }).unwrap();
                prop_assert!(!read.is_empty() && expected[lane][skipped..].starts_with(&read));
            }
        }
    });
}

fn concurrent_appends_stay_contiguous<S: Subject>() {
    let subject = S::new();
    let queue = subject.queue();
    thread::scope(|scope| {
        for appender in 0..8 {
            let queue = Arc::clone(&queue);
            scope.spawn(move || {
                for n in 0..10 {
                    let batch = records(appender * 100 + n, 4, 40);
                    let appended = append(&*queue, Lane::Live, batch.clone()).unwrap();
                    let limit = ReadLimit { records_max: 4, bytes_max: usize::MAX };
                    let read = queue.read(Lane::Live, appended.first, limit).unwrap();
                    assert_eq!(read.into_iter().map(|(_, record)| record).collect::<Vec<_>>(), batch);
                }
            });
        }
    });
    assert_eq!(everything(&*queue, Lane::Live).len(), 8 * 10 * 4);
    assert_eq!(queue.facts().lanes.live.appends, 80);
}

fn a_later_append_stands_after_an_acknowledged_one<S: Subject>() {
    let subject = S::new();
    let queue = subject.queue();
    let pending: Vec<_> = (0..20).map(|n| queue.append(Lane::Live, Bytes::new(), records(n, 2, 30))).collect();
    let last = pending.into_iter().map(|appended| block_on(appended).unwrap()).map(|a| a.first).max().unwrap();
    assert!(append(&*queue, Lane::Live, records(99, 1, 30)).unwrap().first > last);
}

fn reads_keep_their_limits<S: Subject>() {
    let subject = S::new();
    let queue = subject.queue();
    for n in 0..5 {
        append(&*queue, Lane::Live, records(n, 10, 100)).unwrap();
    }
    let read = |records_max, bytes_max| {
        queue.read(Lane::Live, Position(3), ReadLimit { records_max, bytes_max }).unwrap().len()
    };
    assert_eq!(read(0, usize::MAX), 0);
    assert_eq!(read(17, usize::MAX), 17);
    assert_eq!(read(usize::MAX, 1_250), 12);
    assert_eq!(read(usize::MAX, 1), 1, "the first record always comes, or a reader would be stuck");
}

fn lanes_are_independent<S: Subject>() {
    let subject = S::new();
    let queue = subject.queue();
    append(&*queue, Lane::Live, records(1, 3, 50)).unwrap();
    append(&*queue, Lane::Backfill, records(2, 2, 50)).unwrap();
    append(&*queue, Lane::Live, records(3, 1, 50)).unwrap();
    assert_eq!(contents(&*queue, Lane::Live), [records(1, 3, 50), records(3, 1, 50)].concat());
    assert_eq!(contents(&*queue, Lane::Backfill), records(2, 2, 50));
    subject.pass_ms(AGE_MS);
    queue.trim(Lane::Live, queue.end(Lane::Live)).unwrap();
    assert_eq!(contents(&*queue, Lane::Backfill), records(2, 2, 50));
}

/// CORE-CON-SLA: what was received is counted from the frames.
fn frames_carry_tags_and_count_records<S: Subject>() {
    let subject = S::new();
    let queue = subject.queue();
    let mut firsts = Vec::new();
    for n in 0..30 {
        let tag = Bytes::from(vec![n as u8; n]);
        firsts.push(block_on(queue.append(Lane::Live, tag, records(n, n % 3 + 1, 80))).unwrap().first);
    }
    let frames = queue.frames(Lane::Live, Position::START, usize::MAX).unwrap();
    for (n, frame) in frames.iter().enumerate() {
        assert_eq!((frame.first, frame.count as usize), (firsts[n], n % 3 + 1));
        assert_eq!(frame.tag, vec![n as u8; n]);
    }
    assert_eq!(frames.len(), 30);
    let inside = queue.frames(Lane::Live, firsts[10].plus(1), 4).unwrap();
    assert_eq!(inside, frames[10..14], "a frame is found from any of its records");
    let counted = queue.records_between(Lane::Live, firsts[10].plus(1), firsts[20].plus(1)).unwrap();
    let expected: usize = (10..20).map(|n| n % 3 + 1).sum();
    assert_eq!(counted as usize, expected);
    assert_eq!(queue.records_between(Lane::Live, Position::START, queue.end(Lane::Live)).unwrap(), 60);
}

fn refusals_store_nothing<S: Subject>() {
    let subject = S::new();
    let queue = subject.queue();
    assert_eq!(append(&*queue, Lane::Live, vec![]), Err(AppendError::Empty));
    let many = vec![Bytes::new(); APPEND_RECORDS_MAX + 1];
    assert!(matches!(append(&*queue, Lane::Live, many), Err(AppendError::TooLarge { what: "records", .. })));
    let tag = Bytes::from(vec![0; TAG_BYTES_MAX + 1]);
    let refused = block_on(queue.append(Lane::Live, tag, records(0, 1, 9)));
    assert!(matches!(refused, Err(AppendError::TooLarge { what: "tag_bytes", .. })));
    assert_eq!(queue.end(Lane::Live), Position::START);
    append(&*queue, Lane::Live, vec![Bytes::new()]).expect("an empty record is a record");
    assert_eq!(contents(&*queue, Lane::Live), [Bytes::new()]);
}

fn a_full_queue_refuses_and_recovers_by_trimming<S: Subject>() {
    let subject = S::new();
    let queue = subject.queue();
    let mut stored = 0;
    let refused = loop {
        subject.pass_ms(AGE_MS);
        match append(&*queue, Lane::Live, records(stored, 1, 1_000)) {
            Ok(_) => stored += 1,
            Err(refused) => break refused,
        }
        assert!(stored * 1_000 < 2 * CAPACITY_BYTES, "it never gets full");
    };
    assert!(matches!(refused, AppendError::Full { .. }) && refused.retry_after() > Some(Duration::ZERO));
    assert_eq!(everything(&*queue, Lane::Live).len(), stored);
    subject.pass_ms(AGE_MS);
    queue.trim(Lane::Live, queue.end(Lane::Live)).unwrap();
    let appended = append(&*queue, Lane::Live, records(stored, 1, 1_000)).expect("trimming made room");
    assert_eq!(queue.read(Lane::Live, appended.first, ALL).unwrap().len(), 1);
}

fn dropping_the_future_withdraws_nothing<S: Subject>() {
    let subject = S::new();
    let queue = subject.queue();
    for n in 0..10 {
        drop(queue.append(Lane::Live, Bytes::new(), records(2 * n, 2, 50)));
        append(&*queue, Lane::Live, records(2 * n + 1, 2, 50)).unwrap();
    }
    let expected: Vec<Bytes> = (0..20).flat_map(|n| records(n, 2, 50)).collect();
    assert_eq!(contents(&*queue, Lane::Live), expected);
}

fn trim_keeps_what_it_must<S: Subject>() {
    let subject = S::new();
    let queue = subject.queue();
    for n in 0..20 {
        append(&*queue, Lane::Live, records(n, 2, 300)).unwrap();
    }
    let (all, end) = (everything(&*queue, Lane::Live), queue.end(Lane::Live));
    assert_eq!(queue.trim(Lane::Live, end).unwrap(), Position::START, "all of it is too young");
    subject.pass_ms(AGE_MS);
    let mut last_first = Position::START;
    for (below, _) in &all {
        let first = queue.trim(Lane::Live, *below).unwrap();
        assert!(first <= *below && first >= last_first);
        last_first = first;
        let rest: Vec<_> = all.iter().filter(|(position, _)| *position >= first).cloned().collect();
        assert_eq!(everything(&*queue, Lane::Live), rest);
    }
    assert!(last_first > Position::START, "something old was removed");
    queue.trim(Lane::Live, Position::MAX).unwrap();
    assert!(append(&*queue, Lane::Live, records(0, 1, 9)).unwrap().first >= end, "positions are never given twice");
}

fn positions_outside_are_errors<S: Subject>() {
    let subject = S::new();
    let queue = subject.queue();
    for n in 0..20 {
        append(&*queue, Lane::Live, records(n, 2, 300)).unwrap();
    }
    let end = queue.end(Lane::Live);
    assert!(queue.read(Lane::Live, end, ALL).unwrap().is_empty());
    assert!(matches!(queue.read(Lane::Live, end.plus(1), ALL), Err(ReadError::Beyond { .. })));
    assert!(matches!(queue.frames(Lane::Live, end.plus(1), 1), Err(ReadError::Beyond { .. })));
    subject.pass_ms(AGE_MS);
    let first = queue.trim(Lane::Live, end).unwrap();
    let below = Position(first.0 - 1);
    assert!(matches!(queue.read(Lane::Live, below, ALL), Err(ReadError::Trimmed { .. })));
    assert!(matches!(queue.frames(Lane::Live, below, 1), Err(ReadError::Trimmed { .. })));
}

fn waiting_wakes_on_either_lane<S: Subject>() {
    for lane in Lane::ALL {
        let subject = S::new();
        let queue = subject.queue();
        let sleeper = Arc::clone(&queue);
        let woken = thread::spawn(move || sleeper.wait(PerLane::default(), NEVER)[lane]);
        let reader = Arc::clone(&queue);
        let read = thread::spawn(move || reader.read_within(lane, Position::START, ALL, NEVER).unwrap());
        append(&*queue, lane, records(0, 1, 10)).unwrap();
        assert!(woken.join().unwrap() > Position::START);
        assert_eq!(read.join().unwrap().len(), 1);
        let only_other = PerLane { live: Position::MAX, backfill: Position::MAX };
        assert_eq!(queue.wait(only_other, Duration::ZERO)[lane], queue.end(lane));
    }
}

fn waiting_never_misses_an_append<S: Subject>() {
    let subject = S::new();
    let queue = subject.queue();
    let consumer = Arc::clone(&queue);
    let worker = thread::spawn(move || {
        let (mut at, mut seen, mut read) = (PerLane::<Position>::default(), PerLane::default(), 0);
        while read < 200 {
            seen = consumer.wait(seen, NEVER);
            for lane in Lane::ALL {
                for (position, _) in consumer.read(lane, at[lane], ALL).unwrap() {
                    at[lane] = position.plus(1);
                    read += 1;
                }
            }
        }
        read
    });
    for n in 0..100 {
        append(&*queue, Lane::Live, records(n, 1, 20)).unwrap();
        append(&*queue, Lane::Backfill, records(n, 1, 20)).unwrap();
    }
    assert_eq!(worker.join().unwrap(), 200);
}

#[test]
fn opening_twice_on_the_real_disk_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let first = Embedded::open(dir.path(), Settings::default()).unwrap();
    let refused = Embedded::open(dir.path(), Settings::default());
    assert!(matches!(refused, Err(OpenError::Locked { .. })));
    let store = first.facts().store;
    drop(first);
    assert_eq!(Embedded::open(dir.path(), Settings::default()).unwrap().facts().store, store);
}
