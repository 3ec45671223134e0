//! Load that is cut off in the middle, and the account afterwards: everything acknowledged is there, once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use serde_json::{Value, json};

use super::{Line, Server};

/// The company of the load.
pub const COMPANY: &str = "crash";
/// Events of one request; each customer of the load gets one payment in a request.
pub const BATCH: u64 = 25;
const WRITERS: u64 = 4;

/// Settings of its company.
pub fn company() -> Value {
    json!({"sso_id": "sso-crash", "retention_months": 0})
}

/// Creates its company and switches its source on.
pub fn prepare(server: &Server) {
    server.put(&format!("/v1/companies/{COMPANY}"), &company());
    server.put("/v1/sources/conversion", &json!({"enabled": true}));
}

/// One payment.
pub fn payment(number: u64) -> Value {
    json!({
        "event_id": format!("pay-{number}"),
        "company_id": COMPANY,
        "company_sso_id": "sso-crash",
        "qontak_customer_id": format!("customer-{}", number % BATCH),
        "event_timestamp": "2026-11-02T09:00:00Z",
        "source_module": "conversion",
        "event_name": "order.paid",
        "event_attributes": {"payment_type": "full", "paid_amount": "1.25", "payment_id": format!("p-{number}")},
    })
}

/// The payments of the batch that begins with this number.
pub fn batch(first: u64) -> Vec<Value> {
    (first..first + BATCH).map(payment).collect()
}

/// What was pushed and acknowledged so far.
#[derive(Debug, Default)]
pub struct Load {
    next: AtomicU64,
    /// First numbers of the acknowledged batches.
    pub acknowledged: BTreeSet<u64>,
}

impl Clone for Load {
    fn clone(&self) -> Self {
        let next = AtomicU64::new(self.next.load(Ordering::Relaxed));
        Self { next, acknowledged: self.acknowledged.clone() }
    }
}

impl Load {
    /// Lets writers work until so many batches are acknowledged, then does this to the server, and notes all that were
    /// acknowledged until the connections broke or `act` had returned.
    pub fn until<T>(&mut self, server: &mut Server, batches: u64, act: impl FnOnce(&mut Server) -> T) -> T {
        let (stop, next) = (AtomicBool::new(false), &self.next);
        let (outcome, acknowledged) = thread::scope(|scope| {
            let (tell, told) = channel();
            for _ in 0..WRITERS {
                let (line, tell, stop) = (server.line(), tell.clone(), &stop);
                scope.spawn(move || write(&line, next, stop, &tell));
            }
            drop(tell);
            let mut acknowledged: Vec<u64> = told.iter().take(usize::try_from(batches).unwrap_or(1)).collect();
            let outcome = act(server);
            stop.store(true, Ordering::Relaxed);
            acknowledged.extend(told.iter());
            (outcome, acknowledged)
        });
        self.acknowledged.extend(acknowledged);
        outcome
    }

    /// Pushes one batch; says whether it was acknowledged.
    pub fn push(&mut self, server: &Server) -> bool {
        let first = self.next.fetch_add(BATCH, Ordering::Relaxed);
        let answer = server.line().ask("POST", "/v1/events", json!(batch(first)).to_string().into_bytes());
        let is_acknowledged =
            answer.as_ref().is_some_and(|answer| answer.status == 200 && answer.body["accepted"] == BATCH);
        if is_acknowledged {
            self.acknowledged.insert(first);
        } else {
            println!("not acknowledged: {answer:?}");
        }
        is_acknowledged
    }

    /// Fails the test unless everything acknowledged is there, everything that is there is there once and counted once,
    /// and the store is what its log gives. Gives how many events there are.
    pub fn account(&self, server: &Server) -> u64 {
        server.drain();
        let seen = there(server);
        let lost: Vec<u64> = self
            .acknowledged
            .iter()
            .flat_map(|first| *first..first + BATCH)
            .filter(|number| !seen.contains(&format!("pay-{number}")))
            .collect();
        assert_eq!(lost, Vec::<u64>::new(), "acknowledged and lost");
        // What was written but not acknowledged may be there too, and counts once like everything else.
        let events = u64::try_from(seen.len()).expect("few");
        let expected = format!("{}.{:02}", events * 125 / 100, events * 125 % 100);
        assert_eq!(server.metric(COMPANY, "total_spend")["value"], expected.as_str());
        server.assert_clean();
        events
    }
}

/// Sends batches until the connection breaks; tells which were acknowledged.
fn write(line: &Line, next: &AtomicU64, stop: &AtomicBool, acknowledged: &Sender<u64>) {
    while !stop.load(Ordering::Relaxed) {
        let first = next.fetch_add(BATCH, Ordering::Relaxed);
        match line.ask("POST", "/v1/events", json!(batch(first)).to_string().into_bytes()) {
            Some(answer) if answer.status == 200 => {
                assert_eq!(answer.body["accepted"], BATCH, "{:#}", answer.body);
                if acknowledged.send(first).is_err() {
                    return;
                }
            }
            Some(answer) => assert_eq!(answer.status, 503, "{:#}", answer.body),
            None => return,
        }
    }
}

/// The ids of all payments; fails the test when one is there twice.
pub fn there(server: &Server) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for customer in 0..BATCH {
        for id in timeline_ids(server, COMPANY, &format!("customer-{customer}")) {
            assert!(seen.insert(id.clone()), "{id} is there twice");
        }
    }
    seen
}

/// The ids of all events of a customer, page by page.
pub fn timeline_ids(server: &Server, company: &str, customer: &str) -> Vec<String> {
    let (mut ids, mut before) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/customers/{customer}/timeline?company_id={company}&limit=1000{before}");
        let page = server.get(&path);
        let events = page["events"].as_array().expect("a timeline has events");
        ids.extend(events.iter().filter_map(|event| event["event_id"].as_str().map(str::to_owned)));
        match page["next"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => return ids,
        }
    }
}

/// A number that differs from round to round and run to run.
pub fn random() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    u64::from_le_bytes(bytes)
}

/// How many rounds a test of random moments takes: this many, or what `CEBE_CRASH_ROUNDS` says.
pub fn rounds(usual: u64) -> u64 {
    std::env::var("CEBE_CRASH_ROUNDS").map_or(usual, |rounds| rounds.parse().expect("CEBE_CRASH_ROUNDS is a number"))
}
