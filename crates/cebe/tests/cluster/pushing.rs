//! Pushes the lines of a set to whatever nodes take events, in chunks, a few requests at a time, as far as it is told to.

use std::slice::Chunks;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Scope;

use crate::rig::NEVER;
use crate::support::{Line, Server};

/// Requests under way at one time.
const WRITERS: usize = 4;
/// Nodes that are asked for one chunk before something must be wrong.
const TRIES_MAX: usize = 10_000;

/// The nodes that take events now.
pub struct Doors(Mutex<Vec<Option<Line>>>);

impl Doors {
    pub fn of(nodes: &[Server]) -> Self {
        Self(Mutex::new(nodes.iter().map(|node| Some(node.line())).collect()))
    }

    pub fn close(&self, node: usize) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[node] = None;
    }

    pub fn open(&self, node: usize, server: &Server) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)[node] = Some(server.line());
    }

    /// One of them; with each turn another.
    fn line(&self, turn: usize) -> Line {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open: Vec<&Line> = lines.iter().flatten().collect();
        open[turn % open.len()].clone()
    }

    /// Pushes a chunk until somebody has taken it.
    fn push(&self, lines: &[String], turn: usize) {
        let body = lines.join("\n").into_bytes();
        let taken = (turn..turn + TRIES_MAX).find_map(|turn| {
            self.line(turn).ask("POST", "/v1/events", body.clone()).filter(|answer| answer.status == 200)
        });
        let answer = taken.expect("some node takes it");
        assert_eq!(answer.body["accepted"], lines.len(), "{:#}", answer.body["results"][0]);
    }
}

type Given<'s> = Arc<Mutex<Receiver<(usize, &'s [String])>>>;

/// A set on its way.
pub struct Pushing<'s> {
    chunks: Chunks<'s, String>,
    give: Sender<(usize, &'s [String])>,
    taken: Receiver<()>,
    given: usize,
    under_way: usize,
}

impl<'s> Pushing<'s> {
    pub fn start(scope: &'s Scope<'s, '_>, doors: &'s Doors, lines: &'s [String], chunk: usize) -> Self {
        let ((give, given), (tell, taken)) = (channel(), channel());
        let given: Given<'s> = Arc::new(Mutex::new(given));
        for _ in 0..WRITERS {
            let (given, tell) = (Arc::clone(&given), tell.clone());
            scope.spawn(move || write(doors, &given, &tell));
        }
        Self { chunks: lines.chunks(chunk), give, taken, given: 0, under_way: 0 }
    }

    /// Goes on with so many chunks; when this returns the last of them are still under way.
    pub fn more(&mut self, chunks: usize) {
        for lines in self.chunks.by_ref().take(chunks) {
            self.give.send((self.given, lines)).expect("the writers write");
            self.given += 1;
            self.under_way += 1;
        }
        self.wait_until_under_way(WRITERS);
    }

    /// Waits until at most so many requests are under way.
    pub fn wait_until_under_way(&mut self, most: usize) {
        while self.under_way > most {
            self.taken.recv_timeout(NEVER).expect("events go on being taken");
            self.under_way -= 1;
        }
    }

    /// Pushes everything that is left.
    pub fn finish(mut self) {
        self.more(usize::MAX);
        self.wait_until_under_way(0);
    }
}

fn write(doors: &Doors, given: &Given<'_>, tell: &Sender<()>) {
    loop {
        let next = given.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((turn, lines)) = next else { return };
        doors.push(lines, turn);
        // Nobody waits any more after a failure.
        let _ = tell.send(());
    }
}
