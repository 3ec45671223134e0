//! Everything the catalog names, over HTTP: every event with every example, and every reason for quarantine.

use std::collections::BTreeMap;

use cebe_catalog::{Definitions, QuarantineCode, envelope};
use serde_json::{Map, Value, json};

use crate::rig;
use crate::support::{ADMIN, Server};

/// The company of the catalog's examples.
fn demo() -> Server {
    let settings = json!({"sso_id": "sso-demo", "time_zone": "Asia/Jakarta", "phone_region": "ID", "currency": "IDR",
        "retention_months": 0});
    Server::with_company("demo", settings)
}

/// A whole event around an example, under an id of its own unless the example names one.
fn example(name: &str, id: String, attributes: &Value, differing: &Map<String, Value>) -> Value {
    let definition = Definitions::standard().event(name).expect("an event of the catalog");
    let mut whole = envelope::example(definition, attributes, differing);
    if !differing.contains_key("event_id") {
        whole["event_id"] = id.into();
    }
    whole
}

/// Proves ANCHOR-1 to ANCHOR-7 of the event catalog (each `ANCHOR-n-event.name`), ANCHOR-ENV-10, CORE-B1-b, CORE-B1-c,
/// ANCHOR-PH-2, ANCHOR-PH-3: every valid example is applied and, sent again, changes nothing; every invalid one is
/// refused with its code at its path.
#[test]
fn every_example_of_every_event_ends_as_the_catalog_says() {
    let server = demo();
    let events = &Definitions::standard().events;
    assert_eq!(events.len(), 52);
    let valid: Vec<Value> = events
        .values()
        .flat_map(|event| event.valid.iter().enumerate().map(move |(place, one)| (event, place, one)))
        .map(|(event, place, one)| {
            example(&event.name, format!("{}-{place}", event.name), &one.attributes, &one.envelope)
        })
        .collect();
    assert!(events.values().all(|event| !event.valid.is_empty() && !event.invalid.is_empty()));
    let answer = server.push(&valid);
    for (sent, result) in valid.iter().zip(answer["results"].as_array().expect("results")) {
        assert_eq!(result["status"], "applied", "{sent:#}\n{result:#}");
    }
    assert_eq!(answer["applied"], valid.len());
    let again = server.push(&valid);
    assert_eq!((&again["duplicate"], &again["applied"]), (&json!(valid.len()), &json!(0)), "{again:#}");
    refused_as_said(&server);
    rig::assert_balanced(&server, "demo");
    server.assert_clean();
}

fn refused_as_said(server: &Server) {
    let events = Definitions::standard().events.values();
    let invalid: Vec<_> = events.flat_map(|event| event.invalid.iter().map(move |one| (event, one))).collect();
    let sent: Vec<Value> = invalid
        .iter()
        .enumerate()
        .map(|(place, (event, one))| example(&event.name, format!("wrong-{place}"), &one.attributes, &one.envelope))
        .collect();
    let answer = server.push(&sent);
    assert_eq!(answer["quarantined"], sent.len());
    for ((event, one), result) in invalid.iter().zip(answer["results"].as_array().expect("results")) {
        let about = format!("{}: {}\n{result:#}", event.name, one.why);
        assert_eq!(result["code"], one.code.as_str(), "{about}");
        if let Some(path) = &one.path {
            assert_eq!(result["path"], path.as_str(), "{about}");
        }
        assert!(!result["message"].as_str().unwrap_or_default().is_empty(), "{about}");
    }
}

/// Proves CORE-SCOPE-1 and CORE-CON-COMPAT's ground: each of the 52 schemas is served, and says what the event needs.
#[test]
fn every_schema_is_served() {
    let server = demo();
    for event in Definitions::standard().events.values() {
        let schema = server.get(&format!("/v1/catalog/events/{}/schema?company_id=demo", event.name));
        assert!(schema["$schema"].as_str().is_some_and(|uri| uri.contains("2020-12")), "{}: {schema:#}", event.name);
        let shown = server.get(&format!("/v1/catalog/events/{}?company_id=demo", event.name));
        let text = shown.to_string();
        for name in event.attributes.keys() {
            assert!(text.contains(name.as_str()), "{} does not show {name}", event.name);
        }
    }
    let wrong = server.ask("GET", "/v1/catalog/events/deal.wonn?company_id=demo", None);
    assert_eq!(wrong.status, 404);
}

/// The keys that refusals need.
struct Keys {
    /// Serves `demo` alone.
    one: String,
    /// Serves `demo` and `second`.
    two: String,
    /// Serves the module cdp of `demo`.
    cdp: String,
}

fn plain(change: impl FnOnce(&mut Value)) -> String {
    let mut event = example("nps.submitted", "refused".into(), &json!({"score": 9}), &Map::new());
    change(&mut event);
    event.to_string()
}

fn nested(depth: usize) -> Value {
    (0..depth).fold(json!(1), |inner, _| json!({"in": inner}))
}

/// One event for every reason, and the key it comes with.
fn refusals(keys: &Keys) -> BTreeMap<&'static str, (&str, String)> {
    let set = |name: &'static str, value: Value| plain(move |event| event[name] = value);
    let inside = |name: &'static str, value: Value| plain(move |event| event["event_attributes"][name] = value);
    let escaped = |text: &str| inside("comment", json!("here")).replace("\"here\"", text);
    let late = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1)).to_string();
    let assigned = json!({"agent_id": "a-1", "assignment_type": "robot"});
    let other = json!({"qontak_customer_id": "c-2002"});
    let made = |name, attributes: &Value| example(name, "refused".into(), attributes, &Map::new()).to_string();
    let many: Map<String, Value> = (0..300).map(|n| (format!("k{n}"), json!(n))).collect();
    BTreeMap::from([
        ("malformed_json", (&*keys.one, "{\"event_name\": \"nps.submitted\", ".to_owned())),
        ("duplicate_key", (&keys.one, plain(|_| ()).replacen('{', "{\"event_id\":\"twice\",", 1))),
        ("missing_field", (&keys.one, set("event_timestamp", Value::Null))),
        ("invalid_type", (&keys.one, set("event_attributes", json!(5)))),
        ("invalid_enum", (&keys.one, made("conversation.assigned", &assigned))),
        ("invalid_attribute", (&keys.one, made("customer.created", &other))),
        ("out_of_range", (&keys.one, inside("score", json!(11)))),
        ("invalid_text", (&keys.one, escaped("\"a\\u0000b\""))),
        ("too_large", (&keys.one, inside("comment", json!("x".repeat(70_000))))),
        ("too_deep", (&keys.one, inside("more", nested(20)))),
        ("too_many", (&keys.one, plain(|event| event["event_attributes"] = Value::Object(many)))),
        ("unknown_event", (&keys.one, set("event_name", json!("nps.submited")))),
        ("unknown_company", (&keys.one, set("company_id", json!("nobody")))),
        ("company_required", (&keys.two, set("company_id", Value::Null))),
        ("company_not_allowed", (&keys.one, set("company_id", json!("second")))),
        ("company_mismatch", (&keys.one, set("company_sso_id", json!("sso-other")))),
        ("module_not_allowed", (&keys.cdp, plain(|_| ()))),
        ("future_timestamp", (&keys.one, set("event_timestamp", late.into()))),
        (
            "too_old",
            (
                &keys.two,
                plain(|event| {
                    event["company_id"] = "second".into();
                    event["company_sso_id"] = Value::Null;
                    event["event_timestamp"] = "2019-01-01T00:00:00Z".into();
                }),
            ),
        ),
        ("time_out_of_range", (&keys.one, set("event_timestamp", json!("1969-12-31T23:00:00Z")))),
        ("contact_in_id", (&keys.one, set("event_id", json!("rina@example.com")))),
    ])
}

/// Proves ANCHOR-ENV-1, ANCHOR-ENV-2, ANCHOR-ENV-5, ANCHOR-ENV-8, MKT-S01-ERR2, RETN-DEDUP and CORE-FLOW-7: every reason of the
/// closed list but a fault of the engine is reached over HTTP, each with a hint, and the event beside it is applied.
#[test]
fn every_reason_for_quarantine_is_reached() {
    let server = demo();
    server.put("/v1/companies/second", &json!({}));
    let key = |companies: Value, modules: Value| {
        rig::key(&server, json!({"role": "publisher", "companies": companies, "modules": modules})).1
    };
    let keys = Keys {
        one: key(json!(["demo"]), json!("*")),
        two: key(json!(["demo", "second"]), json!("*")),
        cdp: key(json!(["demo"]), json!(["cdp"])),
    };
    let refusals = refusals(&keys);
    for code in QuarantineCode::ALL.iter().filter(|code| **code != QuarantineCode::EngineFault) {
        let (key, line) = refusals.get(code.as_str()).unwrap_or_else(|| panic!("{code} is not tried"));
        let attributes = json!({"qontak_customer_id": "c-1001"});
        let good = example("customer.created", format!("beside-{code}"), &attributes, &Map::new());
        let body = format!("{line}\n{good}\n");
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", &*bearer), ("content-type", "application/x-ndjson")];
        let reply = rig::send(&server, "POST", "/v1/events?wait=true", &headers, body.as_bytes());
        assert_eq!(reply.status, 200, "{code}: {}", reply.text());
        let json = reply.json();
        assert_eq!((&json["quarantined"], &json["applied"]), (&json!(1), &json!(1)), "{code}: {json:#}");
        let refused = &json["results"][0];
        assert_eq!(refused["code"], code.as_str(), "{json:#}");
        let hint = refused["message"].as_str().unwrap_or_default();
        assert!(hint.len() > 10 && hint != code.as_str(), "{code}: {hint:?}");
    }
    kept(&server);
}

/// All of them are listed by cause, each with its hint.
fn kept(server: &Server) {
    let mut listed = Vec::new();
    for company in ["demo", "second"] {
        let list = server.get(&format!("/v1/quarantine?limit=100&company_id={company}"));
        for item in list["quarantined"].as_array().or(list["quarantine"].as_array()).expect("a list") {
            assert!(item["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{item:#}");
            let receipt = item["id"].as_str().expect("a receipt");
            let one = server.get(&format!("/v1/quarantine/{receipt}?company_id={company}"));
            assert_eq!(one["code"], item["code"]);
            listed.push(item["code"].as_str().expect("a code").to_owned());
        }
    }
    listed.sort();
    let mut all: Vec<&str> = QuarantineCode::ALL.iter().map(|code| code.as_str()).collect();
    all.retain(|code| *code != "engine_fault");
    all.sort_unstable();
    assert_eq!(listed, all);
    rig::assert_balanced(server, "demo");
    assert_eq!(rig::send_as(server, ADMIN, "GET", "/v1/quarantine?company_id=demo&code=nonsense", b"").status, 400);
}
