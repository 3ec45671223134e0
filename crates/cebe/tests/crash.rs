//! kill -9 at random moments under load: what was acknowledged is there, once, and the store is what its log gives.

mod support;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use serde_json::{Value, json};
use support::{Line, Server};

const COMPANY: &str = "crash";
const ROUNDS: u64 = 20;
const WRITERS: u64 = 4;
/// Events of one request; each customer of the test gets one payment in a request.
const BATCH: u64 = 25;

fn payment(number: u64) -> Value {
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

/// Sends batches until the connection breaks; tells which numbers were acknowledged.
fn write(line: &Line, next: &AtomicU64, stop: &AtomicBool, acknowledged: &Sender<u64>) {
    while !stop.load(Ordering::Relaxed) {
        let first = next.fetch_add(BATCH, Ordering::Relaxed);
        let events: Vec<Value> = (first..first + BATCH).map(payment).collect();
        match line.ask("POST", "/v1/events", json!(events).to_string().into_bytes()) {
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

/// A number that differs from round to round and run to run.
fn random() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    u64::from_le_bytes(bytes)
}

/// Lets writers work until so many batches are acknowledged, kills the server at once, and gives all that were.
fn load_and_kill(server: &mut Server, next: &AtomicU64, batches: u64) -> Vec<u64> {
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let (tell, told) = channel();
        for _ in 0..WRITERS {
            let (line, tell, stop) = (server.line(), tell.clone(), &stop);
            scope.spawn(move || write(&line, next, stop, &tell));
        }
        drop(tell);
        let mut acknowledged: Vec<u64> = told.iter().take(usize::try_from(batches).unwrap_or(1)).collect();
        server.kill9();
        stop.store(true, Ordering::Relaxed);
        acknowledged.extend(rest(&told));
        acknowledged
    })
}

fn rest(told: &Receiver<u64>) -> Vec<u64> {
    told.iter().collect()
}

fn timeline_ids(server: &Server, customer: u64) -> Vec<String> {
    let (mut ids, mut before) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/customers/customer-{customer}/timeline?company_id={COMPANY}&limit=1000{before}");
        let page = server.get(&path);
        let events = page["events"].as_array().expect("a timeline has events");
        ids.extend(events.iter().filter_map(|event| event["event_id"].as_str().map(str::to_owned)));
        match page["next"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => return ids,
        }
    }
}

/// Proves CORE-CON-SLA, ANCHOR-TP-4, ANCHOR-MET-3, CORE-FLOW-7.
#[test]
fn every_acknowledged_event_is_applied_exactly_once() {
    let mut server = Server::with_company(COMPANY, json!({"sso_id": "sso-crash", "retention_months": 0}));
    let next = AtomicU64::new(0);
    let mut acknowledged = BTreeSet::new();
    for _ in 0..ROUNDS {
        let batches = 1 + random() % 40;
        acknowledged.extend(load_and_kill(&mut server, &next, batches));
        server.restart();
    }
    server.drain();
    let mut seen = BTreeSet::new();
    for customer in 0..BATCH {
        for id in timeline_ids(&server, customer) {
            assert!(seen.insert(id.clone()), "{id} is there twice");
        }
    }
    let lost: Vec<u64> = acknowledged
        .iter()
        .flat_map(|first| *first..first + BATCH)
        .filter(|number| !seen.contains(&format!("pay-{number}")))
        .collect();
    assert_eq!(lost, Vec::<u64>::new(), "acknowledged and lost");
    // What was written but not acknowledged may be there too, and counts once like everything else.
    let spend = u64::try_from(seen.len()).expect("few") * 125;
    let expected = format!("{}.{:02}", spend / 100, spend % 100);
    assert_eq!(server.metric(COMPANY, "total_spend")["value"], expected.as_str());
    server.assert_clean();
}
