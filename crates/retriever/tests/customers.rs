//! Customers over rows that tests put there by hand: profile, look-up, timeline, reveal.

mod support;

use axum::http::StatusCode;
use cebe_catalog::{Micros, Node, PiiClass, Value, time::HOUR};
use cebe_engine::{
    change::{Changes, ControlKind, ControlRow},
    rows::{Evidence, Link, NodeKey, NodeRow},
};
use cebe_privacy::access::{Grant, Role, Scope, TeamView};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use support::{World, at, customer, event, phone_node, reader, together};

const PHONE: &str = "+6281234567890";

fn revealer() -> Grant {
    Grant { key_id: "k-reveal".into(), reveal: true, ..reader() }
}

/// Ann with a phone, known under two ids.
fn ann() -> World {
    let world = World::new();
    let nodes = [customer("ann"), customer("ann-2"), phone_node(PHONE)];
    let mut all = nodes.to_vec();
    all.sort();
    let row = |node: &Node, day: &str| {
        let mut created = Evidence::default();
        created.add(at(day), &"customer.created".into(), &"e".into());
        let row = NodeRow { together: together(&all, node), seen: created.clone(), created, ..NodeRow::default() };
        (NodeKey { company: "acme".into(), node: node.clone() }, Some(row.into()))
    };
    let rows = vec![
        row(&nodes[0], "2026-02-01T00:00:00Z"),
        row(&nodes[1], "2026-01-01T00:00:00Z"),
        row(&nodes[2], "2026-02-01T00:00:00Z"),
    ];
    world.commit(Changes { nodes: rows, ..Changes::default() });
    world.identifier(&nodes[2], PHONE);
    world.sealed_field(&nodes[0], "full_name", "A•••", PiiClass::Name, "Ann Lee");
    world
}

/// CORE-CON-SEC-1: a profile is masked unless revealed; any id of the customer leads to it, and the one created first
/// names it.
#[test]
fn a_profile_is_masked_by_default() {
    let world = ann();
    let profile = world.ok("/v1/customers/ann");
    let shown = json!({
        "id": profile["id"], "aliases": profile["aliases"], "resolved": profile["resolved"],
        "created_at": profile["created_at"], "fields": profile["fields"],
        "mask": profile["identifiers"][0]["mask"], "value": profile["identifiers"][0]["value"],
    });
    insta::assert_json_snapshot!(shown, @r#"
    {
      "aliases": [
        "ann"
      ],
      "created_at": "2026-01-01T00:00:00Z",
      "fields": {
        "full_name": {
          "pii": "name",
          "since": "2026-01-05T00:00:00Z",
          "value": "A•••"
        }
      },
      "id": "ann-2",
      "mask": "+62•••••890",
      "resolved": true,
      "value": null
    }
    "#);
    assert!(!profile.to_string().contains("Ann Lee") && !profile.to_string().contains(PHONE));
    let phone = phone_node(PHONE).to_text();
    for address in ["ann-2", phone.as_str()] {
        assert_eq!(world.ok(&format!("/v1/customers/{address}")), profile);
    }
}

#[test]
fn a_customer_is_found_by_any_written_form_of_the_phone() {
    let world = ann();
    for uri in ["/v1/customers?phone=%2B62%20812-3456-7890", "/v1/customers?qontak_customer_id=ann"] {
        assert_eq!(world.ok(uri)["id"], json!("ann-2"), "{uri}");
    }
    assert_eq!(world.get(&reader(), "/v1/customers?phone=%2B6281234567891").0, StatusCode::NOT_FOUND);
    for uri in
        ["/v1/customers", "/v1/customers?phone=1&email=a@b.co", "/v1/customers?phone=x", "/v1/customers?colour=x"]
    {
        assert_eq!(world.get(&reader(), uri).0, StatusCode::BAD_REQUEST, "{uri}");
    }
}

/// CORE-CON-SEC-1, PII-AUDIT: a reveal needs the right, names who saw what, and shows nothing when that cannot be kept.
#[test]
fn a_reveal_needs_the_right_and_a_durable_audit() {
    let world = ann();
    assert_eq!(world.get(&reader(), "/v1/customers/ann?reveal=true").0, StatusCode::FORBIDDEN);
    assert!(world.audits.lock().unwrap().is_empty());

    *world.audit_fails.lock().unwrap() = true;
    let (status, refused) = world.get(&revealer(), "/v1/customers/ann?reveal=true");
    assert_eq!((status, &refused["error"]["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("audit_failed")));
    assert!(!refused.to_string().contains("Ann"));

    *world.audit_fails.lock().unwrap() = false;
    let (status, profile) = world.get(&revealer(), "/v1/customers/ann?reveal=true");
    assert_eq!(status, StatusCode::OK);
    assert_eq!(profile["fields"]["full_name"]["value"], json!("Ann Lee"));
    assert_eq!(profile["identifiers"][0]["value"], json!(PHONE));
    let audits = world.audits.lock().unwrap();
    let (entry, by) = audits.first().unwrap();
    assert_eq!((entry.kind.as_str(), by.as_str(), audits.len()), ("pii_revealed", "k-reveal", 1));
    let properties: Json = serde_json::from_str(&entry.json).unwrap();
    assert_eq!(properties["fields"], json!(["full_name", "phone"]));
    assert_eq!(properties["customer"], json!("ann-2"));
    assert!(!entry.json.contains("Ann Lee") && !entry.json.contains(PHONE));
}

/// CORE-CON-SEC-2: a team's PII classes bound what a reveal shows.
#[test]
fn a_reveal_is_bound_by_the_classes_of_the_team() {
    let world = ann();
    let team = TeamView { modules: Scope::All, pii_classes: Scope::Only(vec!["name".into()]) };
    let (_, profile) = world.get(&Grant { teams: vec![team], ..revealer() }, "/v1/customers/ann?reveal=true");
    assert_eq!(profile["fields"]["full_name"]["value"], json!("Ann Lee"));
    assert_eq!(profile["identifiers"][0]["value"], json!(null));
}

#[test]
fn an_erased_customer_is_gone_with_a_receipt() {
    let world = World::new();
    let row = NodeRow { erased: true, ..NodeRow::default() };
    let key = NodeKey { company: "acme".into(), node: customer("gone") };
    world.commit(Changes { nodes: vec![(key, Some(row.into()))], ..Changes::default() });
    let receipt = json!({ "receipt": "r1", "customer": "gone" });
    world.control(ControlKind::Erasure, "acme\0r1", ControlRow::Erasure(receipt.to_string()));
    for uri in ["/v1/customers/gone", "/v1/customers/gone/timeline", "/v1/customers/gone/metrics"] {
        let (status, error) = world.get(&reader(), uri);
        assert_eq!((status, &error["error"]["code"]), (StatusCode::GONE, &json!("erased")), "{uri}");
        assert_eq!(error["error"]["receipt"], receipt);
    }
}

/// CORE-CON-SEC-2: a team sees whole modules and nothing of others; agents' ids need the class staff.
#[test]
fn a_timeline_shows_the_modules_of_the_team() {
    let world = World::new();
    world.together(&[customer("bob")]);
    let mut ticket = event("t1", "ticket.assigned", "ticketing", at("2026-03-01T00:00:00Z"), customer("bob"));
    ticket.attributes = vec![("agent_id".into(), Value::Text("agent-7".into()))];
    world.event(ticket, 1);
    world.event(event("d1", "deal.created", "deals", at("2026-03-02T00:00:00Z"), customer("bob")), 2);
    let team = |modules: &[&str], classes: &[&str]| Grant {
        teams: vec![TeamView {
            modules: Scope::Only(modules.iter().map(|name| (*name).into()).collect()),
            pii_classes: Scope::Only(classes.iter().map(|name| (*name).into()).collect()),
        }],
        ..reader()
    };
    let names = |json: &Json| -> Vec<String> {
        json["events"].as_array().unwrap().iter().map(|e| e["event_name"].as_str().unwrap().to_owned()).collect()
    };
    let (_, tickets) = world.get(&team(&["ticketing"], &[]), "/v1/customers/bob/timeline");
    assert_eq!(names(&tickets), ["ticket.assigned"]);
    assert_eq!(tickets["events"][0]["event_attributes"]["agent_id"], json!("•••"));
    let (_, staffed) = world.get(&team(&["ticketing"], &["staff"]), "/v1/customers/bob/timeline");
    assert_eq!(staffed["events"][0]["event_attributes"]["agent_id"], json!("agent-7"));
    let (status, _) = world.get(&team(&["deals"], &[]), "/v1/customers/bob/timeline?module=ticketing");
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, _) = world.get(&team(&["deals"], &[]), "/v1/metrics/tickets_created");
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, error) = world.get(&team(&["ticketing"], &[]), "/v1/metrics/tickets_created?group_by=agent_id");
    assert_eq!((status, &error["error"]["code"]), (StatusCode::FORBIDDEN, &json!("staff_hidden")));
    let (_, metrics) = world.get(&team(&["deals"], &[]), "/v1/customers/bob/metrics");
    assert!(metrics["metrics"].get("deals_created").is_some() && metrics["metrics"].get("tickets_created").is_none());
}

/// MKT-S02-NEG1 and the scope of companies.
#[test]
fn publishers_and_other_companies_read_nothing() {
    let world = ann();
    world.company("other", cebe_catalog::CompanySettings::default());
    let publisher = Grant { role: Role::Publisher, ..reader() };
    let stranger = Grant { companies: Scope::Only(vec!["other".into()]), ..reader() };
    let everywhere = Grant { companies: Scope::All, ..reader() };
    for path in [
        "/v1/customers/ann",
        "/v1/customers/ann/timeline",
        "/v1/customers/ann/metrics",
        "/v1/metrics/orders",
        "/v1/metrics",
    ] {
        assert_eq!(world.get(&publisher, path).0, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(world.get(&stranger, &format!("{path}?company_id=acme")).0, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(world.get(&everywhere, path).0, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(world.get(&everywhere, &format!("{path}?company_id=none")).0, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(world.get(&everywhere, &format!("{path}?company_id=acme")).0, StatusCode::OK, "{path}");
    }
    assert_eq!(world.get(&stranger, "/v1/customers/ann").0, StatusCode::NOT_FOUND);
}

#[test]
fn a_customer_has_every_customer_metric() {
    let world = ann();
    let answer = world.ok("/v1/customers/ann/metrics");
    let metrics = answer["metrics"].as_object().unwrap();
    for metric in cebe_catalog::Definitions::standard().metrics.values().filter(|metric| metric.customer) {
        assert!(metrics.contains_key(metric.name.as_str()), "{}", metric.name);
    }
    insta::assert_json_snapshot!(json!([metrics["total_spend"], metrics["reply_rate"], metrics["orders"]]), @r#"
    [
      {
        "by_currency": [
          {
            "currency": "USD",
            "value": "0.00"
          }
        ],
        "currency": "USD",
        "joined_share": 1.0,
        "unit": "money",
        "value": "0.00"
      },
      {
        "beside": {
          "replies": 0,
          "replies_unmatched": 0
        },
        "denominator": 0,
        "joined_share": null,
        "numerator": 0,
        "unit": "ratio",
        "value": null
      },
      {
        "joined_share": 1.0,
        "unit": "count",
        "value": 0
      }
    ]
    "#);
}

/// ANCHOR-APP-C: filters by event name, and the envelope as it is shown.
#[test]
fn events_are_shown_with_their_envelope() {
    let world = World::new();
    world.together(&[customer("bob")]);
    let mut paid = event("p1", "order.paid", "conversion", at("2026-03-01T00:00:00Z"), customer("bob"));
    paid.derived = true;
    paid.warnings = vec!["payment_id is advised".into()];
    paid.attributes = vec![("paid_amount".into(), Value::Decimal(cebe_catalog::Amount(12_500_000)))];
    world.event(paid, 1);
    world.event(event("o1", "order.created", "conversion", at("2026-03-01T00:00:00Z"), customer("bob")), 2);
    let answer = world.ok("/v1/customers/bob/timeline?event_name=order.paid");
    insta::assert_json_snapshot!(answer, @r#"
    {
      "events": [
        {
          "actor": null,
          "anchor": "bob",
          "backfill": false,
          "derived": true,
          "event_attributes": {
            "paid_amount": "12.5"
          },
          "event_description": null,
          "event_id": "p1",
          "event_name": "order.paid",
          "event_timestamp": "2026-03-01T00:00:00Z",
          "identifiers": [],
          "qontak_customer_id": "bob",
          "received_at": "2026-03-01T00:00:00Z",
          "sent_at": null,
          "source_module": "conversion",
          "trigger_from": null,
          "warnings": [
            "payment_id is advised"
          ]
        }
      ],
      "freshness": {
        "as_of": "2026-03-20T12:00:00Z",
        "lag_ms": 0,
        "stale": false
      },
      "next": null
    }
    "#);
}

/// A link says who and why; one that an unlink rejected is listed as inert.
#[test]
fn identity_lists_links_and_why_some_say_nothing() {
    let world = World::new();
    let (ann, phone, old) = (customer("ann"), phone_node(PHONE), phone_node("+6281234567891"));
    let link = |other: &Node, anchor: bool, rejected: bool| {
        let mut evidence = Evidence::default();
        evidence.add(at("2026-03-01T00:00:00Z"), &"deal.created".into(), &"d1".into());
        Link { other: other.clone(), anchor, evidence, rejected }
    };
    let mut links = vec![link(&phone, true, false), link(&old, true, true)];
    links.sort_by(|a, b| (&a.other, a.anchor).cmp(&(&b.other, b.anchor)));
    let mut together = vec![ann.clone(), phone.clone()];
    together.sort();
    let row = |node: &Node, row: NodeRow| (NodeKey { company: "acme".into(), node: node.clone() }, Some(row.into()));
    let nodes = vec![
        row(&ann, NodeRow { links, together: together.clone(), apart: vec![customer("eve")], ..NodeRow::default() }),
        row(&phone, NodeRow { links: vec![link(&ann, false, false)], together, ..NodeRow::default() }),
        row(&old, NodeRow { links: vec![link(&ann, false, true)], ..NodeRow::default() }),
    ];
    world.commit(Changes { nodes, ..Changes::default() });
    let answer = world.ok("/v1/customers/ann/identity");
    assert_eq!(answer["links"].as_array().unwrap().len(), 1);
    assert_eq!(answer["links"][0]["verdict"], json!("joined"));
    assert_eq!(answer["links"][0]["identifier"], json!(phone.to_text()));
    assert_eq!(answer["links"][0]["evidence"][0]["event_id"], json!("d1"));
    assert_eq!(answer["inert"][0]["identifier"], json!(old.to_text()));
    assert_eq!(answer["inert"][0]["reason"], json!({ "code": "rejected" }));
    assert_eq!(answer["apart"], json!([["ann", "eve"]]));
}

/// A payment that concerns two nodes of one customer is one payment of that customer.
#[test]
fn facts_that_concern_two_nodes_count_once() {
    let world = ann();
    let (ann, phone) = (customer("ann"), phone_node(PHONE));
    for (anchor, ids) in [(&ann, &["p1", "p2"][..]), (&phone, &["p2", "p3"][..])] {
        world.payments(anchor, ids);
    }
    let metrics = world.ok("/v1/customers/ann/metrics");
    assert_eq!(metrics["metrics"]["payments"]["value"], json!(3));
    assert_eq!(metrics["metrics"]["total_spend"]["value"], json!("30.00"));
    let window = world.ok("/v1/customers/ann/metrics?from=2026-03-02&to=2026-03-03");
    assert_eq!(window["metrics"]["payments"]["value"], json!(0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// All pages one after the other are the whole timeline: newest first, nothing twice, nothing lost; an event that
    /// stands under two of the customer's nodes is shown once.
    #[test]
    fn pages_put_together_are_the_whole(
        events in proptest::collection::vec((0_i64..6, 0_u8..3, any::<bool>()), 0..40),
        limit in 1_usize..9,
    ) {
        let world = World::new();
        let nodes = [customer("ann"), customer("bea"), phone_node(PHONE)];
        world.together(&nodes);
        for (i, (hour, owner, both)) in events.iter().enumerate() {
            let owner = nodes[usize::from(*owner)].clone();
            let mut one = event(&format!("e{i:03}"), "deal.created", "deals", Micros(hour * HOUR), owner);
            if *both {
                one.references = vec![cebe_catalog::record::Reference { anchor: nodes[1].clone(), identifiers: Vec::new() }];
            }
            world.event(one, i as u64);
        }
        let mut shown: Vec<(String, String)> = Vec::new();
        let mut before = String::new();
        loop {
            let page = world.ok(&format!("/v1/customers/ann/timeline?limit={limit}{before}"));
            for event in page["events"].as_array().unwrap() {
                let text = |name: &str| event[name].as_str().unwrap().to_owned();
                shown.push((text("event_timestamp"), text("event_id")));
            }
            match page["next"].as_str() {
                Some(next) => before = format!("&before={next}"),
                None => break,
            }
        }
        let mut expected: Vec<(String, String)> =
            events.iter().enumerate().map(|(i, (hour, ..))| (Micros(hour * HOUR).to_rfc3339(), format!("e{i:03}"))).collect();
        expected.sort_by(|a, b| b.cmp(a));
        prop_assert_eq!(shown, expected);
    }
}
