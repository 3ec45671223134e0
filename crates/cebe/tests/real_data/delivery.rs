//! Ways of delivering the same lines: once, twice, shuffled, or with the server killed while they come in.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use serde_json::json;

use crate::support::{Answer, Line, Server};

/// In which order and how often the lines are pushed.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    Once,
    Twice,
    Shuffled,
    Killed,
}

/// Small batches are pushed by many at once: each waits for its own flush.
const WRITERS_OF_SMALL: usize = 16;
/// When the server is killed, this many requests are under way.
const WRITERS_AT_A_KILL: usize = 4;

/// Pushes the lines; gives how many events were answered with a 200.
pub fn deliver(server: &mut Server, lines: &[String], way: Way, batch: usize) -> usize {
    let writers = if batch < 500 { WRITERS_OF_SMALL } else { 1 };
    match way {
        Way::Once => push(server, lines, batch, writers),
        Way::Twice => (0..2).map(|_| push(server, lines, batch, writers)).sum(),
        Way::Shuffled => push(server, &shuffled(lines), batch, writers),
        Way::Killed => killed_half_way(server, lines, batch),
    }
}

fn push(server: &Server, lines: &[String], batch: usize, writers: usize) -> usize {
    let (chunks, next) = (lines.chunks(batch).collect::<Vec<_>>(), AtomicUsize::new(0));
    thread::scope(|scope| {
        let (tell, told) = channel();
        for _ in 0..writers {
            let (line, tell, chunks, next) = (server.line(), tell.clone(), &chunks, &next);
            scope.spawn(move || write(&line, chunks, next, &tell));
        }
        drop(tell);
        told.iter().map(|place| chunks[place].len()).sum()
    })
}

/// Pushes with several writers until half is acknowledged, kills the server at once, starts it again, and pushes what had
/// no answer, and some of what had one.
fn killed_half_way(server: &mut Server, lines: &[String], batch: usize) -> usize {
    let (chunks, next) = (lines.chunks(batch).collect::<Vec<_>>(), AtomicUsize::new(0));
    let acknowledged: Vec<usize> = thread::scope(|scope| {
        let (tell, told) = channel();
        for _ in 0..WRITERS_AT_A_KILL {
            let (line, tell, chunks, next) = (server.line(), tell.clone(), &chunks, &next);
            scope.spawn(move || write(&line, chunks, next, &tell));
        }
        drop(tell);
        let mut acknowledged: Vec<usize> = told.iter().take(chunks.len().div_ceil(2)).collect();
        server.kill9();
        acknowledged.extend(told.iter());
        acknowledged
    });
    server.restart();
    let sent: usize = acknowledged.iter().map(|place| chunks[*place].len()).sum();
    let is_left = |place: &usize| !acknowledged.contains(place) || acknowledged.ends_with(&[*place]);
    let left: Vec<String> = (0..chunks.len()).filter(is_left).flat_map(|place| chunks[place].to_vec()).collect();
    // A few requests may all be answered before the blow falls.
    assert!(sent < lines.len() || chunks.len() < 10, "the server was killed too late: nothing was left to push");
    sent + push(server, &left, batch, WRITERS_AT_A_KILL)
}

/// Pushes chunks until there are none, or until the connection breaks; tells which were acknowledged.
fn write(line: &Line, chunks: &[&[String]], next: &AtomicUsize, acknowledged: &Sender<usize>) {
    loop {
        let place = next.fetch_add(1, Ordering::Relaxed);
        let Some(lines) = chunks.get(place) else { return };
        loop {
            match line.ask("POST", "/v1/events", lines.join("\n").into_bytes()) {
                Some(Answer { status: 200, body }) => {
                    assert_eq!(body["accepted"], lines.len(), "{:#}", body["results"][0]);
                    if acknowledged.send(place).is_err() {
                        return;
                    }
                    break;
                }
                // The queue is full: a change is answered once what lies before it is applied.
                Some(Answer { status: 503, .. }) => {
                    let change = json!({"modules": [], "pii_classes": []}).to_string().into_bytes();
                    if line.ask("PUT", "/v1/teams/drained", change).is_none() {
                        return;
                    }
                }
                Some(Answer { status, body }) => panic!("{status} {body:#}"),
                None => return,
            }
        }
    }
}

fn shuffled(lines: &[String]) -> Vec<String> {
    let mut lines = lines.to_vec();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for place in (1..lines.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        lines.swap(place, usize::try_from(state >> 33).expect("31 bits") % (place + 1));
    }
    lines
}
