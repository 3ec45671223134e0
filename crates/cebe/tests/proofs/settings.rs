//! What a company sets, and when it takes hold: at once for all history, or only for what comes after.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::life::{self, COMPANY, of};
use crate::rig;
use crate::support::Server;

const AT: &str = "2026-11-02T09:00:00+07:00";

/// Asks until the answer is not stale any more; every answer on the way must say that it is, or be what is wanted.
fn settled(server: &Server, name_and_query: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    loop {
        let answer = server.metric(COMPANY, name_and_query);
        if answer["freshness"]["stale"] == false {
            assert!(wanted(&answer), "{name_and_query}: {answer:#}");
            return answer;
        }
    }
}

fn set(server: &Server, settings: Value) -> Value {
    server.put(&format!("/v1/companies/{COMPANY}"), &settings)
}

/// Every half hour of three days, with more messages late in a day.
fn messages() -> Vec<(jiff::Timestamp, Value)> {
    let first: jiff::Timestamp = "2026-11-02T00:00:00Z".parse().expect("a time");
    let each = (0..144_i64).flat_map(|step| (0..=step % 3).map(move |n| (step, n)));
    let message = |(step, n): (i64, i64)| {
        let at = first + jiff::SignedDuration::from_mins(step * 30 + n);
        let about = json!({"message_id": format!("m-{step}-{n}"), "message_type": "text"});
        (at, of("ayu", &format!("e-{step}-{n}"), "message.received", &at.to_string(), about))
    };
    each.map(message).collect()
}

/// Counts per local day, from the messages as they were made.
fn recount(zone: &str) -> BTreeMap<String, i64> {
    let zone = TimeZone::get(zone).expect("a zone");
    let mut days = BTreeMap::new();
    for (at, _) in messages() {
        let day = at.to_zoned(zone.clone()).start_of_day().expect("a day").timestamp();
        *days.entry(day.to_string()).or_insert(0) += 1;
    }
    days
}

fn series(answer: &Value) -> BTreeMap<String, i64> {
    let points = answer["series"].as_array().expect("a series").iter();
    let day = |point: &Value| {
        let at: jiff::Timestamp = point["time"].as_str().expect("a time").parse().expect("a time");
        (at.to_string(), point["value"].as_i64().unwrap_or(0))
    };
    points.map(day).filter(|(_, count)| *count > 0).collect()
}

/// Proves MET-ZONE and MET-CCY for zones: a change of zone is recomputed over all history, half hours and quarters included.
#[test]
fn a_change_of_zone_moves_every_day_of_history() {
    let server = Server::with_company(COMPANY, life::company());
    let events: Vec<Value> = messages().into_iter().map(|(_, event)| event).collect();
    assert_eq!(server.push(&events)["applied"], events.len());
    let daily = "messages_received?interval=day&from=2026-10-30&to=2026-11-08";
    assert_eq!(series(&server.metric(COMPANY, daily)), recount("Asia/Jakarta"));
    for zone in ["Asia/Kolkata", "Asia/Kathmandu", "America/New_York", "Asia/Jakarta"] {
        assert_eq!(set(&server, json!({"time_zone": zone}))["rebuilding"], true);
        let wanted = recount(zone);
        settled(&server, daily, |answer| series(answer) == wanted);
        assert_eq!(server.metric(COMPANY, "messages_received")["value"], events.len());
    }
    let wrong = server.ask("PUT", &format!("/v1/companies/{COMPANY}"), Some(&json!({"time_zone": "Mars/Olympus"})));
    assert_eq!((wrong.status, &wrong.body["error"]["path"]), (400, &json!("time_zone")));
    server.assert_clean();
}

/// Proves CORE-B2-c and ANCHOR-RISK-8 for limits: a value that more customers share than its kind may have identifies
/// nobody; with a higher limit the same history says that they are one.
#[test]
fn a_higher_identity_limit_joins_who_shares_an_address() {
    let mut server = Server::with_company(COMPANY, life::company());
    let family: Vec<Value> = (0..6)
        .map(|n| {
            let fields = json!([{"name": "email", "value": "family@example.com"}]);
            let id = format!("c-{n}");
            of(&id, &id, "customer.created", AT, json!({"qontak_customer_id": id, "default_fields": fields}))
        })
        .collect();
    server.push(&family);
    assert_eq!(server.metric(COMPANY, "customers")["value"], 6);
    assert_eq!(set(&server, json!({"identity_limits": {"email": 6}}))["rebuilding"], true);
    settled(&server, "customers", |answer| answer["value"] == 1);
    let one = server.get(&format!("/v1/customers?email=Family@Example.com&company_id={COMPANY}"));
    assert_eq!(one["aliases"].as_array().map(Vec::len), Some(5), "{one:#}");
    server.kill9();
    server.restart();
    assert_eq!(server.metric(COMPANY, "customers")["value"], 1);
    set(&server, json!({"identity_limits": {"email": 5}}));
    settled(&server, "customers", |answer| answer["value"] == 6);
    server.assert_clean();
}

fn payment(id: &str, amount: &str) -> Value {
    of("ayu", id, "order.paid", AT, json!({"payment_type": "full", "paid_amount": amount, "payment_id": id}))
}

fn caller(id: &str, room: &str, phone: &str) -> Value {
    life::event(id, "conversation.started", AT, json!({"channel": "whatsapp", "room_id": room, "phone": phone}))
}

/// Proves MET-CCY: currency and region fill in what comes after the change, and are kept in what came before.
#[test]
fn currency_and_region_apply_to_what_comes_after() {
    let server = Server::with_company(COMPANY, life::company());
    server.push(&[payment("p-1", "5000"), caller("c-1", "r-1", "0811-1234-567")]);
    assert_eq!(set(&server, json!({"currency": "SGD", "phone_region": "GB"}))["rebuilding"], false);
    server.push(&[payment("p-2", "7.5"), caller("c-2", "r-2", "07911 123456")]);
    let spend = server.metric(COMPANY, "total_spend");
    assert_eq!(spend["value"], Value::Null, "two currencies are never one sum: {spend:#}");
    let lines = spend["by_currency"].as_array().expect("lines by currency");
    let line =
        |currency: &str| lines.iter().find(|line| line["currency"] == currency).map(|line| line["value"].clone());
    assert_eq!((line("IDR"), line("SGD")), (Some(json!("5000.00")), Some(json!("7.50"))), "{spend:#}");
    for (phone, room) in [("%2B628111234567", "r-1"), ("%2B447911123456", "r-2"), ("07911123456", "r-2")] {
        let found = server.get(&format!("/v1/customers?phone={phone}&company_id={COMPANY}"));
        let by_room = server.get(&format!("/v1/customers?room_id={room}&company_id={COMPANY}"));
        assert_eq!(found["id"], by_room["id"], "{phone}");
    }
    // The earlier event sent again is still the same event.
    assert_eq!(server.push(&[payment("p-1", "5000")])["duplicate"], 1);
    server.assert_clean();
}

/// Proves ANCHOR-1-CSAT and ANCHOR-4-REVENUE for settings: scales bound what is accepted, and windows move revenue that was
/// paid long ago.
#[test]
fn scales_bound_scores_and_windows_move_revenue() {
    let server = Server::with_company(COMPANY, life::company());
    let score = |id: &str, score: i64| of("ayu", id, "csat.submitted", AT, json!({"score": score}));
    let refused = server.push(&[score("s-1", 5), score("s-2", 8)]);
    assert_eq!(refused["results"][1]["code"], "out_of_range", "{refused:#}");
    set(&server, json!({"csat_max": 10}));
    assert_eq!(server.push(&[score("s-2", 8)])["applied"], 1);
    settled(&server, "avg_csat", |answer| answer["value"] == 6.5);
    set(&server, json!({"csat_max": null}));
    assert_eq!(server.push(&[score("s-3", 8)])["quarantined"], 1);

    let about = json!({"campaign_id": "c-1", "channel": "whatsapp", "broadcast_message_id": "b-1"});
    let mut paid = payment("p-1", "5000");
    paid["event_timestamp"] = "2026-11-10T10:00:00+07:00".into();
    server.push(&[
        of("ayu", "b-1", "campaign.sent", AT, about.clone()),
        of("ayu", "b-2", "campaign.clicked", "2026-11-02T10:00:00+07:00", about),
        paid,
    ]);
    let revenue = |wanted: Value| {
        settled(&server, "campaign_attributed_revenue?group_by=campaign_id", |answer| {
            let value = &answer["groups"][0]["value"];
            *value == wanted
        });
    };
    revenue(Value::Null);
    for (hours, wanted) in [(192, json!("5000.00")), (191, Value::Null), (8_784, json!("5000.00")), (168, Value::Null)]
    {
        assert_eq!(set(&server, json!({"attribution_touch_hours": hours}))["rebuilding"], true, "{hours}");
        revenue(wanted);
    }
    server.assert_clean();
}

fn till(attributes: Value) -> Value {
    json!({"name": "till.opened", "module": "conversion", "concerns": "customer", "attributes": attributes,
        "valid": [{"why": "opened", "attributes": {"till_id": "t-1"}}],
        "invalid": [{"why": "which?", "attributes": {}, "code": "missing_field", "path": "event_attributes.till_id"}]})
}

/// Proves CORE-DEC-1, CORE-CON-COMPAT, ANCHOR-CO's ground: an event registered at run time is taken, outlives a crash, may
/// be widened and not narrowed; what an old publisher sends is still taken.
#[test]
fn an_event_registered_at_run_time_outlives_a_crash() {
    let mut server = Server::with_company(COMPANY, life::company());
    server.put("/v1/companies/teh", &json!({}));
    let path = format!("/v1/catalog/events/till.opened?company_id={COMPANY}");
    let opened = |id: &str, more: Value| {
        let mut event = of("ayu", id, "till.opened", AT, json!({"till_id": "t-1"}));
        event["source_module"] = "conversion".into();
        for (name, value) in more.as_object().expect("fields") {
            event["event_attributes"][name] = value.clone();
        }
        event
    };
    assert_eq!(server.push(&[opened("o-1", json!({}))])["results"][0]["code"], "unknown_event");
    let first =
        json!({"till_id": {"type": "id", "required": true}, "shift": {"type": "enum", "values": ["day", "night"]}});
    server.put(&path, &till(first));
    assert_eq!(server.push(&[opened("o-1", json!({"shift": "day"}))])["applied"], 1);
    assert_eq!(server.push(&[opened("o-2", json!({"shift": "noon"}))])["results"][0]["code"], "invalid_enum");
    server.kill9();
    server.restart();
    assert_eq!(server.get(&path)["attributes"]["shift"]["values"], json!(["day", "night"]));
    assert_eq!(server.push(&[opened("o-1", json!({"shift": "day"}))])["duplicate"], 1);

    let wider = json!({"till_id": {"type": "id", "required": true}, "float": {"type": "money"},
        "shift": {"type": "enum", "values": ["day", "night", "noon"]}});
    let widened = server.put(&path, &till(wider));
    assert!(widened["schema_version"].as_u64() > Some(1), "{widened:#}");
    let pushed =
        server.push(&[opened("o-3", json!({"shift": "noon", "float": "5.5"})), opened("o-4", json!({"shift": "day"}))]);
    assert_eq!(pushed["applied"], 2, "{pushed:#}");
    let till_id = json!({"type": "id", "required": true});
    for (why, attributes) in [
        ("float", json!({"till_id": till_id, "shift": {"type": "enum", "values": ["day", "night", "noon"]}})),
        (
            "shift",
            json!({"till_id": till_id, "float": {"type": "money"}, "shift": {"type": "enum", "values": ["day"]}}),
        ),
        (
            "float",
            json!({"till_id": till_id, "float": {"type": "int"}, "shift": {"type": "enum", "values": ["day", "night", "noon"]}}),
        ),
        (
            "clerk",
            json!({"till_id": till_id, "float": {"type": "money"}, "shift": {"type": "enum", "values": ["day", "night", "noon"]},
            "clerk": {"type": "id", "required": true}}),
        ),
    ] {
        let refused = server.ask("PUT", &path, Some(&till(attributes)));
        assert_eq!(
            (refused.status, &refused.body["error"]["code"]),
            (409, &json!("not_additive")),
            "{:#}",
            refused.body
        );
        let reason = refused.body["error"]["message"].as_str().unwrap_or_default();
        assert!(reason.contains(why), "{reason}");
    }
    registered_for_one_company(&server);
}

fn registered_for_one_company(server: &Server) {
    let timeline = server.get(&format!("/v1/customers/ayu/timeline?event_name=till.opened&company_id={COMPANY}"));
    assert_eq!(timeline["events"].as_array().map(Vec::len), Some(3), "{timeline:#}");
    assert_eq!(server.ask("GET", "/v1/catalog/events/till.opened?company_id=teh", None).status, 404);
    let schema = server.get(&format!("/v1/catalog/events/till.opened/schema?company_id={COMPANY}"));
    assert!(schema.to_string().contains("till_id"), "{schema:#}");
    rig::assert_balanced(server, COMPANY);
    server.assert_clean();
}
