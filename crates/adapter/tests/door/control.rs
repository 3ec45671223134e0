//! Changes of settings: who may make them, what is checked, and that each is a record that is answered once applied.

use super::house::{ADMIN, House, company, event};
use cebe_adapter::{Desk, DoorSettings};
use cebe_catalog::{
    Record,
    control::{Change, ControlRecord, Operation},
};
use cebe_central::Central;
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

fn changes(house: &House) -> Vec<ControlRecord> {
    let all = house.raw_records().into_iter().filter_map(|bytes| match Record::from_bytes(&bytes).unwrap() {
        Record::Control(record) => Some(*record),
        _ => None,
    });
    all.collect()
}

/// CORE-S01-PERM-1, CORE-S01-PERM-2: who has no key, or a key that reads, pushes nothing.
#[tokio::test]
async fn only_publishers_and_admins_push() {
    let house = House::open().await;
    let body = event(json!({})).to_string();
    let unknown = house.call("POST", "/v1/events", "cebe_nobody", body.clone()).await;
    assert_eq!((unknown.status.as_u16(), &unknown.body["error"]["code"]), (401, &json!("unknown_key")));
    for (role, status) in [("publisher", 200), ("reader", 403), ("analyst", 403), ("operator", 403), ("admin", 200)] {
        let key = house.key(json!({"role": role, "companies": ["demo"]})).await;
        assert_eq!(house.call("POST", "/v1/events", &key, body.clone()).await.status, status, "{role}");
    }
}

/// What each role may change.
#[tokio::test]
async fn roles_bound_changes() {
    let house = House::open().await;
    let publisher = house.key(json!({"role": "publisher"})).await;
    let operator = house.key(json!({"role": "operator", "companies": ["demo"]})).await;
    for (method, path, operator_may) in [
        ("PUT", "/v1/companies/demo", true),
        ("PUT", "/v1/companies/demo/fields", true),
        ("PUT", "/v1/companies/other", false),
        ("POST", "/v1/keys", false),
        ("PUT", "/v1/teams/t", false),
        ("DELETE", "/v1/customers/c", false),
        ("PUT", "/v1/sources/cdp", false),
    ] {
        assert_eq!(house.call(method, path, &publisher, "{}").await.status, 403, "{path}");
        let status = house.call(method, path, &operator, "{}").await.status;
        assert_eq!(status == 200, operator_may, "{path}: {status}");
    }
}

/// ANCHOR-ENV-1, ANCHOR-ENV-2, ANCHOR-ENV-6: what a key serves, and what is filled in from it.
#[tokio::test]
async fn a_key_bounds_and_fills_in() {
    let house = House::open().await;
    house.put("/v1/companies/other", &json!({})).await;
    let key = house.key(json!({"role": "publisher", "companies": ["demo"], "modules": ["campaign"]})).await;
    let push = |event: Value| house.call("POST", "/v1/events?verbose=true", &key, event.to_string());
    let foreign = push(event(json!({"company_id": "other"}))).await;
    assert_eq!(foreign.body["results"][0]["code"], "company_not_allowed");
    assert_eq!(house.last_refused().header.company, company("demo"), "kept at the key's home, not where it said");
    let unknown = push(event(json!({"company_id": "nobody"}))).await;
    assert_eq!(unknown.body["results"][0]["code"], "unknown_company");
    assert_eq!(push(event(json!({}))).await.body["results"][0]["code"], "module_not_allowed");
    let sent = json!({"event_name": "campaign.sent", "company_id": null, "company_sso_id": null, "source_module": null,
        "event_attributes": {"campaign_id": "c", "channel": "sms"}});
    assert_eq!(push(event(sent)).await.body["accepted"], 1);
    let (record, _) = house.last_event();
    assert_eq!((record.header.company, record.header.module.as_str()), (company("demo"), "marketing"));
}

/// CORE-CON-FLAG, MKT-CON-FLAG: off by default, per source and company, seen at once; aliases are one stream.
#[tokio::test]
async fn flags_gate_sources_per_company() {
    let house = House::closed(DoorSettings::default()).await;
    for name in ["a", "b"] {
        house.put(&format!("/v1/companies/{name}"), &json!({})).await;
    }
    let of = |name: &str| event(json!({"company_id": name, "company_sso_id": null})).to_string();
    assert_eq!(house.push(of("a")).await.body["ignored"], 1);
    house.put("/v1/sources/cdp", &json!({"enabled": true, "companies": ["a"]})).await;
    assert_eq!(house.push(of("a")).await.body["accepted"], 1);
    assert_eq!(house.push(of("b")).await.body["ignored"], 1);
    let aliased = house.put("/v1/sources/broadcast", &json!({"enabled": true})).await;
    assert_eq!((&aliased.body["module"], &aliased.body["companies"]), (&json!("marketing"), &json!(["*"])));
    assert_eq!(house.put("/v1/sources/warehouse", &json!({"enabled": true})).await.status, 404);
}

/// A key is shown once and stored as a hash; a withdrawn one is 401.
#[tokio::test]
async fn keys_are_shown_once_and_can_be_withdrawn() {
    let house = House::open().await;
    let made = house.post("/v1/keys", &json!({"name": "shop", "role": "publisher", "companies": "demo"})).await;
    let key = made.body["key"].as_str().unwrap().to_owned();
    assert_eq!((key.len(), &made.body["companies"]), (45, &json!(["demo"])));
    assert!(house.raw_records().iter().all(|bytes| !String::from_utf8_lossy(bytes).contains(&key[5..])));
    assert_eq!(house.call("POST", "/v1/events", &key, "[]").await.status, 200);
    let path = format!("/v1/keys/{}", made.body["id"].as_str().unwrap());
    assert_eq!(house.call("DELETE", &path, ADMIN, "").await.status, 200);
    assert_eq!(house.call("POST", "/v1/events", &key, "[]").await.status, 401);
    assert_eq!(house.call("DELETE", &path, ADMIN, "").await.status, 404);
    for wrong in [
        json!({}),
        json!({"role": "king"}),
        json!({"role": "reader", "teams": ["ghosts"]}),
        json!({"role": "reader", "x": 1}),
    ] {
        assert_eq!(house.post("/v1/keys", &wrong).await.status, 400, "{wrong}");
    }
    let bounded = house.key(json!({"role": "admin", "companies": ["demo"]})).await;
    let wide = house.call("POST", "/v1/keys", &bounded, json!({"role": "reader"}).to_string()).await;
    assert_eq!(wide.status, 403, "a key gives no more than it has");
}

/// Settings are merged, checked, and secrets are made once.
#[tokio::test]
async fn companies_are_created_and_changed() {
    let house = House::open().await;
    let changed = house.put("/v1/companies/demo", &json!({"time_zone": "Asia/Makassar"})).await;
    assert_eq!((&changed.body["currency"], &changed.body["rebuilding"]), (&json!("IDR"), &json!(true)));
    assert_eq!(house.put("/v1/companies/demo", &json!({"currency": "Rp"})).await.body["error"]["path"], "currency");
    assert_eq!(house.put("/v1/companies/two", &json!({"sso_id": "sso-demo"})).await.status, 409);
    assert_eq!(house.put("/v1/companies/a%20b", &json!({})).await.status, 400);
    let made = changes(&house).into_iter().filter_map(|record| match record.change {
        Change::Company { secrets, .. } => Some(secrets.is_some()),
        _ => None,
    });
    assert_eq!(made.collect::<Vec<_>>(), [true, false]);
}

/// CORE-B1-RFC: a refused event is corrected, or sent as it was, under the same id, and is marked as replayed.
#[tokio::test]
async fn quarantined_events_are_replayed() {
    let house = House::open().await;
    let mut bad = event(json!({"event_id": "e-77", "source_module": "deals"}));
    let answer = house.call("POST", "/v1/events?wait=true", ADMIN, bad.to_string()).await;
    let receipt = answer.body["results"][0]["receipt"].as_str().unwrap().to_owned();
    let path = format!("/v1/quarantine/{receipt}/replay?company_id=demo");
    let again = house.call("POST", &path, ADMIN, "").await;
    assert_eq!(again.body["code"], "module_not_allowed", "as it was it is refused again");
    bad["source_module"] = json!("cdp");
    bad.as_object_mut().unwrap().remove("event_id");
    let fixed = house.call("POST", &path, ADMIN, bad.to_string()).await;
    assert_eq!((&fixed.body["status"], &fixed.body["event_id"]), (&json!("applied"), &json!("e-77")), "{}", fixed.body);
    let replayed = changes(&house).pop().map(|record| record.change);
    assert_eq!(replayed, Some(Change::Replayed { company: company("demo"), receipt: receipt.into() }));
    let missing = house.call("POST", "/v1/quarantine/1/replay?company_id=demo", ADMIN, "").await;
    assert_eq!(missing.status, 404);
}

/// Links are rejected, ids kept apart, and that undone.
#[tokio::test]
async fn unlinking_takes_three_forms() {
    let house = House::open().await;
    let path = "/v1/customers/c-1/unlink?company_id=demo";
    for (body, links, apart) in [
        (json!({"links": [{"anchor": "c-1", "other": format!("phone:{}", "ab".repeat(16))}]}), 1, false),
        (json!({"apart": ["c-1", "c-2"], "undo": true}), 0, true),
        (json!({"customer": "c-1", "from": "c-2", "reason": "shared phone"}), 0, true),
        (json!({"from": "c-2"}), 0, true),
    ] {
        let answer = house.post(path, &body).await;
        assert_eq!((&answer.body["links"], &answer.body["apart"]), (&json!(links), &json!(apart)), "{body}");
    }
    assert_eq!(house.post(path, &json!({})).await.status, 400);
    assert_eq!(house.post(path, &json!({"apart": ["c-1", "c-1"]})).await.status, 400);
    assert_eq!(house.post("/v1/customers/c-1/unlink", &json!({})).await.body["error"]["code"], "company_required");
    assert_eq!(house.call("DELETE", "/v1/customers/c-9?company_id=demo", ADMIN, "").await.status, 404);
}

/// A squad registers an event of a module of its own, and widens it; anything else is refused.
#[tokio::test]
async fn events_are_registered_and_widened() {
    let house = House::open().await;
    let path = "/v1/catalog/events/parcel.returned?company_id=demo";
    let definition = json!({"module": "warehouse", "attributes": {"parcel_id": {"type": "id", "required": true}}});
    assert_eq!(house.put(path, &definition).await.status, 200);
    house.put("/v1/sources/warehouse", &json!({"enabled": true})).await;
    let returned = |attributes: Value| {
        event(json!({"event_name": "parcel.returned", "source_module": "warehouse", "event_attributes": attributes}))
    };
    house.accepted(&returned(json!({"parcel_id": "p-1"}))).await;
    house.refused(&returned(json!({}))).await;
    let narrower = json!({"module": "warehouse", "attributes": {"parcel_id": {"type": "int", "required": true}}});
    let answer = house.put(path, &narrower).await;
    assert_eq!((answer.status.as_u16(), &answer.body["error"]["code"]), (409, &json!("not_additive")));
    assert_eq!(house.put(path, &json!({"attributes": 5})).await.status, 409);
}

/// The first admin key is made once; operating events are appended and answered once applied.
#[tokio::test]
async fn the_desk_appends_for_others() {
    let house = House::open().await;
    let before = changes(&house).len();
    house.desk.bootstrap_admin(ADMIN).await.unwrap();
    assert_eq!(changes(&house).len(), before, "it is there already");
    let operation = Operation { kind: "pii_revealed".into(), company: Some(company("demo")), json: "{}".into() };
    let place = house.desk.append_operation("key-1", operation.clone()).await.unwrap();
    let record = changes(&house).pop().unwrap();
    assert_eq!((record.by.as_str(), record.change), ("key-1", Change::Operation(operation)));
    assert!(house.store.snapshot().unwrap().positions().unwrap()[0].index > place.index);
}

/// The description names every route of the router.
#[test]
fn the_description_is_complete() {
    let paths: Vec<String> = cebe_adapter::openapi().paths.paths.keys().cloned().collect();
    assert_eq!(paths.len(), 13, "{paths:?}");
    let _: fn(&Desk) -> axum::Router = Desk::router;
}

/// Whoever else looks at the settings at that very moment. No time passes here, so only the change itself shows it.
#[tokio::test]
async fn a_change_shows_with_the_next_request() {
    let house = House::open().await;
    let over = Arc::new(AtomicBool::new(false));
    let look = |_| {
        let (desk, over) = (house.desk.clone(), Arc::clone(&over));
        let looking = move || {
            while !over.load(Ordering::Relaxed) {
                desk.view();
            }
        };
        std::thread::spawn(looking)
    };
    let lookers: Vec<_> = (0..4).map(look).collect();
    for number in 0..300 {
        let company = format!("shop-{number}");
        assert_eq!(house.put(&format!("/v1/companies/{company}"), &json!({})).await.status, 200);
        let pushed = house.push(event(json!({"company_id": company})).to_string()).await;
        assert_eq!(pushed.body["quarantined"], json!(0), "{company}: {}", pushed.body);
    }
    over.store(true, Ordering::Relaxed);
    lookers.into_iter().for_each(|looker| looker.join().unwrap());
}
