//! The front as a whole: one gate for every route, one shape of errors, probes, measurements, and the demonstration.

mod support;

use std::process::Command;

use serde_json::{Value, json};
use support::{BINARY, Server};

/// Routes that need no key.
const OPEN: [&str; 4] = ["/livez", "/readyz", "/metrics", "/openapi.json"];

/// Calls of DESIGN section 8 that this release answers.
const CALLS: [(&str, &str); 30] = [
    ("post", "/v1/events"),
    ("get", "/v1/catalog"),
    ("get", "/v1/catalog/events/{name}"),
    ("put", "/v1/catalog/events/{name}"),
    ("get", "/v1/catalog/events/{name}/schema"),
    ("get", "/v1/customers"),
    ("get", "/v1/customers/{id}"),
    ("delete", "/v1/customers/{id}"),
    ("get", "/v1/customers/{id}/timeline"),
    ("get", "/v1/customers/{id}/metrics"),
    ("get", "/v1/customers/{id}/identity"),
    ("post", "/v1/customers/{id}/unlink"),
    ("get", "/v1/metrics"),
    ("get", "/v1/metrics/{name}"),
    ("get", "/v1/quarantine"),
    ("post", "/v1/quarantine/{id}/replay"),
    ("get", "/v1/sources/{module}"),
    ("put", "/v1/sources/{module}"),
    ("get", "/v1/companies/{id}"),
    ("put", "/v1/companies/{id}"),
    ("put", "/v1/companies/{id}/fields"),
    ("get", "/v1/keys"),
    ("post", "/v1/keys"),
    ("delete", "/v1/keys/{id}"),
    ("get", "/v1/teams"),
    ("put", "/v1/teams/{id}"),
    ("get", "/v1/operations"),
    ("post", "/v1/verify"),
    ("get", "/v1/verify/{id}"),
    ("get", "/readyz"),
];

fn described(server: &Server) -> Value {
    let answer = server.ask_as("", "GET", "/openapi.json", None);
    assert_eq!(answer.status, 200);
    answer.body
}

#[test]
fn every_call_is_described() {
    let server = Server::start();
    let description = described(&server);
    let missing: Vec<_> = CALLS.iter().filter(|(verb, path)| description["paths"][*path][*verb].is_null()).collect();
    assert_eq!(missing, Vec::<&(&str, &str)>::new());
}

/// Proves CORE-NG-4, CORE-S01-PERM-2.
#[test]
fn nothing_but_probes_answers_without_a_key() {
    let server = Server::start();
    let description = described(&server);
    for (path, verbs) in description["paths"].as_object().expect("paths") {
        let address = path.replace("{id}", "x").replace("{name}", "x").replace("{module}", "cdp");
        for verb in verbs.as_object().expect("verbs").keys() {
            let answer = server.ask_apart("wrong", &verb.to_uppercase(), &address, b"{}".to_vec());
            let expected = if OPEN.contains(&path.as_str()) { 200 } else { 401 };
            assert_eq!(answer.status, expected, "{verb} {path}: {:#}", answer.body);
        }
    }
}

#[test]
fn errors_have_one_shape() {
    let server = Server::start();
    for (verb, path, status, code) in [
        ("GET", "/v1/nothing", 404, "not_found"),
        ("PATCH", "/v1/events", 405, "method_not_allowed"),
        ("GET", "/v1/verify/nothing", 404, "not_found"),
        ("POST", "/livez", 405, "method_not_allowed"),
    ] {
        let answer = server.ask(verb, path, None);
        assert_eq!((answer.status, &answer.body["error"]["code"]), (status, &json!(code)), "{verb} {path}");
    }
}

#[test]
fn a_key_of_one_company_verifies_only_that_one() {
    let server = Server::with_company("a", json!({"sso_id": "sso-a"}));
    server.put("/v1/companies/b", &json!({"sso_id": "sso-b"}));
    let made = server.post("/v1/keys", &json!({"name": "a", "role": "operator", "companies": ["a"]}));
    let key = made["key"].as_str().expect("a key");
    // One verification runs at a time, so the one of everything is waited for.
    let all = server.verify();
    let path = format!("/v1/verify/{}", all["id"].as_str().expect("an id"));
    assert_eq!(server.ask_as(key, "GET", &path, None).status, 404);
    assert_eq!(server.ask_as(key, "POST", "/v1/verify", Some(&json!({}))).status, 202);
}

/// Proves CORE-MET-1 as far as the series go.
#[test]
fn what_happens_is_measured() {
    let server = Server::with_company("m", json!({"sso_id": "sso-m"}));
    server.push(&[json!({"event_id": "1", "company_id": "m", "company_sso_id": "sso-m", "qontak_customer_id": "c",
        "event_timestamp": "2026-11-02T09:00:00Z", "source_module": "communication", "event_name": "nps.submitted",
        "event_attributes": {"score": 9}})]);
    // The worker counts a commit once it has told who waits for it.
    let text = loop {
        let text = server.text("/metrics");
        if text.contains("cebe_event_ingested") {
            break text;
        }
        std::thread::yield_now();
    };
    for series in ["cebe_commit_seconds_bucket", "cebe_http_seconds_bucket"] {
        assert!(text.contains(series), "{series} is not in\n{text}");
    }
    assert!(text.contains("route=\"/v1/events\""), "{text}");
}

/// `make demo` shows real answers and ends by itself.
#[test]
fn the_demonstration_shows_answers_and_ends() {
    let mut command = Command::new(BINARY);
    command.args(["demo", "--listen", "127.0.0.1:0"]).env("DEMO_SECONDS", "1");
    let output = command.output().expect("the binary runs");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(shown.matches("curl -s -H 'Authorization: Bearer ").count(), 6, "{shown}");
    for part in ["web-4711", "ad.clicked", "reply_rate", "roas", "invalid_enum"] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
}
