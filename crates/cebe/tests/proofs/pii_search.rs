//! Looks for the marks of planted values in bytes of any kind, in every form a value may have taken on its way: other
//! case, other separators, percent-encoded, hex, base64. And for the key that was used, which is kept as a hash only.

use std::ops::ControlFlow;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cebe_catalog::Record;
use cebe_central::{Central, Embedded, EmbeddedSettings, KeyRange, Order, Snapshot, Table};
use cebe_queue::{Lane, Position, Queue, ReadLimit};
use memchr::memmem;

use crate::pii_plants::{DIGITS, WORD};
use crate::support::ADMIN;

/// What is looked for as it stands, case and all.
fn encoded() -> Vec<Vec<u8>> {
    let mut needles = Vec::new();
    for mark in [DIGITS, WORD, "Zqleak", "ZqLeak"] {
        needles.push(hex::encode(mark).into_bytes());
        needles.push(hex::encode_upper(mark).into_bytes());
        for before in 0..3 {
            let bytes = [&vec![0; before][..], mark.as_bytes()].concat();
            let text = STANDARD.encode(&bytes);
            // Only characters that the mark alone decides.
            let (from, to) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
            needles.push(text.as_bytes()[from..to].to_vec());
        }
    }
    needles
}

/// Where a mark stands in some bytes, with what is around it.
pub fn leaks(bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for needle in encoded() {
        found.extend(memmem::find_iter(bytes, &needle).map(|at| around(bytes, at)));
    }
    found.extend(memmem::find_iter(bytes, ADMIN).map(|at| around(bytes, at)));
    let lower = bytes.to_ascii_lowercase();
    found.extend(memmem::find_iter(&lower, WORD.as_bytes()).map(|at| around(bytes, at)));
    let plain = joined(&percent_decoded(&lower));
    for mark in [DIGITS, WORD] {
        found.extend(memmem::find_iter(&plain, mark.as_bytes()).map(|at| around(&plain, at)));
    }
    found
}

fn around(bytes: &[u8], at: usize) -> String {
    let part = &bytes[at.saturating_sub(60)..(at + 60).min(bytes.len())];
    part.escape_ascii().to_string()
}

fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = bytes.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        let decoded = pair.and_then(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        plain.push(decoded.unwrap_or(bytes[at]));
        at += if decoded.is_some() { 3 } else { 1 };
    }
    plain
}

/// Without what people write between digits.
fn joined(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().filter(|byte| !b" -.()/+".contains(byte)).collect()
}

/// Fails the test when a mark is found.
pub fn assert_clean(what: &str, bytes: &[u8]) {
    let found = leaks(bytes);
    assert!(found.is_empty(), "{} leaks in {what}:\n{}", found.len(), found[..found.len().min(20)].join("\n"));
}

/// Every file under a folder. Gives the bytes looked through.
pub fn files_clean(folder: &Path) -> u64 {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            bytes += files_clean(&path);
        } else {
            let content = std::fs::read(&path).expect("a file");
            // Journals are laid out in advance: what was never written is no place to look.
            let written: Vec<u8> =
                content.split(|byte| *byte == 0).filter(|part| part.len() >= 6).collect::<Vec<_>>().join(&0);
            assert_clean(&path.display().to_string(), &written);
            bytes += written.len() as u64;
        }
    }
    bytes
}

/// Every record of the queue of a stopped server, as bytes and read. Gives how many there are.
pub fn queue_clean(data: &Path) -> usize {
    let queue =
        cebe_queue::Embedded::open(&data.join("queue"), cebe_queue::Settings::default()).expect("the queue opens");
    let (mut at, mut count) = (Position::START, 0);
    loop {
        let limit = ReadLimit { records_max: 1_000, bytes_max: 1 << 24 };
        let records = queue.read(Lane::Live, at, limit).expect("the queue can be read");
        let Some((last, _)) = records.last() else { return count };
        at = last.plus(1);
        for (place, bytes) in &records {
            assert_clean(&format!("record {place} of the queue"), bytes);
            let record = Record::from_bytes(bytes).expect("a record");
            assert_clean(&format!("record {place} of the queue, read"), format!("{record:?}").as_bytes());
        }
        count += records.len();
    }
}

/// The store of a stopped server.
pub fn store(data: &Path) -> Snapshot {
    let store = Embedded::open(&data.join("central"), EmbeddedSettings::default()).expect("the store opens");
    store.snapshot().expect("a snapshot")
}

/// How many rows a table has.
pub fn rows(snapshot: &Snapshot, table: Table) -> usize {
    let mut count = 0;
    each(snapshot, table, &mut |_, _| count += 1);
    count
}

fn each(snapshot: &Snapshot, table: Table, visit: &mut dyn FnMut(&[u8], &[u8])) {
    let scanned = snapshot.view().scan(table, KeyRange::all(), Order::Forward, &mut |key, value| {
        visit(key, value);
        ControlFlow::Continue(())
    });
    scanned.expect("the store can be read");
}

/// Every row of every table of a stopped server, as bytes, and what the typed reads make of them.
pub fn store_clean(data: &Path) {
    let snapshot = store(data);
    for table in Table::ALL {
        each(&snapshot, table, &mut |key, value| {
            assert_clean(&format!("a key of {table:?}"), key);
            assert_clean(&format!("a row of {table:?}"), value);
        });
    }
    for company in snapshot.companies_with_log().expect("companies") {
        let (mut events, go_on) = (0, ControlFlow::Continue(()));
        let read = snapshot.log(&company, &mut |event, _| {
            assert_clean("an event of the log", format!("{event:?}").as_bytes());
            events += 1;
            go_on
        });
        read.expect("the log can be read");
        assert!(events > 0);
        let read = snapshot.nodes(&company, &mut |node, row| {
            assert_clean("a node", format!("{node:?} {row:?}").as_bytes());
            go_on
        });
        read.expect("nodes can be read");
        let read = snapshot.facts(&company, &mut |key, row| {
            assert_clean("a fact", format!("{key:?} {row:?}").as_bytes());
            go_on
        });
        read.expect("facts can be read");
        let quarantined = snapshot.quarantine(&company, None, 1_000).expect("quarantine can be read");
        assert_clean("quarantine", format!("{quarantined:?}").as_bytes());
        let conflicts = snapshot.conflicts(&company, None, 1_000).expect("conflicts can be read");
        assert_clean("conflicts", format!("{conflicts:?}").as_bytes());
    }
}
