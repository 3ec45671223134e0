//! What only a store on disk promises: it is there again after a restart, a crash takes whole commits from the end, and a
//! store that must not be used is refused.

use crate::{fixtures::*, settings};
use cebe_central::{Central, Embedded, EmbeddedSettings, OpenError};
use cebe_engine::rows::Place;
use std::{fs, ops::ControlFlow::Continue, path::Path};

fn open(dir: &Path) -> Embedded {
    Embedded::open(dir, settings()).unwrap()
}

/// Commits number `first` … `last` − 1, ten events each.
fn fill(store: &Embedded, first: u64, last: u64) {
    for commit in first..last {
        let events: Vec<_> =
            (0..10).map(|n| event(&company(), &format!("{commit}-{n}"), Some(customer(&format!("c{n}"))), 1)).collect();
        store.commit(&applying(commit * 10, &events)).unwrap();
    }
}

/// The number of commits in the store, after checking that each is there whole and none is missing before the last.
fn whole_commits(store: &Embedded) -> u64 {
    let now = store.snapshot().unwrap();
    let commits = store.facts().commits;
    let places: Vec<Place> = now.positions().unwrap();
    assert_eq!(places, if commits == 0 { vec![] } else { vec![place(commits * 10)] });
    let mut events = Vec::new();
    now.log(&company(), &mut |event, place| {
        let seen = now.seen(&seen_key(&event)).unwrap().unwrap();
        assert_eq!(seen.place, place);
        events.push(place.index);
        Continue(())
    })
    .unwrap();
    events.sort_unstable();
    assert_eq!(events, (0..commits * 10).collect::<Vec<_>>());
    let mut rows = 0;
    for n in 0..10 {
        now.timeline(&company(), &customer(&format!("c{n}")), None, &mut |_| {
            rows += 1;
            Continue(())
        })
        .unwrap();
    }
    assert_eq!(rows, commits * 10);
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

/// CORE-CON-SLA: what was persisted is there after a restart.
#[test]
fn reopening_keeps_everything_persisted() {
    let dir = tempfile::tempdir().unwrap();
    for round in 0..3 {
        let store = open(dir.path());
        assert_eq!(whole_commits(&store), round * 5);
        fill(&store, round * 5, round * 5 + 5);
        assert_eq!(store.persist().unwrap(), [place((round * 5 + 5) * 10)]);
        assert!(store.facts().bytes_on_disk > 0);
    }
    assert_eq!(whole_commits(&open(dir.path())), 15);
}

/// Trees are written out and merged many times over, and still hold every commit.
#[test]
fn small_memtables_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let small = EmbeddedSettings { memtable_bytes: 32 * 1024, ..settings() };
    let store = Embedded::open(dir.path(), small.clone()).unwrap();
    fill(&store, 0, 200);
    assert_eq!(whole_commits(&store), 200);
    store.persist().unwrap();
    while tables(dir.path()) == 0 {
        std::thread::yield_now();
    }
    drop(store);
    assert_eq!(whole_commits(&Embedded::open(dir.path(), small).unwrap()), 200);
}

/// How many tables the trees have written out; the first folder is fjall's own.
fn tables(dir: &Path) -> usize {
    let trees = (1..4).map(|tree| dir.join(format!("trees/keyspaces/{tree}/tables")));
    trees.map(|folder| fs::read_dir(folder).map_or(0, Iterator::count)).sum()
}

/// CORE-CON-SLA, RETN-QUEUE: a crash at any moment keeps what was persisted, and of the rest whole commits only, with
/// the queue position that belongs to them.
#[test]
fn a_crash_takes_whole_commits_from_the_end() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let mut persisted = 0;
    for round in 0..6 {
        fill(&store, round * 7, round * 7 + 7);
        if round % 2 == 0 {
            store.persist().unwrap();
            persisted = round * 7 + 7;
        }
        let crashed = tempfile::tempdir().unwrap();
        copy(dir.path(), crashed.path());
        let commits = whole_commits(&open(crashed.path()));
        assert!((persisted..=round * 7 + 7).contains(&commits), "{commits} of {persisted} persisted");
    }
    // The queue replays what is missing, onto the copy as onto the original.
    let crashed = tempfile::tempdir().unwrap();
    copy(dir.path(), crashed.path());
    let again = open(crashed.path());
    let commits = whole_commits(&again);
    fill(&again, commits, 50);
    assert_eq!(whole_commits(&again), 50);
}

#[test]
fn a_second_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    let refused = Embedded::open(dir.path(), settings()).unwrap_err();
    assert!(matches!(refused, OpenError::Locked(_)));
    assert!(refused.to_string().contains("in use by another process"));
    drop(store);
    open(dir.path());
}

#[test]
fn a_store_of_another_queue_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let with = |store_id| EmbeddedSettings { store_id, ..settings() };
    drop(open(dir.path()));
    let store = Embedded::open(dir.path(), with(Some([1; 16]))).unwrap();
    assert_eq!(store.facts().store_id, Some([1; 16]));
    assert_eq!(store.snapshot().unwrap().store_id().unwrap(), Some([1; 16]));
    drop(store);
    let refused = Embedded::open(dir.path(), with(Some([2; 16]))).unwrap_err();
    assert!(matches!(&refused, OpenError::StoreId { .. }));
    assert!(refused.to_string().contains(&"01".repeat(16)));
    assert_eq!(Embedded::open(dir.path(), with(None)).unwrap().facts().store_id, Some([1; 16]));
    Embedded::open(dir.path(), with(Some([1; 16]))).unwrap();
}
