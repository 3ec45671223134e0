//! Reconciliation over the door, with a real queue, worker and store in memory.

use super::*;
use crate::backfill::rig::House;
use serde_json::Value;

fn event(id: &str, at: &str) -> Value {
    json!({"event_id": id, "source_module": "conversion", "event_name": "order.paid", "qontak_customer_id": "c-1",
        "event_timestamp": at, "event_attributes": {"payment_type": "full", "paid_amount": "1", "payment_id": id}})
}

async fn push(house: &House, events: &[Value]) -> Value {
    house.ask("POST", "/v1/events?wait=true&company_id=demo", json!(events).to_string()).await
}

async fn post(house: &House, more: Value) -> Value {
    let mut claim =
        json!({"source_module": "conversion", "from": "2025-11-02T09:00:00Z", "to": "2025-11-02T11:00:00Z"});
    claim.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    house.ask("POST", "/v1/reconciliations?company_id=demo", claim.to_string()).await
}

fn mismatches(house: &House) -> usize {
    house.operations().iter().filter(|(kind, _)| kind == MISMATCH).count()
}

async fn three(house: &House) {
    let times = ["2025-11-02T09:10:00Z", "2025-11-02T09:50:00Z", "2025-11-02T10:20:00Z"];
    let events: Vec<Value> = times.iter().enumerate().map(|(n, at)| event(&format!("e-{n}"), at)).collect();
    assert_eq!(push(house, &events).await["applied"], 3);
}

/// Requirements CORE-ALERT-3, CORE-MET-2, REC-TIME: one more than arrived is one missing, and told; both times are there.
#[tokio::test]
async fn one_more_than_arrived_is_one_missing() {
    let house = House::open().await;
    let _worker = house.work();
    three(&house).await;
    let same = post(&house, json!({"counts": {"order.paid": 3}})).await;
    assert_eq!((&same["matches"], &same["missing"], &same["extra"]), (&json!(true), &json!(0), &json!(0)), "{same}");
    assert_eq!((&same["names"]["order.paid"]["by_event_timestamp"], mismatches(&house)), (&json!(3), 0));
    let more = post(&house, json!({"counts": {"order.paid": 4}})).await;
    assert_eq!((&more["matches"], &more["missing"]), (&json!(false), &json!(1)), "{more}");
    assert_eq!(mismatches(&house), 1);
    let fewer = post(&house, json!({"counts": {"order.paid": 2}})).await;
    assert_eq!((&fewer["extra"], &fewer["missing"]), (&json!(1), &json!(0)), "{fewer}");
    // By the time of receipt the same events lie in another window.
    let received = json!({"by": "received_at", "from": "2025-11-03T03:00:00Z", "to": "2025-11-03T04:00:00Z",
        "counts": {"order.paid": 3}});
    let received = post(&house, received).await;
    assert_eq!((&received["matches"], &received["names"]["order.paid"]["by_received_at"]), (&json!(true), &json!(3)));
}

/// Requirement CORE-MET-2: with ids, the answer says which are missing, extra and altered.
#[tokio::test]
async fn ids_say_which() {
    let house = House::open().await;
    let _worker = house.work();
    three(&house).await;
    let ids = json!([{"id": "e-0", "event_timestamp": "2025-11-02T09:10:00Z"}, "lost",
        {"id": "e-1", "event_timestamp": "2025-11-02T09:51:00Z"}]);
    let found = &post(&house, json!({"ids": {"order.paid": ids}})).await;
    let name = &found["names"]["order.paid"];
    assert_eq!(
        (&name["missing_ids"], &name["extra_ids"], &name["altered_ids"]),
        (&json!(["lost"]), &json!(["e-2"]), &json!(["e-1"])),
        "{found}"
    );
    assert_eq!((&found["missing"], &found["extra"], &found["altered"]), (&json!(1), &json!(1), &json!(1)));
}

/// A digest of an hour tells other events from the same number of them.
#[tokio::test]
async fn digests_tell_hours_apart() {
    use cebe_central::engine_rows::id_digest;
    let house = House::open().await;
    let _worker = house.work();
    three(&house).await;
    let sum = |ids: &[&str]| ids.iter().fold(0_u64, |sum, id| sum.wrapping_add(id_digest(id)));
    let row = |hour: &str, ids: &[&str]| json!({"event_name": "order.paid", "hour": hour, "count": ids.len(), "digest": format!("{:016x}", sum(ids))});
    let (nine, ten) = ("2025-11-02T09:00:00Z", "2025-11-02T10:00:00Z");
    let same = post(&house, json!({"digests": [row(nine, &["e-1", "e-0"]), row(ten, &["e-2"])]})).await;
    assert_eq!(same["matches"], true, "{same}");
    let other = post(&house, json!({"digests": [row(nine, &["e-1", "other"]), row(ten, &["e-2"])]})).await;
    assert_eq!((&other["altered"], &other["names"]["order.paid"]["hours"][0]["hour"]), (&json!(1), &json!(nine)));
}

/// Requirements REC-FLAG, MKT-S01-ERR2-b: what came while the source was off is no mismatch; refused ids are listed.
#[tokio::test]
async fn ignored_and_refused_events_are_shown_apart() {
    let house = House::open().await;
    let _worker = house.work();
    house.ask("PUT", "/v1/sources/conversion", json!({"enabled": false}).to_string()).await;
    assert_eq!(push(&house, &[event("off", "2025-11-02T09:30:00Z")]).await["ignored"], 1);
    house.ask("PUT", "/v1/sources/conversion", json!({"enabled": true}).to_string()).await;
    let mut bad = event("bad", "2025-11-02T09:30:00Z");
    bad["event_attributes"]["payment_type"] = json!({"no": "text"});
    assert_eq!(push(&house, &[bad, event("good", "2025-11-02T09:31:00Z")]).await["quarantined"], 1);
    let claim = json!({"to": "2025-11-03T04:00:00Z", "ids": {"order.paid": ["off", "bad", "good"]}});
    let found = post(&house, claim).await;
    assert_eq!(
        (&found["matches"], &found["ignored"], &found["missing"]),
        (&json!(true), &json!(1), &json!(1)),
        "{found}"
    );
    assert_eq!((&found["quarantined"][0]["event_id"], &found["unexplained"]), (&json!("bad"), &json!(0)));
    assert_eq!(mismatches(&house), 0);
}

/// Requirement CORE-B2-a: what was posted is compared again, and settles when late events come.
#[tokio::test]
async fn the_hourly_look_settles_what_came_late() {
    let house = House::open().await;
    let _worker = house.work();
    three(&house).await;
    let posted = post(&house, json!({"counts": {"order.paid": 4}})).await;
    let hourly = Reconciliations::new(house.desk.clone());
    hourly.check_all().await.unwrap();
    assert_eq!(mismatches(&house), 1, "nothing new is not told again");
    push(&house, &[event("late", "2025-11-02T10:59:00Z")]).await;
    hourly.check_all().await.unwrap();
    let id = format!("demo\0{}", posted["id"].as_str().unwrap());
    let row = house.desk.snapshot().unwrap().control(ControlKind::Reconciliation, &id).unwrap();
    let Some(ControlRow::Reconciliation(row)) = row else { panic!("it is kept") };
    assert!(row.matches && mismatches(&house) == 1);
}

/// Gaps in a producer's numbers show, and close when what was missing comes; a strange producer never refuses an event.
#[tokio::test]
async fn gaps_of_a_producer_show() {
    let house = House::open().await;
    let _worker = house.work();
    let numbered = |id: &str, producer: Value| {
        let mut event = event(id, "2025-11-02T09:10:00Z");
        event["producer"] = producer;
        event
    };
    let seq = |n: u64| json!({"id": "pod-1", "epoch": "a", "seq": n});
    let sent = push(
        &house,
        &[numbered("1", seq(1)), numbered("2", seq(2)), numbered("5", seq(5)), numbered("x", json!({"id": {}}))],
    )
    .await;
    assert_eq!(sent["applied"], 4, "{sent}");
    let gaps = || {
        let row = house.desk.snapshot().unwrap().control(ControlKind::Producer, "demo\0conversion\0pod-1").unwrap();
        let Some(ControlRow::Producer(row)) = row else { panic!("the producer is known") };
        row.epochs[0].gaps().collect::<Vec<_>>()
    };
    assert_eq!(gaps(), [(3, 4)]);
    push(&house, &[numbered("4", seq(4)), numbered("3", seq(3))]).await;
    assert_eq!(gaps(), []);
}
