//! What operators read, freshness, and what happens when a read does not end in time.

mod support;

use axum::http::StatusCode;
use cebe_catalog::{
    Lane, Micros, QuarantineCode,
    control::{Change, ControlRecord, KeyRow, Operation, SourceFlag, TeamRow},
    record::{Header, QuarantineRecord},
};
use cebe_engine::{
    change::{Changes, ControlKind, ControlRow},
    latency::Latencies,
    rows::{LastSeen, LastSeenKey, OutcomeKey, Outcomes},
};
use cebe_privacy::{
    access::{Grant, Role, Scope},
    seal,
};
use cebe_retriever::Freshness;
use serde_json::json;
use std::time::Duration;
use support::{World, at, company_keys, reader};

fn role(role: Role) -> Grant {
    Grant { role, ..reader() }
}

fn refused(receipt: &str, code: QuarantineCode) -> QuarantineRecord {
    QuarantineRecord {
        header: Header {
            company: "acme".into(),
            module: "deals".into(),
            received_at: at("2026-03-01T00:00:00Z"),
            lane: Lane::Live,
        },
        receipt: receipt.into(),
        name: Some("deal.created".into()),
        id: None,
        code,
        path: Some("event_attributes.deal_id".into()),
        hint: code.hint().into(),
        body: seal::seal(&company_keys(), receipt.as_bytes(), br#"{"secret":"body"}"#),
        key_id: "k".into(),
    }
}

/// CORE-B3-b: an answer is stale when the store is behind, and fresh again without anybody asking.
#[test]
fn freshness_is_as_it_is_when_asked() {
    let world = World::new();
    let behind = Freshness { as_of: at("2026-03-20T11:00:00Z"), lag_ms: 9_000, stale: true };
    *world.freshness.lock().unwrap() = behind;
    let stale = world.ok("/v1/metrics/orders");
    assert_eq!(stale["freshness"], json!({ "as_of": "2026-03-20T11:00:00Z", "lag_ms": 9000, "stale": true }));
    *world.freshness.lock().unwrap() = Freshness { stale: false, lag_ms: 0, ..behind };
    assert_eq!(world.ok("/v1/metrics/orders")["freshness"]["stale"], json!(false));
}

/// CORE-B3-c: a read that does not end in time gives the last value, labelled; without one it says so.
#[test]
fn a_late_read_gives_the_last_value_labelled_stale() {
    let world = World::with_deadline(Duration::from_millis(300));
    world.point("orders", "2026-03-01T10:00:00Z", &[], 0, 3);
    let fresh = world.ok("/v1/metrics/orders");
    let hold = || {
        let (open, gate) = std::sync::mpsc::channel();
        *world.store.gate.lock().unwrap() = Some(gate);
        open
    };
    let gate = hold();
    let late = world.ok("/v1/metrics/orders");
    assert_eq!(late["value"], json!(3));
    assert_eq!(late["freshness"]["stale"], json!(true));
    assert_eq!(late["freshness"]["as_of"], fresh["freshness"]["as_of"]);
    drop(gate);
    let gate = hold();
    let (status, error) = world.get(&reader(), "/v1/metrics/payments");
    assert_eq!((status, &error["error"]["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("timeout")));
    drop(gate);
    // Another key never gets what was remembered for this one.
    let gate = hold();
    let other = Grant { key_id: "k-2".into(), ..reader() };
    assert_eq!(world.get(&other, "/v1/metrics/orders").0, StatusCode::SERVICE_UNAVAILABLE);
    drop(gate);
}

#[test]
fn quarantine_is_counted_by_cause_and_its_bodies_stay_hidden() {
    let world = World::new();
    let records = (0..5).map(|i| {
        let code = if i % 2 == 0 { QuarantineCode::MissingField } else { QuarantineCode::InvalidEnum };
        refused(&format!("r{i}"), code)
    });
    world.commit(Changes { quarantined: records.collect(), ..Changes::default() });
    assert_eq!(world.get(&reader(), "/v1/quarantine").0, StatusCode::FORBIDDEN);
    let analyst = role(Role::Analyst);
    let (_, page) = world.get(&analyst, "/v1/quarantine?code=missing_field&limit=2");
    assert_eq!(page["causes"], json!({ "missing_field": 3, "invalid_enum": 2 }));
    let ids: Vec<_> = page["quarantine"].as_array().unwrap().iter().map(|record| &record["id"]).collect();
    assert_eq!((ids, &page["next"]), (vec![&json!("r4"), &json!("r2")], &json!("r2")));
    let (_, rest) = world.get(&analyst, "/v1/quarantine?code=missing_field&limit=2&before=r2");
    assert_eq!((rest["quarantine"][0]["id"].clone(), &rest["next"]), (json!("r0"), &json!(null)));
    assert!(!page.to_string().contains("secret"));

    assert_eq!(world.get(&analyst, "/v1/quarantine/r1?reveal=true").0, StatusCode::FORBIDDEN);
    let (_, masked) = world.get(&analyst, "/v1/quarantine/r1");
    assert_eq!(masked.get("body"), None);
    let (_, shown) = world.get(&Grant { reveal: true, ..analyst }, "/v1/quarantine/r1?reveal=true");
    assert_eq!(shown["body"], json!({ "secret": "body" }));
    assert_eq!(world.audits.lock().unwrap().len(), 1);
}

/// ANCHOR-MET-1: last seen is exact, by name, and the last hour's latencies stand beside the counts.
#[test]
fn sources_tell_their_flag_and_what_became_of_events() {
    let world = World::new();
    let flag = SourceFlag { module: "deals".into(), enabled: true, companies: vec!["acme".into(), "other".into()] };
    world.control(ControlKind::Source, "deals", ControlRow::Source(flag));
    let outcomes = |hour: &str, counts: Outcomes| {
        (OutcomeKey { company: "acme".into(), module: "deals".into(), hour: at(hour) }, counts)
    };
    let counted = |n| Outcomes { received: n, applied: n, warnings: 1, ..Outcomes::default() };
    let rows = vec![outcomes("2026-03-01T10:00:00Z", counted(3)), outcomes("2026-03-01T12:00:00Z", counted(4))];
    world.commit(Changes { outcomes: rows, ..Changes::default() });
    let seen = |name: &str, received: &str, applied: Option<&str>| {
        let key = LastSeenKey { company: "acme".into(), module: "deals".into(), name: name.into() };
        (key, LastSeen { received_at: Some(at(received)), applied_at: applied.map(at) })
    };
    let mut took = Latencies::default();
    (0..100).for_each(|_| took.receipt.note(4_000));
    took.emission.note(5_000_000);
    let hour = OutcomeKey { company: "acme".into(), module: "deals".into(), hour: at("2026-03-20T11:00:00Z") };
    world.commit(Changes {
        last_seen: vec![
            seen("", "2026-03-01T12:34:56.789Z", None),
            seen("deal.won", "2026-03-01T12:30:00Z", Some("2026-03-01T12:20:00Z")),
        ],
        latencies: vec![(hour, took)],
        ..Changes::default()
    });
    let source = world.ok("/v1/sources/deals?from=2026-03-01T11:00:00Z");
    insta::assert_json_snapshot!(source, @r#"
    {
      "backfill": "none",
      "companies": [
        "acme"
      ],
      "enabled": true,
      "freshness": {
        "as_of": "2026-03-20T12:00:00Z",
        "lag_ms": 0,
        "stale": false
      },
      "hours": [
        {
          "hour": "2026-03-01T12:00:00Z",
          "outcomes": {
            "applied": 4,
            "conflict": 0,
            "duplicate": 0,
            "duplicate_derived": 0,
            "ignored": 0,
            "no_identity": 0,
            "quarantined": 0,
            "received": 4,
            "warnings": 1
          }
        }
      ],
      "lag_ms": 0,
      "last_hour": {
        "emission_p99_seconds": 5.0,
        "events": 100,
        "from": "2026-03-20T11:00:00Z",
        "receipt_p99_seconds": 0.00399
      },
      "last_seen": "2026-03-01T12:34:56.789Z",
      "module": "deals",
      "names": [
        {
          "event_name": "deal.won",
          "last_applied": "2026-03-01T12:20:00Z",
          "last_seen": "2026-03-01T12:30:00Z"
        }
      ],
      "names_seen": 1,
      "outcomes": {
        "applied": 4,
        "conflict": 0,
        "duplicate": 0,
        "duplicate_derived": 0,
        "ignored": 0,
        "no_identity": 0,
        "quarantined": 0,
        "received": 4,
        "warnings": 1
      },
      "sequences": []
    }
    "#);
    assert_eq!(world.ok("/v1/sources/deals")["outcomes"]["applied"], json!(7));
    assert_eq!(world.get(&reader(), "/v1/sources/nothing").0, StatusCode::NOT_FOUND);
}

/// PII-AUDIT: audits are for those who may read them; operations are listed newest first.
#[test]
fn operations_are_listed_and_audits_guarded() {
    let world = World::new();
    for (i, kind) in ["cebe_propagation_slo_breach", "pii_revealed", "cebe_propagation_slo_breach"].iter().enumerate() {
        let operation =
            Operation { kind: (*kind).into(), company: Some("acme".into()), json: json!({ "n": i }).to_string() };
        let received_at = Micros(i64::try_from(i).unwrap());
        let record = ControlRecord { received_at, by: "k".into(), change: Change::Operation(operation) };
        world.control(ControlKind::Operation, &format!("{i:020}"), ControlRow::Operation(record));
    }
    let kinds = |grant: &Grant, uri: &str| {
        let (_, page) = world.get(grant, uri);
        page["operations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|o| o["properties"]["n"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(&role(Role::Analyst), "/v1/operations"), [2, 0]);
    assert_eq!(kinds(&role(Role::Admin), "/v1/operations"), [2, 1, 0]);
    assert_eq!(kinds(&role(Role::Admin), "/v1/operations?kind=pii_revealed"), [1]);
    assert_eq!(kinds(&role(Role::Admin), "/v1/operations?limit=1"), [2]);
    assert_eq!(kinds(&role(Role::Admin), &format!("/v1/operations?limit=5&before={:020}", 2)), [1, 0]);
    assert_eq!(world.get(&role(Role::Analyst), "/v1/operations?kind=pii_revealed").0, StatusCode::FORBIDDEN);
    assert_eq!(world.get(&reader(), "/v1/operations").0, StatusCode::FORBIDDEN);
}

/// PII-AUDIT: erasures and changes of keys and flags are audits too, and tell no secret.
#[test]
fn what_people_changed_is_listed_for_admins() {
    let world = World::new();
    let key = KeyRow {
        id: "k-1".into(),
        name: "shop".into(),
        hash: [9; 32],
        role: "reader".into(),
        companies: vec!["acme".into()],
        modules: Vec::new(),
        teams: Vec::new(),
        reveal: true,
        created_at: Micros(0),
    };
    let flag = SourceFlag { module: "cdp".into(), enabled: true, companies: vec!["*".into()] };
    let erase = Change::Erase {
        company: "acme".into(),
        customer: cebe_catalog::Node::Customer("c-9".into()),
        receipt: "r-1".into(),
    };
    let changes = [Change::Key(key), Change::KeyRemoved { id: "k-1".into() }, Change::Source(flag), erase];
    for (i, change) in changes.into_iter().enumerate() {
        let record = ControlRecord { received_at: Micros(i64::try_from(i).unwrap()), by: "k-admin".into(), change };
        world.control(ControlKind::Operation, &format!("{i:020}"), ControlRow::Operation(record));
    }
    let everywhere = Grant { companies: Scope::All, ..role(Role::Admin) };
    let page = world.get(&everywhere, "/v1/operations").1;
    let kinds: Vec<&str> = page["operations"].as_array().unwrap().iter().map(|o| o["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["erased", "source_changed", "key_withdrawn", "key_made"]);
    assert_eq!(page["operations"][0]["properties"]["customer"], "c-9");
    assert!(page["operations"].as_array().unwrap().iter().all(|o| o["by"] == "k-admin"));
    assert!(!page.to_string().contains("0909") && !page.to_string().contains("[9,"), "{page}");
    assert_eq!(world.get(&role(Role::Analyst), "/v1/operations").1["operations"], json!([]));
    assert_eq!(world.get(&role(Role::Analyst), "/v1/operations?kind=erased").0, StatusCode::FORBIDDEN);
}

#[test]
fn keys_and_teams_are_for_admins_and_never_tell_a_secret() {
    let world = World::new();
    let key = KeyRow {
        id: "k1".into(),
        name: "deals".into(),
        hash: [0xab; 32],
        role: "publisher".into(),
        companies: vec!["acme".into()],
        modules: vec!["*".into()],
        teams: vec![],
        reveal: false,
        created_at: at("2026-03-01T00:00:00Z"),
    };
    world.control(ControlKind::Key, "k1", ControlRow::Key(key));
    let team = TeamRow { id: "sales".into(), modules: vec!["deals".into()], pii_classes: vec![] };
    world.control(ControlKind::Team, "sales", ControlRow::Team(team));
    let admin = role(Role::Admin);
    let (_, keys) = world.get(&admin, "/v1/keys");
    assert_eq!(keys["keys"][0]["id"], json!("k1"));
    assert!(!keys.to_string().contains("abab") && keys["keys"][0].get("hash").is_none());
    assert_eq!(world.get(&admin, "/v1/teams/sales").1["modules"], json!(["deals"]));
    for path in ["/v1/keys", "/v1/teams", "/v1/teams/sales"] {
        assert_eq!(world.get(&reader(), path).0, StatusCode::FORBIDDEN, "{path}");
    }
}

#[test]
fn companies_are_those_that_the_key_serves() {
    let world = World::new();
    world.company("other", cebe_catalog::CompanySettings::default());
    let companies = world.ok("/v1/companies");
    assert_eq!(companies["companies"].as_array().unwrap().len(), 1);
    assert_eq!(world.ok("/v1/companies/acme")["currency"], json!("USD"));
    assert!(!world.ok("/v1/companies/acme").to_string().contains("secrets"));
    assert_eq!(world.get(&reader(), "/v1/companies/other").0, StatusCode::FORBIDDEN);
    world.control(ControlKind::Fields, "acme", ControlRow::Fields(vec![("shoe_size".into(), "none".into())]));
    assert_eq!(world.ok("/v1/companies/acme/fields")["fields"], json!({ "shoe_size": "none" }));
}

#[test]
fn the_registry_lists_events_and_their_schemas() {
    let world = World::new();
    let catalog = world.ok("/v1/catalog");
    assert_eq!(catalog["events"].as_array().unwrap().len(), cebe_catalog::Definitions::standard().events.len());
    assert_eq!(world.ok("/v1/catalog/events/deal.created")["name"], json!("deal.created"));
    let schema = world.ok("/v1/catalog/events/deal.created/schema");
    assert_eq!(schema["$schema"], json!("https://json-schema.org/draft/2020-12/schema"));
    assert_eq!(world.get(&reader(), "/v1/catalog/events/deal.nothing").0, StatusCode::NOT_FOUND);
}

/// Every route is described, and every described path is a route.
#[test]
fn openapi_describes_what_is_served() {
    let world = World::new();
    let paths: Vec<String> = cebe_retriever::openapi().paths.paths.keys().cloned().collect();
    assert_eq!(paths.len(), 26);
    for path in paths {
        let uri = path.replace("{id}", "acme").replace("{name}", "orders").replace("{module}", "deals");
        let (_, answer) = world.get(&role(Role::Admin), &uri);
        assert!(answer.is_object(), "{path}");
    }
}
