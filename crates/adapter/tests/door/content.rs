//! When two events are equal, and what id an event gets that came without one.

use super::house::{House, event};
use cebe_catalog::Record;
use serde_json::json;
use std::collections::BTreeSet;

fn paid(spelling: &str) -> String {
    let head = r#"{"company_id":"demo","source_module":"conversion","event_name":"order.paid","event_id":"p-1","#;
    format!("{head}{spelling}}}")
}

async fn content_of(house: &House, raw: String) -> [u8; 16] {
    let answer = house.push(raw.clone()).await;
    assert_eq!(answer.body["accepted"], 1, "{raw}\n{}", answer.body);
    house.last_event().0.content
}

/// IDEM-EQUAL: key order, spelling of numbers and times, sent_at, aliases and what is filled in make no difference.
#[tokio::test]
async fn content_is_what_is_said_not_how() {
    let house = House::open().await;
    let usual = r#""event_timestamp":"2025-11-03T02:15:00Z","qontak_customer_id":"c-1","event_attributes":{"payment_type":"full","paid_amount":10,"paid_at":"2025-11-03T02:00:00Z","note":{"a":1,"b":[1.0]}}"#;
    let first = content_of(&house, paid(usual)).await;
    for same in [
        r#""sent_at":"2025-11-03T02:15:01Z","schema_version":1,"event_timestamp":"2025-11-03T09:15:00+07:00","qontak_customer_id":"c-1","event_attributes":{"paid_at":1762135200000,"note":{"b":[1],"a":1.0},"paid_amount":"10.00","payment_type":"full","currency":null}"#,
        r#""actor":null,"company_sso_id":"sso-demo","event_timestamp":1762136100000,"qontak_customer_id":" c-1 ","event_attributes":{"paid_amount":1e1,"payment_type":"full","paid_at":"2025-11-03T02:00:00.000Z","note":{"a":1,"b":[1]}}"#,
    ] {
        assert_eq!(content_of(&house, paid(same)).await, first, "{same}");
    }
    for other in [
        usual.replace(":10,", ":10.5,"),
        usual.replace("02:15:00Z", "02:15:01Z"),
        usual.replace("c-1", "c-2"),
        usual.replace("[1.0]", "[1,1]"),
        usual.replace("\"note\"", "\"other\""),
    ] {
        assert_ne!(content_of(&house, paid(&other)).await, first, "{other}");
    }
    let alias = paid(usual).replace("\"conversion\"", "\"commerce\"");
    assert_eq!(content_of(&house, alias).await, first, "ANCHOR-ENV-6");
}

/// IDEM-EQUAL: 397 equal lines in one request are 397 events; the same request again gives the same 397 ids.
#[tokio::test]
async fn equal_rows_of_one_request_stay_and_a_second_sending_is_the_same() {
    let house = House::open().await;
    let rows = vec![event(json!({"event_id": null})); 397];
    let body = serde_json::Value::from(rows).to_string();
    let mut runs = Vec::new();
    for _ in 0..2 {
        let before = house.records().len();
        assert_eq!(house.push(body.clone()).await.body["accepted"], 397);
        let ids = house.records().split_off(before).into_iter().map(|record| match record {
            Record::Event(event, _) => {
                assert!(event.derived);
                event.id
            }
            other => panic!("{other:?}"),
        });
        runs.push(ids.collect::<BTreeSet<_>>());
    }
    assert_eq!(runs[0].len(), 397);
    assert_eq!(runs[0], runs[1]);
}

/// An event that names its id keeps it.
#[tokio::test]
async fn a_given_id_is_kept() {
    let house = House::open().await;
    let (record, _) = house.accepted(&event(json!({"event_id": 4711}))).await;
    assert_eq!((record.id.as_str(), record.derived), ("4711", false));
}
