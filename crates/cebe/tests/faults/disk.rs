//! A disk that has no room, fails a flush, or takes its time.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::fault::{BACKFILLS, CENTRAL, Faults, QUEUE, files_in};
use crate::support::load::{self, BATCH, COMPANY, Load, batch};
use crate::support::{ADMIN, Server};

/// What the process ends with when the disk failed.
const DISK_FAILED: i32 = 6;
/// How long a process may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(60);
/// The store is flushed so often that a fault of its disk is met soon.
const PERSISTED_OFTEN: [(&str, &str); 1] = [("CEBE_PERSIST_EVERY_MS", "50")];

fn loaded(faults: &Faults, settings: &[(&str, &str)]) -> (Server, Load) {
    let server = faults.server(settings);
    load::prepare(&server);
    (server, Load::default())
}

/// The queue has no room at its n-th write, whatever that writes (a commit, the head of a new segment, its name): what
/// is refused is not stored, what was acknowledged stays, and with room again the same process goes on.
#[test]
fn no_room_at_any_write_of_the_queue() {
    let faults = Faults::none();
    let settings = [("CEBE_QUEUE_SEGMENT_BYTES", "4000")];
    let (mut server, mut load) = loaded(&faults, &settings);
    for writes in 0..8 {
        faults.no_room(QUEUE, writes);
        let refused = (0..12).filter(|_| !load.push(&server)).count();
        assert!(refused > 0, "after {writes} writes nothing was refused");
        let answer = server.ask("POST", "/v1/events", Some(&json!(batch(1_000_000))));
        assert_eq!(answer.status, 503, "{:#}", answer.body);
        faults.no_room(0, 0);
        assert!(load.push(&server), "with room again the queue goes on");
    }
    assert!(faults.hits() >= 8);
    server.kill9();
    faults.restart(&mut server, &settings);
    load.account(&server);
}

/// Pushes until the process has ended.
fn push_until_it_ends(server: &mut Server, load: &mut Load) -> ExitStatus {
    push_until_it_ends_or(server, load, 2_000).expect("the process ends by itself")
}

/// The store has no room at its n-th write (journal, a new journal, tables): the process ends, and says how; what it
/// acknowledged is in the queue and is applied by the next start.
#[test]
fn no_room_at_any_write_of_the_store() {
    let faults = Faults::none();
    let (mut server, mut load) = loaded(&faults, &PERSISTED_OFTEN);
    for writes in [0, 1, 3, 9] {
        faults.no_room(CENTRAL, writes);
        let ended = push_until_it_ends(&mut server, &mut load);
        assert_eq!(ended.code(), Some(DISK_FAILED), "{ended}");
        faults.no_room(0, 0);
        faults.restart(&mut server, &PERSISTED_OFTEN);
    }
    assert!(faults.hits() >= 4);
    load.account(&server);
}

/// A file of history that finds no room leaves nothing behind, and the same file is taken when there is room.
#[test]
fn no_room_for_a_file_of_history() {
    let faults = Faults::none();
    let (server, mut load) = loaded(&faults, &[]);
    let lines: Vec<String> = (0..4).flat_map(|n| batch(n * 25)).map(|event| event.to_string()).collect();
    let path = format!("/v1/backfills?company_id={COMPANY}");
    for writes in 0..3 {
        faults.no_room(BACKFILLS, writes);
        let answer = server.ask_apart(ADMIN, "POST", &path, lines.join("\n").into_bytes());
        assert_eq!(answer.status, 503, "{:#}", answer.body);
        let left = server.data().join("backfills");
        assert!(!left.exists() || files_in(&left).is_empty(), "{:?}", files_in(&left));
        assert!(load.push(&server), "live events go on");
    }
    faults.no_room(0, 0);
    let taken = server.try_ask(ADMIN, "POST", &path, lines.join("\n").into_bytes()).unwrap();
    assert_eq!(taken.status, 202, "{:#}", taken.body);
    let path = format!("/v1/backfills/{}", taken.body["id"].as_str().unwrap());
    while server.get(&path)["state"] == "running" {
        server.drain();
    }
    assert_eq!(server.get(&path)["state"], "done");
    load.account(&server);
}

/// Nobody knows what is on the disk after a flush that failed: the process ends, acknowledges nothing more, and the next
/// start has everything that was acknowledged.
#[test]
fn a_flush_that_fails_ends_the_process() {
    let faults = Faults::none();
    let (mut server, mut load) = loaded(&faults, &PERSISTED_OFTEN);
    for (place, after) in [(QUEUE, 0), (QUEUE, 7), (CENTRAL, 0), (CENTRAL, 1)] {
        faults.fail_syncs(place, after);
        let ended = push_until_it_ends(&mut server, &mut load);
        assert_eq!((ended.code(), ended.signal()), (Some(DISK_FAILED), None), "{ended}");
        faults.fail_syncs(0, 0);
        faults.restart(&mut server, &PERSISTED_OFTEN);
    }
    load.account(&server);
}

/// The same when nothing more comes that would meet the fault: what was committed cannot be made durable.
#[test]
fn a_flush_of_the_store_that_fails_ends_an_idle_process() {
    let faults = Faults::none();
    let (mut server, mut load) = loaded(&faults, &PERSISTED_OFTEN);
    faults.fail_syncs(CENTRAL, 0);
    load.push(&server);
    let started = Instant::now();
    let ended = loop {
        match server.ended() {
            Some(ended) => break ended,
            None => assert!(started.elapsed() < PATIENCE, "the process goes on"),
        }
        std::thread::yield_now();
    };
    assert_eq!(ended.code(), Some(DISK_FAILED), "{ended}");
    faults.fail_syncs(0, 0);
    faults.restart(&mut server, &PERSISTED_OFTEN);
    load.account(&server);
}

/// While the disk is slow, whoever sends most has only so much waiting that others find room.
#[test]
fn a_slow_disk_is_shared() {
    let faults = Faults::none();
    let server = faults.server(&[("CEBE_QUEUE_WAITING_BYTES_MAX", "40000")]);
    load::prepare(&server);
    server.put("/v1/companies/quiet", &json!({"sso_id": "sso-quiet"}));
    let [noisy, quiet] = [COMPANY, "quiet"].map(|company| {
        let key = server.post("/v1/keys", &json!({"name": company, "role": "publisher", "companies": [company]}));
        key["key"].as_str().expect("a key").to_owned()
    });
    let mut payments = batch(0);
    for payment in &mut payments {
        (payment["company_id"], payment["company_sso_id"]) = ("quiet".into(), "sso-quiet".into());
    }
    let payments = json!(payments);
    faults.slow_syncs(300);
    let (stop, refused) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for first in 0..24 {
            let (server, noisy, stop, refused) = (&server, &noisy, &stop, &refused);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let answer = server.ask_as(noisy, "POST", "/v1/events", Some(&json!(batch(first * BATCH))));
                    refused.fetch_add(u64::from(answer.status == 503), Ordering::Relaxed);
                }
            });
        }
        while refused.load(Ordering::Relaxed) < 100 {
            std::thread::yield_now();
        }
        let answers: Vec<u16> =
            (0..5).map(|_| server.ask_as(&quiet, "POST", "/v1/events", Some(&payments)).status).collect();
        stop.store(true, Ordering::Relaxed);
        assert_eq!(answers, [200; 5]);
    });
}

/// A slow disk makes answers slow and nothing else.
#[test]
fn a_slow_disk_loses_nothing() {
    let faults = Faults::none();
    let (mut server, mut load) = loaded(&faults, &[]);
    faults.slow_syncs(40);
    load.until(&mut server, 60, Server::kill9);
    faults.restart(&mut server, &[]);
    load.until(&mut server, 20, |_| ());
    load.account(&server);
}

/// A real disk that runs full: refused from 85 %, and with room again all goes on; when something else fills it to the
/// last byte, so that the store cannot write either, the process waits for room and then ends, to start anew.
#[test]
fn a_small_disk_runs_full() {
    let Some(mut server) = Server::on_small_disk("64m", &PERSISTED_OFTEN) else {
        println!("skipped: no file system can be mounted here");
        return;
    };
    load::prepare(&server);
    let mut load = Load::default();
    server.fill_small_disk("52m");
    while load.push(&server) {}
    let answer = server.ask("POST", "/v1/events", Some(&json!(batch(1_000_000))));
    assert_eq!((answer.status, &answer.body["error"]["code"]), (503, &json!("busy")), "{:#}", answer.body);
    assert!(load.acknowledged.len() > 20, "{} batches fit", load.acknowledged.len());
    server.fill_small_disk("0");
    while !load.push(&server) {
        // The disk is looked at once a second.
        std::thread::yield_now();
    }
    load.account(&server);
    server.fill_small_disk("64m");
    // A change of settings is refused like an event; what waits to be made durable finds no room.
    while load.push(&server) {}
    server.fill_small_disk("0");
    let ended = push_until_it_ends_or(&mut server, &mut load, 200);
    assert!(ended.is_none_or(|ended| ended.code() == Some(DISK_FAILED)), "{ended:?}");
    server.kill9();
    server.restart();
    load.account(&server);
}

/// Pushes so many batches, or until the process has ended.
fn push_until_it_ends_or(server: &mut Server, load: &mut Load, batches: u64) -> Option<ExitStatus> {
    (0..batches).find_map(|_| {
        load.push(server);
        server.ended()
    })
}
