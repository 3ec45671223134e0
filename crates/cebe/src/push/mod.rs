//! Pushing many events: lines are read, gathered into batches, sent by several threads and sent again until each batch
//! is acknowledged. Sending twice is harmless, because every event is known by its id or its content.

mod batch;
mod read;
mod tally;

use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

pub(crate) use read::{inflated, lines_of, open};
pub(crate) use tally::Tally;

use crate::client::{Answer, Client};
use crate::failure::Failure;
use batch::Batch;
use read::Lines;

/// First pause before a request is sent again, when the server names none; it doubles.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// How to push.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Most events in one request.
    pub(crate) batch_events: usize,
    /// Requests under way at once.
    pub(crate) concurrency: usize,
    /// Ask for the outcome of each event.
    pub(crate) wait: bool,
    /// Compress requests.
    pub(crate) gzip: bool,
    /// How long to go on trying.
    pub(crate) patience: Duration,
}

/// Pushes everything that `lines` gives.
pub(crate) fn run(client: &Client, lines: Lines, plan: &Plan, bar: &ProgressBar) -> Result<Tally, Failure> {
    let (give, take) = sync_channel::<Batch>(plan.concurrency);
    let take = Arc::new(Mutex::new(take));
    thread::scope(|scope| {
        let senders: Vec<_> = (0..plan.concurrency)
            .map(|_| {
                let take = Arc::clone(&take);
                scope.spawn(move || send_all(client, &take, plan, bar))
            })
            .collect();
        // The last sender that gives up takes the receiving end with it, which ends the reading.
        drop(take);
        let read = batch::gather(lines, plan.batch_events, |batch| give.send(batch).is_ok());
        drop(give);
        let mut tally = Tally::default();
        for sender in senders {
            tally.add(sender.join().expect("a sender does not panic")?);
        }
        read.map(|()| tally)
    })
}

fn send_all(client: &Client, take: &Mutex<Receiver<Batch>>, plan: &Plan, bar: &ProgressBar) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    loop {
        let next = take.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = next else { return Ok(tally) };
        let answer = send(client, &batch, plan, &mut tally)?;
        tally.count(&answer.body);
        bar.inc(batch.events);
    }
}

fn send(client: &Client, batch: &Batch, plan: &Plan, tally: &mut Tally) -> Result<Answer, Failure> {
    let (path, body) = (path_of(plan), batch.body(plan.gzip)?);
    let mut headers = vec![("content-type", "application/x-ndjson")];
    if plan.gzip {
        headers.push(("content-encoding", "gzip"));
    }
    let (give_up, mut pause) = (Instant::now() + plan.patience, PAUSE_FIRST);
    loop {
        let (failure, wanted) = match client.send("POST", path, &headers, body.clone()) {
            Ok(answer) if answer.status == 200 => return Ok(answer),
            Ok(answer) => (Failure::from_answer(answer.status, &answer.body), answer.retry_after),
            Err(failure) => (failure, None),
        };
        let again = matches!(failure, Failure::NotNow { .. } | Failure::Unreachable { .. });
        if !again || Instant::now() >= give_up {
            return Err(failure);
        }
        tally.retries += 1;
        thread::sleep(wanted.unwrap_or(pause));
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

fn path_of(plan: &Plan) -> &'static str {
    if plan.wait { "/v1/events?wait=true&timeout_ms=30000" } else { "/v1/events" }
}
