//! The embedded queue under crashes, damage and a disk that refuses: what was acknowledged is there, what does not check
//! out is never handed out.
#![allow(clippy::unwrap_used, reason = "an unwrap is how a test fails")]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};

use bytes::Bytes;
use cebe_queue::disk::{Disk, Tear};
use cebe_queue::{AppendError, Lane, OpenError, Position, Queue, ReadError, Settings};
use proptest::prelude::*;
use support::{ALL, Store, append, block_on, contents, dir, everything, records, small};

/// A store with some appends in it, each flushed by itself, closed again.
fn written(settings: Settings, appends: usize) -> (Store, Vec<Bytes>) {
    let store = Store::new(settings);
    let queue = store.open();
    for n in 0..appends {
        append(&*queue, Lane::Live, records(n, 2, 60)).unwrap();
    }
    let all = contents(&*queue, Lane::Live);
    (store, all)
}

/// Waits until another flush was asked for, which the disk holds back.
fn await_sync_after(store: &Store, syncs: u64) {
    while store.disk.syncs() == syncs {
        std::thread::yield_now();
    }
}

/// The same disk with one file replaced.
fn with_file(store: &Store, path: &std::path::Path, bytes: Vec<u8>) -> Store {
    let disk = store.disk.after_power_cut(Tear::Kept);
    disk.put(path, bytes);
    Store { disk, ..store.clone() }
}

/// CORE-CON-SLA.
#[test]
fn everything_is_there_after_reopening() {
    let (store, all) = written(small(), 60);
    assert!(store.segments(Lane::Live).len() > 3, "the history spans segments");
    let queue = store.open();
    assert_eq!(contents(&*queue, Lane::Live), all);
    assert!(queue.facts().torn.is_empty());
    append(&*queue, Lane::Live, records(99, 1, 60)).unwrap();
    drop(queue);
    assert_eq!(contents(&*store.open(), Lane::Live).len(), all.len() + 1);
}

#[test]
fn dropping_the_queue_writes_what_waits() {
    let store = Store::new(small());
    let queue = store.open();
    let pending: Vec<_> = (0..50).map(|n| queue.append(Lane::Backfill, Bytes::new(), records(n, 1, 60))).collect();
    drop(queue);
    assert!(pending.into_iter().all(|appended| block_on(appended).is_ok()));
    assert_eq!(contents(&*store.open(), Lane::Backfill).len(), 50);
}

/// CORE-CON-SLA: a torn end is cut, wherever it is torn, and costs nothing that was acknowledged before it.
#[test]
fn a_torn_tail_is_cut_at_every_byte() {
    let (before, kept) = written(Settings::default(), 3);
    let path = before.segments(Lane::Live).pop().unwrap();
    let good = before.bytes_of(&path).len();
    append(&*before.open(), Lane::Live, records(9, 2, 60)).unwrap();
    let whole = before.bytes_of(&path);
    for cut in good..whole.len() {
        let torn = with_file(&before, &path, whole[..cut].to_vec());
        let queue = torn.open();
        assert_eq!(contents(&*queue, Lane::Live), kept);
        let cuts: Vec<_> = queue.facts().torn.iter().map(|tail| tail.bytes).collect();
        assert_eq!(cuts, if cut == good { vec![] } else { vec![(cut - good) as u64] });
        let again = append(&*queue, Lane::Live, records(8, 1, 60)).unwrap();
        assert_eq!(again.first, Position(kept.len() as u64));
        drop(queue);
        assert_eq!(contents(&*torn.open(), Lane::Live).len(), kept.len() + 1);
    }
}

#[test]
fn a_flipped_byte_in_the_last_commit_is_cut() {
    let (store, all) = written(Settings::default(), 4);
    let path = store.segments(Lane::Live).pop().unwrap();
    let whole = store.bytes_of(&path);
    let last_block = whole.windows(4).rposition(|four| four == b"CBLK").unwrap();
    for at in last_block..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x10;
        let queue = with_file(&store, &path, flipped).open();
        assert_eq!(contents(&*queue, Lane::Live), all[..all.len() - 2]);
        assert_eq!(queue.facts().torn.len(), 1);
    }
}

/// A sound block in the wrong place is no block: positions would be told twice.
#[test]
fn a_repeated_block_is_cut() {
    let (store, all) = written(Settings::default(), 4);
    let path = store.segments(Lane::Live).pop().unwrap();
    let mut whole = store.bytes_of(&path);
    let last_block = whole.windows(4).rposition(|four| four == b"CBLK").unwrap();
    whole.extend_from_within(last_block..);
    let queue = with_file(&store, &path, whole).open();
    assert_eq!(contents(&*queue, Lane::Live), all);
    assert_eq!(queue.facts().torn.len(), 1);
}

/// Reads a damaged store to its end: `None` when the damage was noticed.
fn read_damaged(store: &Store) -> Option<Vec<Bytes>> {
    let queue = match store.try_open() {
        Ok(queue) => queue,
        Err(refused) => {
            let says_what_to_do = refused.to_string().contains("restore") || refused.to_string().contains("start the");
            assert!(says_what_to_do, "{refused}");
            return None;
        }
    };
    match queue.read(Lane::Live, Position::START, ALL) {
        Ok(read) => Some(read.into_iter().map(|(_, record)| record).collect()),
        Err(ReadError::Damaged { .. }) => None,
        Err(other) => panic!("damage must be called damage: {other}"),
    }
}

#[test]
fn a_flipped_byte_before_the_last_commit_is_never_read() {
    for settings in [Settings::default(), small()] {
        let (store, _) = written(settings, 20);
        let segments = store.segments(Lane::Live);
        let (last, sealed) = segments.split_last().unwrap();
        for path in &segments {
            let whole = store.bytes_of(path);
            let acknowledged = whole.windows(4).rposition(|four| four == b"CBLK");
            let upto = if path == last { acknowledged.unwrap_or(0) } else { whole.len() };
            for at in (0..upto).step_by(if sealed.is_empty() { 1 } else { 3 }) {
                let mut flipped = whole.clone();
                flipped[at] ^= 0x04;
                let read = read_damaged(&with_file(&store, path, flipped));
                assert!(read.is_none(), "byte {at} of {} was flipped unnoticed", path.display());
            }
        }
    }
}

#[test]
fn a_missing_or_shortened_segment_is_refused() {
    let (store, _) = written(small(), 40);
    let segments = store.segments(Lane::Live);
    let first = store.bytes_of(&segments[1]);
    for shorter in 64..first.len() {
        let cut = with_file(&store, &segments[1], first[..shorter].to_vec());
        let refused = cut.try_open().err().expect("a sealed segment is never cut");
        assert!(matches!(refused, OpenError::Damaged { .. } | OpenError::Gap { .. }), "{refused}");
    }
    let disk = store.disk.after_power_cut(Tear::Kept);
    disk.remove(&segments[1]).unwrap();
    assert!(matches!(Store { disk, ..store.clone() }.try_open(), Err(OpenError::Gap { .. })));
    let disk = store.disk.after_power_cut(Tear::Kept);
    segments.iter().for_each(|path| disk.remove(path).unwrap());
    assert!(matches!(Store { disk, ..store.clone() }.try_open(), Err(OpenError::Missing { .. })));
    let disk = store.disk.after_power_cut(Tear::Kept);
    disk.remove(&dir().join("store.json")).unwrap();
    assert!(matches!(Store { disk, ..store }.try_open(), Err(OpenError::Missing { .. })));
}

#[test]
fn files_of_another_store_or_lane_are_refused() {
    let (ours, _) = written(Settings::default(), 3);
    let (theirs, _) = written(Settings::default(), 3);
    let path = ours.segments(Lane::Live).pop().unwrap();
    let foreign = with_file(&ours, &path, theirs.bytes_of(&path));
    assert!(matches!(foreign.try_open(), Err(OpenError::Foreign { .. })));
    let backfill = ours.segments(Lane::Backfill).pop().unwrap();
    let crossed = with_file(&ours, &backfill, ours.bytes_of(&path));
    assert!(matches!(crossed.try_open(), Err(OpenError::Damaged { .. })));
}

#[test]
fn an_unknown_format_is_refused_with_a_hint() {
    let (store, _) = written(Settings::default(), 3);
    let path = store.segments(Lane::Live).pop().unwrap();
    let mut newer = store.bytes_of(&path);
    newer[8] = 2;
    let refused = with_file(&store, &path, newer).try_open().err().unwrap();
    assert!(matches!(refused, OpenError::UnknownFormat { found: 2, known: 1, .. }));
    let path = dir().join("store.json");
    let newer = br#"{"format":3,"identity":"elsewhere"}"#.to_vec();
    let refused = with_file(&store, &path, newer).try_open().err().unwrap();
    assert!(matches!(refused, OpenError::UnknownFormat { found: 3, .. }));
    assert!(refused.to_string().contains("start the release that wrote it"));
}

#[test]
fn a_second_opening_is_refused_by_the_lock() {
    let store = Store::new(small());
    let first = store.open();
    assert!(matches!(store.try_open(), Err(OpenError::Locked { .. })));
    drop(first);
    store.open();
}

#[derive(Clone, Debug)]
enum Act {
    Append(bool, usize),
    Burst(usize),
    Reopen,
    Trim(u64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (any::<bool>(), 1_usize..6).prop_map(|(live, count)| Act::Append(live, count)),
        2 => (1_usize..12).prop_map(Act::Burst),
        1 => Just(Act::Reopen),
        1 => (0_u64..60).prop_map(Act::Trim),
    ]
}

fn tear() -> impl Strategy<Value = Tear> {
    prop_oneof![Just(Tear::Kept), (0_usize..2_000).prop_map(Tear::First), (1_usize..2_000).prop_map(Tear::Zeroed),]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// CORE-CON-SLA: whatever happened and wherever the power goes, acknowledged records are there, in order.
    #[test]
    fn a_power_cut_takes_nothing_acknowledged(acts in prop::collection::vec(act(), 1..30), tear in tear()) {
        let store = Store::new(small());
        let mut queue = store.open();
        let mut acknowledged = Vec::new();
        for (n, act) in acts.into_iter().enumerate() {
            match act {
                Act::Append(live, count) => {
                    let lane = if live { Lane::Live } else { Lane::Backfill };
                    let batch = records(n, count, 100);
                    acknowledged.push((lane, append(&*queue, lane, batch.clone()).unwrap().first, batch));
                }
                Act::Burst(appends) => {
                    let batch = |i| records(1_000 * n + i, 2, 100);
                    let pending: Vec<_> =
                        (0..appends).map(|i| queue.append(Lane::Live, Bytes::new(), batch(i))).collect();
                    for (i, appended) in pending.into_iter().enumerate() {
                        acknowledged.push((Lane::Live, block_on(appended).unwrap().first, batch(i)));
                    }
                }
                Act::Reopen => {
                    drop(queue);
                    queue = store.open();
                }
                Act::Trim(below) => {
                    queue.trim(Lane::Live, Position(below)).unwrap();
                }
            }
        }
        // A commit is under way when the power goes: written, not flushed, not acknowledged.
        store.disk.hold_syncs_after(Some(0));
        let syncs = store.disk.syncs();
        let under_way: Vec<_> =
            (0..3).map(|i| queue.append(Lane::Live, Bytes::new(), records(70 + i, 9, 300))).collect();
        await_sync_after(&store, syncs);
        let after = Store { disk: store.disk.after_power_cut(tear), ..store.clone() };
        let reopened = after.open();
        for (lane, first, batch) in acknowledged {
            if first < reopened.facts().lanes[lane].first {
                continue;
            }
            let read = reopened.read(lane, first, ALL).unwrap();
            let found: Vec<Bytes> = read.into_iter().take(batch.len()).map(|(_, record)| record).collect();
            prop_assert_eq!(found, batch);
        }
        store.disk.hold_syncs_after(None);
        for appended in under_way {
            prop_assert!(block_on(appended).is_ok());
        }
    }

    /// A disk that runs full at any write loses nothing acknowledged, and goes on when there is room again.
    #[test]
    fn a_full_disk_at_any_write(writes in 0_u64..30, short in prop::option::of(1_usize..400)) {
        let store = Store::new(small());
        let queue = store.open();
        store.disk.short_writes(short);
        store.disk.full_after_writes(Some(writes));
        let mut acknowledged = Vec::new();
        let mut refused = 0;
        for n in 0..30 {
            match append(&*queue, Lane::Live, records(n, 2, 200)) {
                Ok(_) => acknowledged.extend(records(n, 2, 200)),
                Err(AppendError::Full { .. }) => refused += 1,
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
        prop_assert!(refused > 0);
        let killed = store.on_copy().open();
        prop_assert_eq!(contents(&*killed, Lane::Live), acknowledged.clone());
        prop_assert!(killed.facts().torn.iter().all(|tail| tail.end == killed.end(Lane::Live) && tail.bytes <= 64));
        drop(killed);
        prop_assert_eq!(contents(&*queue, Lane::Live), acknowledged.clone());
        store.disk.full_after_writes(None);
        append(&*queue, Lane::Live, records(77, 2, 200)).unwrap();
        acknowledged.extend(records(77, 2, 200));
        prop_assert_eq!(store.fatal.load(Ordering::SeqCst), 0);
        let after = Store { disk: store.disk.after_power_cut(Tear::First(0)), ..store.clone() };
        prop_assert_eq!(contents(&*after.open(), Lane::Live), acknowledged);
    }

    /// CORE-CON-SLA: a failed flush ends it; nothing is acknowledged from there on.
    #[test]
    fn a_failed_flush_is_fatal(syncs in 0_u64..20) {
        let store = Store::new(small());
        let queue = store.open();
        store.disk.fail_syncs_after(Some(syncs));
        let mut acknowledged = Vec::new();
        let mut stopped = false;
        for n in 0..25 {
            match append(&*queue, Lane::Live, records(n, 2, 200)) {
                Ok(_) => {
                    prop_assert!(!stopped, "acknowledged after the end");
                    acknowledged.extend(records(n, 2, 200));
                }
                Err(AppendError::Stopped { .. }) => stopped = true,
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
        prop_assert!(stopped && queue.facts().stopped);
        prop_assert_eq!(contents(&*queue, Lane::Live), acknowledged.clone());
        drop(queue);
        prop_assert_eq!(store.fatal.load(Ordering::SeqCst), 1);
        store.disk.fail_syncs_after(None);
        prop_assert_eq!(contents(&*store.open(), Lane::Live), acknowledged.clone());
        let after = Store { disk: store.disk.after_power_cut(Tear::First(0)), ..store.clone() };
        prop_assert_eq!(contents(&*after.open(), Lane::Live), acknowledged);
    }
}

/// A first start that loses power at any moment leaves a folder that starts anew.
#[test]
fn an_interrupted_first_start_is_repeated() {
    for writes in 0..6 {
        for tear in [Tear::Kept, Tear::First(0), Tear::First(20), Tear::Zeroed(500)] {
            let store = Store::new(small());
            store.disk.full_after_writes(Some(writes));
            let started = store.try_open().is_ok();
            assert_eq!(started, writes > 3, "a first start writes three files; the last write that passes is short");
            let after = Store { disk: store.disk.after_power_cut(tear), ..store };
            append(&*after.open(), Lane::Live, records(0, 1, 20)).unwrap();
        }
    }
}

/// One commit of several blocks of which the disk kept the last and lost the first: none of it was acknowledged.
#[test]
fn a_commit_flushed_out_of_order_is_cut_whole() {
    let store = Store::new(Settings::default());
    let queue = store.open();
    append(&*queue, Lane::Live, records(0, 3, 50)).unwrap();
    store.disk.hold_syncs_after(Some(0));
    let syncs = store.disk.syncs();
    let opener = queue.append(Lane::Live, Bytes::new(), records(1, 1, 50));
    await_sync_after(&store, syncs);
    let burst: Vec<_> = (2..5).map(|n| queue.append(Lane::Live, Bytes::new(), records(n, 20, 10_000))).collect();
    store.disk.hold_syncs_after(Some(1));
    await_sync_after(&store, syncs + 1);
    block_on(opener).unwrap();
    for lost in [1, 100, 200_000, 210_000] {
        let after = Store { disk: store.disk.after_power_cut(Tear::Zeroed(lost)), ..store.clone() };
        let reopened = after.open();
        let kept = contents(&*reopened, Lane::Live);
        let whole = [records(0, 3, 50), records(1, 1, 50), records(2, 20, 10_000)].concat();
        assert!(kept.len() == 4 || (lost > 200_000 && kept.len() == 24), "{} records are left", kept.len());
        assert!(whole.starts_with(&kept));
        assert_eq!(reopened.facts().torn.len(), 1);
    }
    store.disk.hold_syncs_after(None);
    assert!(burst.into_iter().all(|appended| block_on(appended).is_ok()));
}

/// A process that was killed leaves written bytes that only the page cache has: they are flushed before they are shown.
#[test]
fn what_a_start_shows_is_flushed() {
    let store = Store::new(small());
    let queue = store.open();
    store.disk.hold_syncs_after(Some(0));
    let syncs = store.disk.syncs();
    let under_way = queue.append(Lane::Live, Bytes::new(), records(5, 2, 50));
    await_sync_after(&store, syncs);
    let path = store.segments(Lane::Live).pop().unwrap();
    let (killed, written) = (store.disk.after_power_cut(Tear::First(0)), store.bytes_of(&path));
    killed.open(&path).unwrap().write_at(&written, 0).unwrap();
    let shown = contents(&*Store { disk: killed.clone(), ..store.clone() }.open(), Lane::Live);
    assert_eq!(shown, records(5, 2, 50));
    let after = Store { disk: killed.after_power_cut(Tear::First(0)), ..store.clone() };
    assert_eq!(contents(&*after.open(), Lane::Live), shown);
    store.disk.hold_syncs_after(None);
    block_on(under_way).unwrap();
}

/// ANCHOR-RISK-6: more than may wait is refused at once, in that lane only, and nothing accepted is lost.
#[test]
fn what_waits_is_bounded_by_lane() {
    let store = Store::new(Settings { waiting_bytes_max: 5_000, ..Settings::default() });
    let queue = store.open();
    store.disk.hold_syncs_after(Some(0));
    let mut pending = Vec::new();
    let mut refused = None;
    for n in 0..10 {
        let mut appended = queue.append(Lane::Backfill, Bytes::new(), records(n, 1, 1_000));
        match appended.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            std::task::Poll::Ready(answer) => refused = Some(answer),
            std::task::Poll::Pending => pending.push(appended),
        }
    }
    assert_eq!(pending.len(), 4);
    let Some(Err(busy)) = refused else { panic!("the tenth is refused") };
    assert!(matches!(busy, AppendError::Busy { lane: Lane::Backfill, .. }) && busy.retry_after().is_some());
    assert_eq!(queue.facts().lanes.backfill.waiting_appends, 4);
    let live = queue.append(Lane::Live, Bytes::new(), records(50, 1, 1_000));
    assert!(everything(&*queue, Lane::Backfill).is_empty(), "nothing is shown before it is flushed");
    store.disk.hold_syncs_after(None);
    assert!(block_on(live).is_ok());
    assert!(pending.into_iter().all(|appended| block_on(appended).is_ok()));
    assert_eq!(contents(&*queue, Lane::Backfill).len(), 4);
    assert_eq!(queue.facts().lanes.backfill.waiting_bytes, 0);
}

/// Everything that waits shares a flush, and a burst in one lane cannot shut out the other.
#[test]
fn what_waits_shares_a_flush_and_backfill_gets_its_tenth() {
    let store = Store::new(Settings { commit_bytes_max: 90_000, ..Settings::default() });
    let queue = store.open();
    store.disk.hold_syncs_after(Some(0));
    let syncs = store.disk.syncs();
    let opener = queue.append(Lane::Live, Bytes::new(), records(0, 1, 10));
    await_sync_after(&store, syncs);
    let burst = |lane, appends| -> Vec<_> {
        (0..appends).map(|n| queue.append(lane, Bytes::new(), records(n, 1, 1_000))).collect()
    };
    let (live, backfill) = (burst(Lane::Live, 400), burst(Lane::Backfill, 40));
    let order: Arc<std::sync::Mutex<Vec<Lane>>> = Arc::default();
    store.disk.hold_syncs_after(None);
    block_on(opener).unwrap();
    std::thread::scope(|scope| {
        for (lane, pending) in [(Lane::Live, live), (Lane::Backfill, backfill)] {
            let order = Arc::clone(&order);
            scope.spawn(move || {
                for appended in pending {
                    block_on(appended).unwrap();
                    order.lock().unwrap().push(lane);
                }
            });
        }
    });
    assert_eq!(order.lock().unwrap().len(), 440);
    let lanes = queue.facts().lanes;
    assert!((2..=8).contains(&lanes.live.syncs), "400 appends took {} flushes", lanes.live.syncs);
    assert!((1..=6).contains(&lanes.backfill.syncs), "40 appends took {} flushes", lanes.backfill.syncs);
}

/// At 95 % even what waits is refused; reading and trimming go on, and with room the queue does too.
#[test]
fn a_nearly_full_disk_stops_the_writer_too() {
    let store = Store::new(small());
    let queue = store.open();
    store.disk.hold_syncs_after(Some(0));
    let syncs = store.disk.syncs();
    let written = queue.append(Lane::Live, Bytes::new(), records(1, 1, 500));
    await_sync_after(&store, syncs);
    let waiting = queue.append(Lane::Live, Bytes::new(), records(2, 1, 500));
    store.disk.capacity(Some(500));
    store.pass_ms(1_000);
    store.disk.hold_syncs_after(None);
    block_on(written).unwrap();
    assert!(matches!(block_on(waiting), Err(AppendError::Full { .. })));
    assert!(matches!(append(&*queue, Lane::Live, records(3, 1, 5)), Err(AppendError::Full { .. })));
    assert_eq!(contents(&*queue, Lane::Live), records(1, 1, 500));
    store.disk.capacity(None);
    store.pass_ms(1_000);
    append(&*queue, Lane::Live, records(4, 1, 5)).unwrap();
}

/// RETN-QUEUE: with a consumer that persists, the disk stays steady, over restarts too, and positions go on.
#[test]
fn the_disk_stays_steady() {
    let store = Store::new(Settings { trim_age_ms: 1_000, ..small() });
    let mut most = 0;
    let mut end = Position::START;
    for n in 0..200 {
        let queue = store.open();
        assert_eq!(queue.end(Lane::Live), end);
        append(&*queue, Lane::Live, records(n, 3, 200)).unwrap();
        end = queue.end(Lane::Live);
        store.pass_ms(500);
        queue.trim(Lane::Live, end).unwrap();
        most = most.max(queue.facts().lanes.live.segments);
    }
    assert_eq!(end, Position(600));
    assert!((2..=4).contains(&most), "{most} segments were kept");
    assert_eq!(store.segments(Lane::Live).len() as u64, store.open().facts().lanes.live.segments);
}

/// Segments much larger than the read window and the index step, with compressible records, read from anywhere.
#[test]
fn large_segments_are_found_through_the_index() {
    let store = Store::new(Settings { segment_bytes: 1 << 20, ..Settings::default() });
    let queue = store.open();
    for n in 0..300 {
        append(&*queue, Lane::Live, records(n, 10, 1_000)).unwrap();
    }
    for reopened in [queue, { store.on_copy().open() }] {
        for at in (0..3_000).rev().step_by(37) {
            let limit = cebe_queue::ReadLimit { records_max: 1, bytes_max: usize::MAX };
            let read = reopened.read(Lane::Live, Position(at), limit).unwrap();
            assert_eq!(read, [(Position(at), records(at as usize / 10, 10, 1_000)[at as usize % 10].clone())]);
        }
    }
}

#[test]
fn compressible_records_take_less_room() {
    let store = Store::new(Settings::default());
    let queue = store.open();
    let batch = vec![Bytes::from_static(br#"{"event_name":"message.sent","company_id":"c1"}"#); 500];
    append(&*queue, Lane::Live, batch.clone()).unwrap();
    assert_eq!(contents(&*queue, Lane::Live), batch);
    assert!(queue.facts().lanes.live.bytes < 5_000);
}
