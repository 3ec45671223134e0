//! What the envelope carries comes back, and serves what it is for; and what a publisher may do over and over.

use std::io::Write;

use base64::Engine;
use serde_json::{Value, json};

use crate::life::{self, COMPANY, of};
use crate::rig;
use crate::support::{ADMIN, Server};

const AT: &str = "2025-11-03T09:00:00+07:00";

fn get(server: &Server, path: &str) -> Value {
    let mark = if path.contains('?') { '&' } else { '?' };
    server.get(&format!("{path}{mark}company_id={COMPANY}"))
}

/// Proves ANCHOR-ENV-7 and ANCHOR-ENV-9: what triggered an event and what it is described by are shown with it; contact
/// data in the words is not; and a customer whose source nobody named came from what triggered the creation.
#[test]
fn the_trigger_and_the_description_come_back() {
    let server = Server::with_company(COMPANY, life::company());
    let mut created = of("ayu", "e-1", "customer.created", AT, json!({"qontak_customer_id": "ayu"}));
    created["trigger_from"] = "mobile".into();
    created["event_description"] = "signed up, call 0811-1234-789 or ayu@example.com".into();
    server.push(&[created]);
    let shown = get(&server, "/v1/customers/ayu/timeline")["events"][0].clone();
    assert_eq!(shown["trigger_from"], "mobile", "{shown:#}");
    let words = shown["event_description"].as_str().expect("words");
    assert!(words.starts_with("signed up") && !words.contains("1234") && !words.contains("ayu@"), "{words}");
    let sources = get(&server, "/v1/metrics/new_customers?group_by=source");
    assert_eq!(sources["groups"][0]["key"]["source"], "mobile", "{sources:#}");
    let own = get(&server, "/v1/customers/ayu/metrics")["metrics"]["acquisition_source"]["value"].clone();
    assert_eq!(own, "mobile");
}

/// Proves CORE-DEP-CR: a module that has never sent anything finds a customer's id by the phone that another one sent.
#[test]
fn the_id_is_there_before_a_modules_first_event() {
    let server = Server::with_company(COMPANY, life::company());
    let fields = json!([{"name": "phone", "value": "0811-1234-789"}]);
    server.push(&[of(
        "ayu",
        "e-1",
        "customer.created",
        AT,
        json!({"qontak_customer_id": "ayu", "default_fields": fields}),
    )]);
    let reader = rig::key_of(&server, "reader", &[COMPANY]);
    let found = rig::send_as(&server, &reader, "GET", "/v1/customers?phone=%2B62%20811%201234%20789", b"").json();
    assert_eq!((&found["qontak_customer_id"], &found["resolved"]), (&json!("ayu"), &json!(true)), "{found:#}");
    let booking = json!({"booking_id": "k-1", "appointment_datetime": AT});
    let id = found["qontak_customer_id"].as_str().expect("an id");
    assert_eq!(server.push(&[of(id, "e-2", "booking.created", AT, booking)])["applied"], 1);
}

/// Proves MKT-S01-AC3 at the door: whoever never hears the answer sends the same bytes again, and there is one record.
#[test]
fn a_lost_reply_and_a_retry_are_one_record() {
    let server = Server::with_company(COMPANY, life::company());
    let body = of("ayu", "e-1", "nps.submitted", AT, json!({"score": 9})).to_string();
    let bearer = format!("Bearer {ADMIN}");
    for _ in 0..5 {
        let mut stream = rig::connect(&server);
        let head = rig::head("POST", "/v1/events", &[("authorization", &bearer)], body.len());
        stream.write_all((head + &body).as_bytes()).expect("the request is taken");
        // The connection is gone before the answer is there.
    }
    let retried = rig::send_as(&server, ADMIN, "POST", "/v1/events?wait=true", body.as_bytes()).json();
    assert_eq!(retried["applied"].as_i64().unwrap_or(0) + retried["duplicate"].as_i64().unwrap_or(0), 1, "{retried:#}");
    let sums = rig::assert_balanced(&server, COMPANY);
    assert_eq!((&sums["applied"], &sums["conflict"]), (&json!(1), &json!(0)), "{sums:#}");
    assert_eq!(get(&server, "/v1/metrics/avg_nps")["value"], 9);
}

/// Proves CORE-NG-4: no page of another origin may push or read by somebody's browser; a key as the user name of Basic is
/// as good as a bearer's.
#[test]
fn browsers_are_not_invited_and_basic_keys_are_keys() {
    let server = Server::with_company(COMPANY, life::company());
    let body = of("ayu", "e-1", "nps.submitted", AT, json!({"score": 9})).to_string();
    let origin = ("origin", "https://page.example");
    let bearer = format!("Bearer {ADMIN}");
    let asked =
        [origin, ("access-control-request-method", "POST"), ("access-control-request-headers", "authorization")];
    for path in ["/v1/events", "/v1/metrics"] {
        let preflight = rig::send(&server, "OPTIONS", path, &asked, b"");
        assert!((400..500).contains(&preflight.status), "{}", preflight.text());
        assert!(!preflight.head.to_lowercase().contains("access-control"), "{}", preflight.head);
    }
    let pushed = rig::send(&server, "POST", "/v1/events", &[origin, ("authorization", &bearer)], body.as_bytes());
    assert!(!pushed.head.to_lowercase().contains("access-control"), "{}", pushed.head);
    let basic = format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{ADMIN}:")));
    let again = rig::send(&server, "POST", "/v1/events?wait=true", &[("authorization", &basic)], body.as_bytes());
    assert_eq!(again.json()["duplicate"], 1, "{}", again.text());
}
