//! Bad input of every kind: the documented code, a hint that repeats nothing, and the rest of the batch goes through.

use super::house::{ADMIN, House, NOW, event};
use axum::{body::Body, http::Request};
use cebe_adapter::DoorSettings;
use cebe_catalog::{Definitions, QuarantineCode as Code, limits};
use serde_json::{Value, json};
use std::{collections::BTreeSet, io::Write};

fn attributes(name: &str, attributes: Value) -> Value {
    event(json!({"event_name": name, "event_attributes": attributes}))
}

fn at(path: &str) -> Option<String> {
    Some(path.to_owned())
}

fn segment(attributes: Value) -> Value {
    let mut all = json!({"segment_id": "seg-1"});
    all.as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
    event(json!({"event_attributes": all}))
}

/// One event a case, and the code and path it gets.
fn cases() -> Vec<(Value, Code, Option<String>)> {
    let in_minutes = |minutes: i64| NOW.plus(minutes * 60_000_000).to_rfc3339();
    let many: serde_json::Map<String, Value> = (0..300).map(|i| (format!("k{i}"), json!(1))).collect();
    vec![
        (json!([1]), Code::InvalidType, None),
        (json!("x"), Code::InvalidType, None),
        (event(json!({"event_name": null})), Code::MissingField, at("event_name")),
        (event(json!({"event_name": 5})), Code::InvalidType, at("event_name")),
        (event(json!({"event_name": "segment.entred"})), Code::UnknownEvent, at("event_name")),
        (event(json!({"event_timestamp": null})), Code::MissingField, at("event_timestamp")),
        (event(json!({"event_timestamp": "yesterday"})), Code::InvalidAttribute, at("event_timestamp")),
        (event(json!({"event_timestamp": true})), Code::InvalidType, at("event_timestamp")),
        (event(json!({"event_timestamp": in_minutes(11)})), Code::FutureTimestamp, at("event_timestamp")),
        (event(json!({"event_timestamp": "2022-01-01T00:00:00Z"})), Code::TooOld, at("event_timestamp")),
        (event(json!({"event_timestamp": "1969-12-31T23:59:59Z"})), Code::TimeOutOfRange, at("event_timestamp")),
        (event(json!({"event_timestamp": "2200-01-01T00:00:00Z"})), Code::TimeOutOfRange, at("event_timestamp")),
        (event(json!({"event_timestamp": 1e300})), Code::TimeOutOfRange, at("event_timestamp")),
        (event(json!({"company_id": "nobody"})), Code::UnknownCompany, at("company_id")),
        (event(json!({"company_id": null})), Code::CompanyRequired, at("company_id")),
        (event(json!({"company_id": ["demo"]})), Code::InvalidType, at("company_id")),
        (event(json!({"company_sso_id": "sso-other"})), Code::CompanyMismatch, at("company_sso_id")),
        (event(json!({"source_module": "warehouse"})), Code::ModuleNotAllowed, at("source_module")),
        (event(json!({"source_module": "deals"})), Code::ModuleNotAllowed, at("source_module")),
        (event(json!({"source_module": 7})), Code::InvalidType, at("source_module")),
        (event(json!({"source_module": null})), Code::MissingField, at("source_module")),
        (event(json!({"event_attributes": null})), Code::MissingField, at("event_attributes")),
        (event(json!({"event_attributes": []})), Code::InvalidType, at("event_attributes")),
        (event(json!({"qontak_customer_id": null})), Code::MissingField, at("qontak_customer_id")),
        (event(json!({"qontak_customer_id": "rina@example.com"})), Code::ContactInId, at("qontak_customer_id")),
        (event(json!({"event_id": "+6281234567890"})), Code::ContactInId, at("event_id")),
        (event(json!({"event_id": ""})), Code::InvalidText, at("event_id")),
        (event(json!({"actor": "agent@example.com"})), Code::ContactInId, at("actor")),
        (event(json!({"actor": {"type": "ghost"}})), Code::InvalidEnum, at("actor.type")),
        (event(json!({"identifiers": {"passport": "x"}})), Code::InvalidEnum, at("identifiers.passport")),
        (event(json!({"identifiers": "x"})), Code::InvalidType, at("identifiers")),
        (event(json!({"identifiers": {"bsuid": "a@b.com"}})), Code::ContactInId, at("identifiers.bsuid")),
        (
            event(json!({"identifiers": {"device_id": (0..33).map(|i| format!("d{i}")).collect::<Vec<_>>()}})),
            Code::TooMany,
            at("identifiers"),
        ),
        (event(json!({"schema_version": 0})), Code::OutOfRange, at("schema_version")),
        (event(json!({"event_description": "x".repeat(501)})), Code::InvalidText, at("event_description")),
        (segment(json!({"segment_id": "a\u{7}b"})), Code::InvalidText, at("event_attributes.segment_id")),
        (segment(json!({"segment_id": "x".repeat(129)})), Code::InvalidText, at("event_attributes.segment_id")),
        (segment(json!({"x": "a\u{0}b"})), Code::InvalidText, at("event_attributes.x")),
        (segment(json!({"blob": "x".repeat(limits::EVENT_BYTES_MAX)})), Code::TooLarge, None),
        (segment(json!({"list": vec![1; 1_001]})), Code::TooMany, at("event_attributes.list")),
        (segment(Value::Object(many)), Code::TooMany, at("event_attributes")),
        (segment(json!({"a": [[[[[[[[1]]]]]]]]})), Code::TooDeep, at("event_attributes.a[0][0][0][0][0][0][0]")),
        (attributes("nps.submitted", json!({"score": 1e30})), Code::OutOfRange, at("event_attributes.score")),
        (attributes("nps.submitted", json!({"score": "9"})), Code::InvalidType, at("event_attributes.score")),
        (attributes("nps.submitted", json!({"score": 7.5})), Code::InvalidAttribute, at("event_attributes.score")),
    ]
}

/// CORE-B1-b, ANCHOR-ENV-1, ANCHOR-ENV-2, ANCHOR-ENV-5, ANCHOR-ENV-8: each bad event is quarantined with its code and path
/// and a hint without values, and the good one beside it is accepted.
#[tokio::test]
async fn bad_events_are_quarantined_and_the_rest_goes_through() {
    let house = House::open().await;
    for (bad, code, path) in cases() {
        let raw = bad.to_string();
        assert_eq!(house.refused(&json!([bad])).await, (code, path), "{raw:.300}");
        let answer = house.push(json!([bad, event(json!({}))]).to_string()).await;
        assert_eq!((&answer.body["accepted"], &answer.body["quarantined"]), (&json!(1), &json!(1)), "{raw:.300}");
        let message = answer.body["results"][0]["message"].as_str().unwrap();
        for value in ["rina", "6281", "nobody", "warehouse", "ghost", "passport", "sso-other"] {
            assert!(!message.contains(value), "{message}");
        }
    }
}

/// ANCHOR-ENV-8: the hint of an unknown event lists the nearest names.
#[tokio::test]
async fn an_unknown_event_is_answered_with_the_nearest_names() {
    let house = House::open().await;
    house.refused(&event(json!({"event_name": "segment.entred"}))).await;
    assert!(house.last_refused().hint.contains("segment.entered"));
}

/// What is not JSON, or breaks a rule of text, inside a batch.
#[tokio::test]
async fn unreadable_lines_do_not_take_the_batch_with_them() {
    let house = House::open().await;
    let good = event(json!({})).to_string();
    let twice = good.replacen('{', "{\"event_id\":\"a\",", 1);
    let lone = good.replace("seg-1", "\\ud800");
    let deep = good.replace("\"seg-1\"", &format!("{}{}", "[".repeat(20_000), "]".repeat(20_000)));
    for (bad, code) in [
        (&b"{\"a\":"[..], Code::MalformedJson),
        (b"\xff\xfe{}", Code::MalformedJson),
        (b"nul", Code::MalformedJson),
        (b"{\"a\":01}", Code::MalformedJson),
        (twice.as_bytes(), Code::DuplicateKey),
        (lone.as_bytes(), Code::InvalidText),
        (deep.as_bytes(), Code::TooDeep),
    ] {
        let body = [bad, b"\n", good.as_bytes(), b"\n"].concat();
        let answer = house.push(body).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body["results"][0]["code"], code.as_str(), "{}", String::from_utf8_lossy(bad));
        assert_eq!((&answer.body["accepted"], &answer.body["results"][1]["index"]), (&json!(1), &json!(1)));
    }
}

/// 400 only when not one JSON value could be read; nothing of it is stored.
#[tokio::test]
async fn a_body_without_json_is_400() {
    let house = House::open().await;
    let before = house.raw_records().len();
    for body in ["", "  \n", "{", "hello", "[", "[{", "\u{0}"] {
        let answer = house.push(body).await;
        assert_eq!(answer.status, 400, "{body:?}");
        assert_eq!(answer.body["error"]["code"], "malformed_json");
    }
    assert_eq!(house.push("[]").await.body["accepted"], 0);
    assert_eq!(house.raw_records().len(), before);
    assert_eq!(house.push("{}").await.body["quarantined"], 1, "readable, so it is kept and answered 200");
}

fn packed(encoding: &str, plain: &[u8]) -> Vec<u8> {
    if encoding == "zstd" {
        return zstd::encode_all(plain, 3).unwrap();
    }
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(plain).unwrap();
    gzip.finish().unwrap()
}

async fn push_packed(house: &House, encoding: &str, body: Vec<u8>) -> super::house::Answer {
    let request = Request::post("/v1/events").header("authorization", format!("Bearer {ADMIN}"));
    house.send(request.header("content-encoding", encoding).body(Body::from(body)).unwrap()).await
}

/// A body over 10 MiB, before or after inflation, and more than 10,000 events are 413 and leave nothing behind.
#[tokio::test]
async fn what_is_too_large_is_413() {
    let house = House::open().await;
    let before = house.raw_records().len();
    let bomb = vec![b' '; limits::BODY_BYTES_MAX + 1];
    let mut answers = vec![house.push(bomb.clone()).await];
    for encoding in ["gzip", "zstd"] {
        answers.push(push_packed(&house, encoding, packed(encoding, &bomb)).await);
    }
    answers.push(house.push(vec!["{}"; limits::BATCH_EVENTS_MAX + 1].join("\n")).await);
    for answer in answers {
        assert_eq!(answer.status, 413);
        assert!(answer.body["error"]["hint"].as_str().unwrap().contains("split"));
    }
    assert_eq!(house.raw_records().len(), before);
}

/// gzip and zstd are read; what only claims to be packed is 400.
#[tokio::test]
async fn packed_bodies_are_read() {
    let house = House::open().await;
    for encoding in ["gzip", "zstd"] {
        let plain = event(json!({})).to_string();
        assert_eq!(push_packed(&house, encoding, packed(encoding, plain.as_bytes())).await.body["accepted"], 1);
        assert_eq!(push_packed(&house, encoding, plain.into_bytes()).await.status, 400);
    }
    assert_eq!(push_packed(&house, "br", vec![1]).await.status, 400);
}

/// The closed list of codes: every one but the worker's own is reached by some input.
#[tokio::test]
async fn every_code_is_reached() {
    let house = House::open().await;
    let mut reached: BTreeSet<Code> = cases().into_iter().map(|(_, code, _)| code).collect();
    let key = house.key(json!({"role": "publisher", "companies": ["other"]})).await;
    let answer = house.call("POST", "/v1/events", &key, event(json!({})).to_string()).await;
    assert_eq!(answer.body["results"][0]["code"], "company_not_allowed");
    reached.insert(Code::CompanyNotAllowed);
    let doubled = event(json!({})).to_string().replacen('{', "{\"event_id\":\"a\",", 1);
    for raw in [format!("{doubled}\n{{"), "{}\n{".to_owned()] {
        for result in house.push(raw).await.body["results"].as_array().unwrap() {
            reached.insert(Code::parse(result["code"].as_str().unwrap()).unwrap());
        }
    }
    let mut all: BTreeSet<Code> = Code::ALL.iter().copied().collect();
    all.remove(&Code::EngineFault);
    assert_eq!(reached, all);
}

/// A publisher whose clock runs ahead and says so is corrected; a retention of 0 keeps every age.
#[tokio::test]
async fn clocks_are_corrected_and_retention_may_be_endless() {
    let house = House::open().await;
    let ahead = |minutes: i64| NOW.plus(minutes * 60_000_000).to_rfc3339();
    house.accepted(&event(json!({"event_timestamp": ahead(60), "sent_at": ahead(61)}))).await;
    let wrong = event(json!({"event_timestamp": ahead(100_000), "sent_at": ahead(100_000)}));
    assert_eq!(house.refused(&wrong).await.0, Code::FutureTimestamp);
    house.put("/v1/companies/demo", &json!({"retention_months": 0})).await;
    let (old, _) = house.accepted(&event(json!({"event_timestamp": "1971-01-01T00:00:00Z"}))).await;
    assert_eq!(old.event_at.to_rfc3339(), "1971-01-01T00:00:00Z");
}

/// A full queue is an early 503 with Retry-After, and so is too much at one time.
#[tokio::test]
async fn backpressure_is_503() {
    let house = House::closed(DoorSettings { bytes_in_flight_max: 1_024, ..DoorSettings::default() }).await;
    let answer = house.push("x".repeat(4_096)).await;
    assert_eq!((answer.status.as_u16(), answer.retry_after.as_deref()), (503, Some("1")));
    let small = cebe_queue::MemorySettings { bytes_max: 2_048, ..Default::default() };
    let log = cebe_queue::Memory::new(small, cebe_queue::StoreId([0; 16]), cebe_queue::system_clock());
    let house = House::with_queue(DoorSettings::default(), std::sync::Arc::new(log)).await;
    let answer = house.push(vec![event(json!({})).to_string(); 100].join("\n")).await;
    assert_eq!(answer.status, 503);
    assert!(answer.retry_after.is_some());
}

/// However large an event is, what is kept of it fits into one message of a cluster's queue: else its publisher would be
/// told to come back for ever.
#[tokio::test]
async fn a_refused_event_is_stored_however_large_it_is() {
    let small = cebe_queue::MemorySettings { append_bytes_max: 1 << 20, ..Default::default() };
    let log = cebe_queue::Memory::new(small, cebe_queue::StoreId([0; 16]), cebe_queue::system_clock());
    let house = House::with_queue(DoorSettings::default(), std::sync::Arc::new(log)).await;
    house.put("/v1/companies/demo", &json!({"sso_id": "sso-demo"})).await;
    for module in Definitions::standard().modules.keys() {
        house.put(&format!("/v1/sources/{module}"), &json!({"enabled": true})).await;
    }
    for body in
        [event(json!({"note": "x".repeat(5 << 20)})).to_string(), format!("{{\"note\":\"{}", "x".repeat(5 << 20))]
    {
        let pushed = house.push(format!("{body}\n{}", event(json!({})))).await;
        assert_eq!((pushed.status.as_u16(), &pushed.body["quarantined"]), (200, &json!(1)), "{:.500}", pushed.body);
        assert_eq!(pushed.body["accepted"], 1);
    }
}

/// A key over its own limit is told 429 and when to come back, whatever it asks for; other keys are not held up.
#[tokio::test]
async fn a_key_over_its_own_limit_is_429() {
    let house = House::closed(DoorSettings { key_requests_per_s_max: 3, ..DoorSettings::default() }).await;
    let other = json!({"name": "other", "role": "publisher", "companies": ["*"], "modules": ["*"]});
    let other = house.post("/v1/keys", &other).await.body["key"].as_str().unwrap().to_owned();
    assert_eq!(house.push("{}").await.status, 200);
    assert_eq!(house.push("{}").await.status, 200);
    let answer = house.push("{}").await;
    assert_eq!((answer.status.as_u16(), &answer.body["error"]["code"]), (429, &json!("too_fast")));
    assert_eq!(answer.retry_after.as_deref(), Some("1"));
    assert_eq!(house.call("POST", "/v1/events", &other, "{}").await.status, 200);
}

/// One company's unfinished bodies leave room for another's: the second is served while the first is told 503.
#[tokio::test]
async fn one_companys_flood_leaves_room_for_others() {
    let bytes_in_flight_max = 4 * limits::BODY_BYTES_MAX;
    let house = House::closed(DoorSettings { bytes_in_flight_max, ..DoorSettings::default() }).await;
    let key = |company: &str| json!({"name": company, "role": "publisher", "companies": [company], "modules": ["*"]});
    let loud = house.post("/v1/keys", &key("loud")).await.body["key"].as_str().unwrap().to_owned();
    let calm = house.post("/v1/keys", &key("calm")).await.body["key"].as_str().unwrap().to_owned();
    let unfinished = || {
        let (sender, body) = http_body_util::channel::Channel::<bytes::Bytes>::new(1);
        (sender, house.call("POST", "/v1/events", &loud, Body::new(body)))
    };
    let (first, second) = (unfinished(), unfinished());
    let (mut first_call, mut second_call) = (Box::pin(first.1), Box::pin(second.1));
    // Both have taken their room once they wait for their bodies.
    assert!(still_waits(&mut first_call).await && still_waits(&mut second_call).await);
    assert_eq!(house.call("POST", "/v1/events", &loud, "{}").await.status, 503);
    assert_eq!(house.call("POST", "/v1/events", &calm, "{}").await.status, 200);
    drop((first.0, second.0));
    assert_eq!((first_call.await.status.as_u16(), second_call.await.status.as_u16()), (400, 400));
    assert_eq!(house.call("POST", "/v1/events", &loud, "{}").await.status, 200);
}

/// Polls once; says whether it is still waiting.
async fn still_waits<F: Future + Unpin>(future: &mut F) -> bool {
    std::future::poll_fn(|context| {
        let waiting = std::pin::Pin::new(&mut *future).poll(context).is_pending();
        std::task::Poll::Ready(waiting)
    })
    .await
}

/// A client that sends nothing is let go after a while, and the room it held is free again.
#[tokio::test]
async fn a_slow_client_is_let_go() {
    let body_timeout = std::time::Duration::from_millis(10);
    let bytes_in_flight_max = limits::BODY_BYTES_MAX + 1_024;
    let house = House::closed(DoorSettings { body_timeout, bytes_in_flight_max, ..DoorSettings::default() }).await;
    for _ in 0..2 {
        let (_sender, body) = http_body_util::channel::Channel::<bytes::Bytes>::new(1);
        let answer = house.push(Body::new(body)).await;
        assert_eq!((answer.status.as_u16(), &answer.body["error"]["code"]), (408, &json!("body_timeout")));
    }
}
