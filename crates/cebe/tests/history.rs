//! A year of history loaded beside live traffic, with the server killed in the middle: it ends as if nothing had happened.
//! Small here; by hand at the size that is promised:
//! `CEBE_BACKFILL_ROWS=500000 cargo test --release -p cebe --test history -- --nocapture`

mod support;

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use cebe_catalog::{Definitions, Micros, time::SECOND};
use cebe_central::{Central, Embedded, EmbeddedSettings};
use serde_json::{Value, json};
use support::{Line, Server};

const COMPANY: &str = "history";
/// Rows of history, and live events of a second, unless something else is asked for.
const ROWS: u64 = 4_000;
const LIVE_PER_S: u64 = 1_000;
/// For so many rows of history there is a customer, and a live event.
const ROWS_PER_CUSTOMER: u64 = 20;
const ROWS_PER_LIVE: u64 = 10;
const LIVE_BATCH: usize = 50;
const YEAR: i64 = 365 * 24 * 3_600 * SECOND;
/// Customers whose answers are compared.
const LOOKED_AT: u64 = 25;

fn asked_for(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// What is sent, the same in every run.
struct Sent {
    history: Vec<String>,
    live: Vec<String>,
    customers: u64,
}

impl Sent {
    fn new(rows: u64) -> Self {
        let now = Micros(jiff::Timestamp::now().as_microsecond());
        let customers = (rows / ROWS_PER_CUSTOMER).max(1);
        let past = |row: u64| now.plus(-YEAR + YEAR / 366 * 365 / rows.cast_signed() * row.cast_signed());
        let history = (0..rows).map(|row| event("past", row, customers, past(row)));
        let live = (0..rows / ROWS_PER_LIVE).map(|row| event("live", row, customers, now.plus(-row.cast_signed())));
        Self { history: history.collect(), live: live.collect(), customers }
    }

    fn text(&self) -> String {
        self.history.iter().map(|line| format!("{line}\n")).collect()
    }

    fn everything(&self) -> String {
        self.history.iter().chain(&self.live).map(|line| format!("{line}\n")).collect()
    }
}

/// Orders that are made and paid, answers to surveys, and tickets.
fn event(kind: &str, row: u64, customers: u64, at: Micros) -> String {
    let business = format!("{kind}-{}", row / 4);
    let (module, name, attributes) = match row % 4 {
        0 => (
            "conversion",
            "order.created",
            json!({"order_id": business, "items": [{"item_id": "sku-7", "quantity": 1}], "total_value": "12.50"}),
        ),
        1 => (
            "conversion",
            "order.paid",
            json!({"order_id": business, "payment_id": business, "payment_type": "full", "paid_amount": "12.50"}),
        ),
        2 => ("communication", "nps.submitted", json!({"score": row / 4 % 11})),
        _ => ("ticketing", "ticket.created", json!({"ticket_id": business, "pipeline_id": "p", "stage_id": "s"})),
    };
    let customer = format!("customer-{}", row / 4 % customers);
    json!({"event_id": format!("{kind}-{row}"), "company_id": COMPANY, "source_module": module, "event_name": name,
        "qontak_customer_id": customer, "event_timestamp": at.to_rfc3339(), "event_attributes": attributes})
    .to_string()
}

/// What is there in the end, however it came.
#[derive(Debug, PartialEq)]
struct End {
    metrics: BTreeMap<String, Value>,
    people: Vec<Value>,
    /// Rows by table.
    state: BTreeMap<&'static str, BTreeMap<String, String>>,
}

/// Sends live batches one after the other, each when its time has come, and each until it is taken; how long answers took.
fn push_live(line: &Mutex<Line>, batches: &[String], pace: Duration, never: &Receiver<()>) -> Vec<Duration> {
    let started = Instant::now();
    let wait = |until: Instant| {
        let _ = never.recv_timeout(until.saturating_duration_since(Instant::now()));
    };
    let push = |(number, batch): (usize, &String)| {
        wait(started + pace * u32::try_from(number).expect("few"));
        let begun = Instant::now();
        loop {
            let line = line.lock().unwrap_or_else(PoisonError::into_inner).clone();
            match line.ask("POST", "/v1/events", batch.clone().into_bytes()) {
                Some(answer) if answer.status == 200 => return begun.elapsed(),
                // Full, or gone for the moment.
                _ => wait(Instant::now() + Duration::from_millis(20)),
            }
        }
    };
    batches.iter().enumerate().map(push).collect()
}

/// Loads the history with live traffic beside it; kills the server at this part of the way, when there is one.
fn load(sent: &Sent, kill_at_percent: Option<f64>) -> (Server, Value) {
    let mut server = Server::with_company(COMPANY, json!({"sso_id": "sso", "retention_months": 0, "currency": "IDR"}));
    std::fs::write(server.data().with_file_name("history.ndjson"), sent.text()).expect("the folder can be written");
    let batches: Vec<String> = sent.live.chunks(LIVE_BATCH).map(|events| events.join("\n")).collect();
    let pace = Duration::from_secs_f64(LIVE_BATCH as f64 / asked_for("CEBE_BACKFILL_LIVE_PER_S", LIVE_PER_S) as f64);
    let (line, started) = (Mutex::new(server.line()), Instant::now());
    let (_hold, never) = channel();
    let (done, mut took) = thread::scope(|scope| {
        let line = &line;
        let live = scope.spawn(move || push_live(line, &batches, pace, &never));
        let started = server.command(&["backfill", "history.ndjson", "--detach", "--json"]);
        let started: Value = serde_json::from_slice(&started.stdout).expect("JSON");
        let id = started[0]["id"].as_str().expect("an id").to_owned();
        if let Some(percent) = kill_at_percent {
            let seen = until(&server, &id, |seen| seen["percent_complete"].as_f64() >= Some(percent));
            assert_eq!(seen["state"], "running", "it was killed too late");
            server.kill9();
            server.restart();
            *line.lock().unwrap_or_else(PoisonError::into_inner) = server.line();
        }
        (until(&server, &id, |_| false), live.join().expect("live traffic ends well"))
    });
    took.sort_unstable();
    let p99 = took.get(took.len() * 99 / 100).copied().unwrap_or_default();
    println!("{} rows in {:?}; live batches answered within {p99:?} (p99)", sent.history.len(), started.elapsed());
    server.drain();
    (server, done)
}

/// Waits until this holds of the backfill, or it has ended.
fn until(server: &Server, id: &str, holds: impl Fn(&Value) -> bool) -> Value {
    loop {
        let seen = server.get(&format!("/v1/backfills/{id}"));
        if seen["state"] != "running" || holds(&seen) {
            return seen;
        }
        thread::yield_now();
    }
}

/// Fails the test unless everything arrived, once, by the product's own account.
fn account(server: &Server, sent: &Sent, done: &Value) {
    assert_eq!((&done["state"], &done["percent_complete"]), (&json!("done"), &json!(100.0)), "{done:#}");
    assert_eq!(done["outcomes"]["applied"], sent.history.len(), "{done:#}");
    std::fs::write(server.data().with_file_name("sent.ndjson"), sent.everything()).expect("the folder can be written");
    let compared = server.command(&["--company", COMPANY, "--json", "reconcile", "sent.ndjson"]);
    assert!(compared.status.success(), "{}", String::from_utf8_lossy(&compared.stdout));
    let compared: Value = serde_json::from_slice(&compared.stdout).expect("JSON");
    let names = compared.as_array().expect("a list").iter().flat_map(|one| one["names"].as_object().expect("names"));
    let found: u64 = names.map(|(_, found)| found["found"].as_u64().expect("a count")).sum();
    assert_eq!(found, (sent.history.len() + sent.live.len()) as u64, "{compared:#}");
    server.assert_clean();
}

/// Without what is about the moment of the answer, or of the receipt; how often somebody buys is told up to now.
fn lasting(mut answer: Value) -> Value {
    match &mut answer {
        Value::Object(fields) => {
            fields.retain(|name, _| {
                !matches!(name.as_str(), "freshness" | "received_at" | "receipt" | "purchase_frequency")
            });
            fields.values_mut().for_each(|value| *value = lasting(value.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = lasting(item.take())),
        _ => {}
    }
    answer
}

fn end(mut server: Server, sent: &Sent) -> End {
    let metrics = Definitions::standard().metrics.values();
    // What the engine says of itself tells of duplicates too, and a killed client sends again.
    let metrics = metrics.filter(|metric| metric.company && metric.module != "engine");
    let metrics =
        metrics.map(|metric| (metric.name.to_string(), lasting(server.metric(COMPANY, &metric.name)))).collect();
    let step = usize::try_from((sent.customers / LOOKED_AT).max(1)).expect("few");
    let people = (0..sent.customers).step_by(step).flat_map(|number| {
        ["", "/metrics", "/timeline"].map(|part| format!("/v1/customers/customer-{number}{part}?company_id={COMPANY}"))
    });
    let people = people.map(|path| lasting(server.get(&path))).collect();
    assert!(server.stop().success());
    let store = Embedded::open(&server.data().join("central"), EmbeddedSettings::default()).expect("the store opens");
    let snapshot = store.snapshot().expect("a snapshot");
    let state = cebe_worker::verify::state(&snapshot, &COMPANY.into()).expect("the store can be read");
    End { metrics, people, state }
}

/// Requirements ANCHOR-TP-6, BF-RESUME, CORE-S01-AC3-b: twelve months beside live traffic, 100 % reached and nothing lost by
/// reconciliation; killed and resumed, the end is the one of a run that was left alone.
#[test]
fn a_year_killed_in_the_middle_ends_like_one_left_alone() {
    let sent = Sent::new(asked_for("CEBE_BACKFILL_ROWS", ROWS));
    let ends = [None, Some(40.0)].map(|kill_at_percent| {
        let (server, done) = load(&sent, kill_at_percent);
        account(&server, &sent, &done);
        end(server, &sent)
    });
    let [alone, killed] = &ends;
    assert!(!alone.state.values().all(BTreeMap::is_empty) && alone.metrics["orders"]["value"] != 0);
    assert_eq!(alone.metrics, killed.metrics);
    for (one, other) in alone.people.iter().zip(&killed.people) {
        assert_eq!(one, other);
    }
    for (table, rows) in &alone.state {
        let others = &killed.state[table];
        let differs = rows.iter().find(|(key, row)| others.get(*key) != Some(row));
        assert_eq!((differs, rows.len()), (None, others.len()), "{table}");
    }
}
