//! Power cuts, which lose bytes that were never synced in any order, and stores that must not be opened.

use super::{
    Embedded, EmbeddedSettings,
    journal::{Tail, inspect, journals},
};
use crate::{OpenError, port::Central, rows::MetaKey, write::Batch};
use cebe_catalog::{Lane, Micros, Node, Token};
use cebe_engine::{
    change::{Changes, Counts},
    rows::{NodeKey, NodeRow, Place},
};
use proptest::prelude::*;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use tempfile::TempDir;

const PERSISTED: u64 = 4;
const COMMITTED: u64 = 12;

fn settings() -> EmbeddedSettings {
    EmbeddedSettings { cache_bytes: 1 << 20, worker_threads: 1, ..EmbeddedSettings::default() }
}

/// Commit `number` writes a row of its own and moves the position to it.
fn changes(number: u64) -> Changes {
    let sealed = vec![number as u8; 200];
    Changes {
        vault: vec![("acme".into(), Token([number as u8; 16]), sealed)],
        positions: vec![Place { lane: Lane::Live, index: number }],
        ..Changes::default()
    }
}

fn commit(store: &Embedded, numbers: std::ops::RangeInclusive<u64>) {
    numbers.for_each(|number| store.commit(&changes(number)).unwrap());
}

fn journal(dir: &Path) -> PathBuf {
    journals(&dir.join("trees")).unwrap().pop().unwrap()
}

/// A store whose journal holds commits 1 to 4 synced and 5 to 12 not, and the length of what is synced.
fn cut_off_store() -> (TempDir, u64) {
    let dir = tempfile::tempdir().unwrap();
    // The second opening drops the zeros with which a new journal is made long.
    drop(Embedded::open(dir.path(), settings()).unwrap());
    let store = Embedded::open(dir.path(), settings()).unwrap();
    commit(&store, 1..=PERSISTED);
    store.persist().unwrap();
    let synced = inspect(&journal(dir.path()), None).unwrap();
    assert_eq!(synced.tail, Tail::Clean);
    commit(&store, PERSISTED + 1..=COMMITTED);
    drop(store);
    assert!(fs::metadata(journal(dir.path())).unwrap().len() > synced.whole);
    (dir, synced.whole)
}

/// What a power cut may do to bytes that were not synced.
#[derive(Clone, Debug)]
enum Loss {
    /// The file ends early.
    Short(f64),
    /// A stretch never reached the disk.
    Hole(f64, usize),
    /// A stretch holds something else.
    Garbage(f64, Vec<u8>),
    /// Early end, then leftovers.
    Leftovers(f64, Vec<u8>),
}

fn loss() -> impl Strategy<Value = Loss> {
    let place = 0.0..1.0f64;
    let bytes = prop::collection::vec(any::<u8>(), 1..64);
    prop_oneof![
        place.clone().prop_map(Loss::Short),
        (place.clone(), 1..600usize).prop_map(|(at, length)| Loss::Hole(at, length)),
        (place.clone(), bytes.clone()).prop_map(|(at, bytes)| Loss::Garbage(at, bytes)),
        (place, bytes).prop_map(|(at, bytes)| Loss::Leftovers(at, bytes)),
    ]
}

fn lose(loss: &Loss, synced: usize, bytes: &mut Vec<u8>) {
    let at = |part: f64| synced + ((bytes.len() - synced) as f64 * part) as usize;
    match loss {
        Loss::Short(part) => bytes.truncate(at(*part)),
        Loss::Hole(part, length) => {
            let start = at(*part);
            let end = bytes.len().min(start + length);
            bytes[start..end].fill(0);
        }
        Loss::Garbage(part, garbage) => {
            let start = at(*part);
            let end = bytes.len().min(start + garbage.len());
            bytes[start..end].copy_from_slice(&garbage[..end - start]);
        }
        Loss::Leftovers(part, garbage) => {
            bytes.truncate(at(*part));
            bytes.extend_from_slice(garbage);
        }
    }
}

/// The number of commits, after checking that all of them and nothing else is there.
fn whole_commits(store: &Embedded) -> u64 {
    let now = store.snapshot().unwrap();
    let commits = store.facts().commits;
    assert_eq!(now.positions().unwrap(), [Place { lane: Lane::Live, index: commits }]);
    for number in 1..=COMMITTED {
        let value = now.vault(&"acme".into(), &Token([number as u8; 16])).unwrap();
        assert_eq!(value.is_some(), number <= commits, "commit {number} of {commits}");
    }
    commits
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// CORE-CON-SLA: whatever a power cut does to bytes that were not synced, the store opens at a whole commit not before
/// the last persisted one, goes on from there, and keeps it.
#[test]
fn a_power_cut_never_reaches_what_was_persisted() {
    let (original, synced) = cut_off_store();
    proptest!(ProptestConfig::with_cases(48), |(loss in loss())| {
        let dir = tempfile::tempdir().unwrap();
        copy(original.path(), dir.path());
        let path = journal(dir.path());
        let mut bytes = fs::read(&path).unwrap();
        lose(&loss, synced as usize, &mut bytes);
        fs::write(&path, bytes).unwrap();

        let store = Embedded::open(dir.path(), settings()).unwrap();
        let commits = whole_commits(&store);
        prop_assert!((PERSISTED..=COMMITTED).contains(&commits));
        commit(&store, commits + 1..=COMMITTED);
        store.persist().unwrap();
        drop(store);
        prop_assert_eq!(whole_commits(&Embedded::open(dir.path(), settings()).unwrap()), COMMITTED);
    });
}

/// A changed sequence number would hide the newest value of a key: no hash covers it, so its order is checked.
#[test]
fn a_batch_with_another_sequence_number_is_not_taken() {
    let (original, synced) = cut_off_store();
    let synced = synced as usize;
    let bytes = fs::read(journal(original.path())).unwrap();
    for (byte, value) in [(0, 0), (0, 1), (4, 1), (7, 0x80)] {
        let dir = tempfile::tempdir().unwrap();
        copy(original.path(), dir.path());
        let mut bytes = bytes.clone();
        // Mark and item count stand before it.
        bytes[synced + 5 + byte] = value;
        fs::write(journal(dir.path()), &bytes).unwrap();
        assert_eq!(whole_commits(&Embedded::open(dir.path(), settings()).unwrap()), PERSISTED, "byte {byte}");
    }
}

#[test]
fn a_damaged_journal_is_set_aside_and_half_a_batch_is_not() {
    let (dir, synced) = cut_off_store();
    let path = journal(dir.path());
    let mut bytes = fs::read(&path).unwrap();
    let torn = bytes.len() - 1;
    fs::write(&path, &bytes[..torn]).unwrap();
    assert_eq!(inspect(&path, None).unwrap().tail, Tail::Torn);
    assert_eq!(whole_commits(&Embedded::open(dir.path(), settings()).unwrap()), COMMITTED - 1);
    assert!(!dir.path().join("set-aside").exists());

    bytes[synced as usize + 100] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let found = inspect(&path, None).unwrap();
    assert_eq!((found.whole, found.tail), (synced, Tail::Damaged));
    assert_eq!(whole_commits(&Embedded::open(dir.path(), settings()).unwrap()), PERSISTED);
    let kept: Vec<_> = fs::read_dir(dir.path().join("set-aside")).unwrap().collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(fs::read(kept[0].as_ref().unwrap().path()).unwrap(), bytes);
}

#[test]
fn journals_behind_a_damaged_one_are_moved_away() {
    let (dir, synced) = cut_off_store();
    let first = journal(dir.path());
    let number: u64 = first.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    let second = first.with_file_name(format!("{}.jnl", number + 1));
    let bytes = fs::read(&first).unwrap();
    let whole = bytes.len() as u64;
    let mut damaged = bytes.clone();
    damaged[synced as usize + 1] ^= 0xff;
    // The middle is damaged, and its end stands in a journal of its own.
    fs::write(&second, &bytes[synced as usize..]).unwrap();
    fs::write(&first, &damaged[..synced as usize + 40]).unwrap();
    let store = Embedded::open(dir.path(), settings()).unwrap();
    assert_eq!(whole_commits(&store), PERSISTED);
    assert!(whole > synced && !second.exists());
    assert_eq!(fs::read_dir(dir.path().join("set-aside")).unwrap().count(), 2);
}

#[test]
fn another_format_is_refused_with_the_way_out() {
    for (format, way) in [(0, "export it"), (9, "start the release that wrote it")] {
        let dir = tempfile::tempdir().unwrap();
        let store = Embedded::open(dir.path(), settings()).unwrap();
        let mut batch = Batch::default();
        batch.put_meta(MetaKey::Format, &format);
        store.trees.commit(&store.database, batch, 0).unwrap();
        drop(store);
        let refused = Embedded::open(dir.path(), settings()).unwrap_err();
        assert!(matches!(refused, OpenError::Format { found, known: crate::FORMAT_VERSION } if found == format));
        assert!(refused.to_string().contains(way), "{refused}");
    }
}

/// In format 3 the row of a busy node holds its numbers. They count until there are later ones.
#[test]
fn a_store_of_format_3_is_read_and_written_on() {
    let dir = tempfile::tempdir().unwrap();
    let store = Embedded::open(dir.path(), settings()).unwrap();
    let key = NodeKey { company: "co".into(), node: Node::Customer("c".into()) };
    let mut row = NodeRow::default();
    (0..20).for_each(|number| _ = row.seen.add(Micros(number), &"e".into(), &"id".into()));
    let mut batch = Batch::default();
    batch.put(&key, &row);
    batch.put_meta(MetaKey::Format, &3_u32);
    store.trees.commit(&store.database, batch, 0).unwrap();
    drop(store);

    let store = Embedded::open(dir.path(), settings()).unwrap();
    let read = || store.snapshot().unwrap().node(&key.company, &key.node).unwrap().unwrap();
    assert_eq!(read(), row);
    let format = store.snapshot().unwrap().meta::<u32>(MetaKey::Format).unwrap();
    assert_eq!(format, Some(crate::FORMAT_VERSION), "a release that reads 3 only would not see what is written now");
    row.seen.count += 1;
    let changes = Changes {
        nodes: vec![(key.clone(), Some(Arc::new(row.clone())))],
        node_counts: vec![(key.clone(), Counts::Alone)],
        ..Changes::default()
    };
    store.commit(&changes).unwrap();
    assert_eq!(read(), row);
}

/// How nice each thread of this process is that merges tables, and the one that asks.
#[cfg(target_os = "linux")]
fn niceness() -> (Vec<i32>, i32) {
    let nice = |stat: &str| stat.rsplit_once(')').unwrap().1.split_whitespace().nth(16).unwrap().parse().unwrap();
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap().path().join("stat"));
    // A thread of another test may have ended meanwhile.
    let stats: Vec<_> = tasks.filter_map(|stat| fs::read_to_string(stat).ok()).collect();
    let merging = stats.iter().filter(|stat| stat.contains("(fjall:")).map(|stat| nice(stat)).collect();
    (merging, nice(&fs::read_to_string("/proc/thread-self/stat").unwrap()))
}

#[test]
#[cfg(target_os = "linux")]
fn merging_goes_behind_everything_else() {
    let dir = tempfile::tempdir().unwrap();
    let _store = Embedded::open(dir.path(), settings()).unwrap();
    let (merging, asking) = niceness();
    assert!(!merging.is_empty() && merging.iter().all(|nice| *nice > asking), "{merging:?} {asking}");
}

#[test]
fn trees_that_stand_apart_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = Embedded::open(dir.path(), settings()).unwrap();
    commit(&store, 1..=2);
    store.trees.set_mark_of_one(&store.database, 3);
    drop(store);
    let refused = Embedded::open(dir.path(), settings()).unwrap_err();
    assert!(matches!(&refused, OpenError::Torn(marks) if marks == "seen 3, body 2, rows 2"), "{refused}");
}

/// A commit that cannot be written leaves nothing behind, neither rows nor what the writer remembers.
#[test]
fn a_refused_commit_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let store = Embedded::open(dir.path(), settings()).unwrap();
    commit(&store, 1..=1);
    let mut bad = changes(2);
    let key = |dimension: &str| cebe_engine::rows::PointKey {
        company: "acme".into(),
        component: "c".into(),
        bucket: cebe_catalog::Micros(0),
        dimensions: vec![dimension.into()],
    };
    let one = cebe_engine::rows::Sum { sum: 1, count: 1 };
    let point = cebe_engine::rows::Point { live: one, ..Default::default() };
    bad.points = vec![(key("short"), point), (key(&"x".repeat(70_000)), point)];
    assert!(matches!(store.commit(&bad), Err(crate::StoreError::KeyTooLong(_))));
    assert_eq!(whole_commits(&store), 1);
    let good = Changes { points: vec![(key("short"), point)], ..changes(2) };
    store.commit(&good).unwrap();
    let mut sums = Vec::new();
    store
        .snapshot()
        .unwrap()
        .all_points(&"acme".into(), &mut |_, point| {
            sums.push(point.live);
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(sums, [one]);
}
