//! A clock that is set back, or far ahead.

use std::io::{BufReader, Read};
use std::process::ChildStderr;

use serde_json::{Value, json};

use crate::fault::Faults;
use crate::support::Server;

const COMPANY: &str = "clock";
const DAY_S: i64 = 86_400;

fn payment(id: &str, at: &str) -> Value {
    json!({
        "event_id": id, "company_id": COMPANY, "company_sso_id": "sso", "qontak_customer_id": "c-1",
        "event_timestamp": at, "source_module": "conversion", "event_name": "order.paid",
        "event_attributes": {"payment_type": "full", "paid_amount": "1.25", "payment_id": id},
    })
}

fn days_ago(days: i64) -> String {
    (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days)).to_string()
}

fn prepared(server: &Server, retention_months: u64) {
    server.put(&format!("/v1/companies/{COMPANY}"), &json!({"sso_id": "sso", "retention_months": retention_months}));
    server.put("/v1/sources/conversion", &json!({"enabled": true}));
}

fn timeline(server: &Server) -> Vec<Value> {
    let page = server.get(&format!("/v1/customers/c-1/timeline?company_id={COMPANY}&limit=100"));
    page["events"].as_array().expect("a timeline has events").clone()
}

fn spend(server: &Server) -> Value {
    server.metric(COMPANY, "total_spend")["value"].clone()
}

/// A clock that goes back, while the process runs and while it does not: receipts go on forward, and nothing is lost.
#[test]
fn receipts_never_run_backwards() {
    let faults = Faults::none();
    let mut server = faults.server(&[]);
    prepared(&server, 0);
    let at = |server: &Server, id: &str| {
        assert_eq!(server.push(&[payment(id, "2026-01-02T09:00:00Z")])["applied"], 1);
        let event = timeline(server).into_iter().find(|event| event["event_id"] == id).expect("it is there");
        // As a time: one that ends in a nought is written shorter, and sorts behind the next one as text.
        event["received_at"].as_str().expect("a time").parse::<jiff::Timestamp>().expect("a time")
    };
    let first = at(&server, "p-1");
    faults.clock_s(-7_200);
    let second = at(&server, "p-2");
    server.kill9();
    faults.restart(&mut server, &[]);
    let third = at(&server, "p-3");
    faults.clock_s(3_600);
    let fourth = at(&server, "p-4");
    assert!(first < second && second < third && third < fourth, "{first} {second} {third} {fourth}");
    assert_eq!(server.push(&[payment("p-1", "2026-01-02T09:00:00Z")])["duplicate"], 1);
    assert_eq!(spend(&server), "5.00");
    server.assert_clean();
}

/// Starts the server again on a clock that is off by so many days, which is a tick.
fn start(faults: &Faults, server: &mut Server, days: i64) -> BufReader<ChildStderr> {
    faults.clock_s(days * DAY_S);
    let log = server.restart_logged(&faults.with(&[("CEBE_LOG", "warn")]));
    // The tick of a start is appended before the queue is measured for the first time.
    while !server.text("/metrics").contains("cebe_queue_end{") {
        std::thread::yield_now();
    }
    server.drain();
    log
}

/// The same, and stops it, which applies the tick. Gives what it said.
fn tick(faults: &Faults, server: &mut Server, days: i64) -> String {
    let (mut log, mut said) = (start(faults, server, days), String::new());
    assert!(server.stop().success());
    log.read_to_string(&mut said).expect("the log can be read");
    said
}

/// Requirements CORE-LIFE-1, CORE-LIFE-3, RETN-DEDUP, VERIFY: a tick far ahead takes nothing away until another one
/// confirms it; then events go, lifetime numbers stay as they were and provable, and an old copy stays out.
#[test]
fn a_jump_ahead_takes_nothing_until_it_is_confirmed_and_totals_stay() {
    let faults = Faults::none();
    let mut server = faults.server(&[("CEBE_TICK_EVERY_S", "36000")]);
    prepared(&server, 1);
    let old = payment("p-1", &days_ago(20));
    assert_eq!(server.push(&[old.clone(), payment("p-2", &days_ago(1))])["applied"], 2);
    let jumped = "the clock jumped more than a day ahead";
    assert!(server.stop().success());
    let said = tick(&faults, &mut server, 15);
    assert!(said.contains(jumped), "a jump is not believed: {said}");
    let _log = start(&faults, &mut server, 0);
    assert_eq!(timeline(&server).len(), 2, "a clock that was set right again took nothing");
    assert!(server.stop().success());
    let said = tick(&faults, &mut server, 15);
    assert!(said.contains(jumped), "a jump is not believed: {said}");
    let _log = start(&faults, &mut server, 15);
    while timeline(&server).len() == 2 {
        server.drain();
    }
    let left = timeline(&server);
    assert_eq!((left.len(), &left[0]["event_id"]), (1, &json!("p-2")), "what is past its time is gone");
    assert_eq!(spend(&server), "2.50", "the lifetime number stays");
    server.assert_clean();
    let again = server.push(&[old]);
    assert_eq!((&again["quarantined"], &again["results"][0]["code"]), (&json!(1), &json!("too_old")), "{again:#}");
    assert_eq!(spend(&server), "2.50");
}
