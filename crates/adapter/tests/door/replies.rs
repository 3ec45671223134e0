//! The shape of the answer, and waiting for the worker.

use super::house::{ADMIN, House, NOW, event};
use cebe_adapter::tag::Tag;
use cebe_catalog::{Micros, Record, time::HOUR};
use cebe_queue::{Position, Queue};
use serde_json::json;

/// Law 2: received, summed from the frames' tags, is the number of event records.
#[tokio::test]
async fn tags_count_what_was_received() {
    let house = House::open().await;
    house.push(json!([event(json!({})), event(json!({"event_timestamp": null}))]).to_string()).await;
    house.push(event(json!({"company_id": "nobody"})).to_string()).await;
    let frames = house.queue.frames(cebe_queue::Lane::Live, Position::START, usize::MAX).unwrap();
    let rows: Vec<_> = frames.iter().flat_map(|frame| Tag::from_bytes(&frame.tag).unwrap().0).collect();
    let received: u32 = rows.iter().map(|row| row.received).sum();
    assert_eq!(usize::try_from(received).unwrap(), house.records().len());
    assert_eq!((rows[0].received, rows[0].module.as_str()), (2, "cdp"));
    assert_eq!(rows[0].hour, Micros(NOW.0 / HOUR * HOUR));
    assert_eq!(rows[1].company.as_str(), "*", "of no company");
}

/// Receipts rise strictly, within a request and across requests, though the clock stands still.
#[tokio::test]
async fn receipts_rise_strictly() {
    let house = House::open().await;
    for _ in 0..3 {
        house.push(json!([event(json!({})), event(json!({}))]).to_string()).await;
    }
    let all: Vec<Micros> = house.records().iter().map(|record| record.header().unwrap().received_at).collect();
    assert!(all.len() == 6 && all.is_sorted_by(|a, b| a < b), "{all:?}");
}

/// `results` lists what was not accepted, or everything when asked.
#[tokio::test]
async fn results_list_what_was_asked_for() {
    let house = House::open().await;
    let body =
        json!([event(json!({"event_id": "a"})), event(json!({"event_id": "b", "event_attributes": {}}))]).to_string();
    let brief = house.call("POST", "/v1/events", ADMIN, body.clone()).await.body;
    assert_eq!((&brief["accepted"], &brief["ignored"], &brief["quarantined"]), (&json!(1), &json!(0), &json!(1)));
    let result = &brief["results"].as_array().unwrap()[..];
    assert_eq!((result.len(), &result[0]["index"], &result[0]["event_id"]), (1, &json!(1), &json!("b")));
    assert_eq!(
        (&result[0]["status"], &result[0]["path"]),
        (&json!("quarantined"), &json!("event_attributes.segment_id"))
    );
    let all = house.push(body).await.body;
    assert_eq!(all["results"].as_array().unwrap().len(), 2);
    assert!(brief.get("applied").is_none());
}

/// CORE-S01-AC2: `wait=true` answers after the commit and tells applied, duplicate and conflict apart.
#[tokio::test]
async fn waiting_tells_outcomes() {
    let house = House::open().await;
    let other = event(json!({"trigger_from": "import"}));
    let body = json!([event(json!({})), event(json!({})), other, event(json!({"event_timestamp": null}))]).to_string();
    let waited = house.call("POST", "/v1/events?wait=true&timeout_ms=5000", ADMIN, body).await.body;
    let counts =
        ["accepted", "applied", "duplicate", "conflict", "quarantined"].map(|name| waited[name].as_u64().unwrap());
    assert_eq!(counts, [0, 1, 1, 1, 1], "{waited}");
    let statuses: Vec<&str> =
        waited["results"].as_array().unwrap().iter().map(|r| r["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["applied", "duplicate", "conflict", "quarantined"]);
    let odd = house.call("POST", "/v1/events?wait=perhaps", ADMIN, "[]").await;
    assert_eq!((odd.status.as_u16(), &odd.body["error"]["path"]), (400, &json!("query")));
}

/// One event alone, one a line under its own content type, and an array give the same records.
#[tokio::test]
async fn every_form_gives_the_same_event() {
    let house = House::open().await;
    let one = event(json!({}));
    for body in [one.to_string(), format!("[{one}]"), format!("{one}\n"), serde_json::to_string_pretty(&one).unwrap()] {
        assert_eq!(house.push(body).await.body["accepted"], 1);
    }
    let contents: Vec<_> = house
        .records()
        .into_iter()
        .map(|record| match record {
            Record::Event(event, _) => event.content,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(contents.len() == 4 && contents.windows(2).all(|pair| pair[0] == pair[1]));
}
