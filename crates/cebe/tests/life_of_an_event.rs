//! The life of events through the real binary, from a stranger's click to a customer's history, as a publisher and a
//! reader see it.

mod support;

use serde_json::{Value, json};
use support::Server;

const COMPANY: &str = "kopi";
const PHONE: &str = "0811-1234-789";

/// An event of the company; the time is a minute of one morning.
fn event(id: &str, module: &str, name: &str, minute: u32, attributes: Value) -> Value {
    json!({
        "event_id": id,
        "company_id": COMPANY,
        "company_sso_id": "sso-kopi",
        "event_timestamp": format!("2026-11-02T09:{minute:02}:00+07:00"),
        "source_module": module,
        "event_name": name,
        "event_attributes": attributes,
    })
}

/// The same, of a customer known by id.
fn event_of(customer: &str, id: &str, module: &str, name: &str, minute: u32, attributes: Value) -> Value {
    let mut event = event(id, module, name, minute, attributes);
    event["qontak_customer_id"] = customer.into();
    event
}

fn click() -> Value {
    let about = json!({"ad_id": "ad-1", "campaign_id": "ads-1", "ad_platform": "meta", "ad_click_id": "click-1"});
    event("e-click", "marketing", "ad.clicked", 0, about)
}

fn lead() -> Value {
    let about = json!({"ad_id": "ad-1", "campaign_id": "ads-1", "ad_platform": "meta", "ad_click_id": "click-1",
        "room_id": "room-1"});
    event("e-lead", "marketing", "ad.lead_captured", 1, about)
}

fn chat() -> Value {
    let about = json!({"channel": "whatsapp", "room_id": "room-1", "phone": PHONE});
    event("e-chat", "communication", "conversation.started", 2, about)
}

fn created() -> Value {
    let about = json!({"qontak_customer_id": "ayu", "created_at": "2026-11-02T09:05:00+07:00", "default_fields": [
        {"name": "full_name", "value": "Ayu Lestari"}, {"name": "phone", "value": PHONE}]});
    event_of("ayu", "e-created", "cdp", "customer.created", 5, about)
}

fn company() -> Value {
    json!({"name": "Kopi", "sso_id": "sso-kopi", "time_zone": "Asia/Jakarta", "phone_region": "ID", "currency": "IDR"})
}

fn names(timeline: &Value) -> Vec<&str> {
    let events = timeline["events"].as_array().expect("a timeline has events");
    events.iter().filter_map(|event| event["event_name"].as_str()).collect()
}

/// Proves CORE-B1-a, MKT-S02-AC3, ANCHOR-ENV-3, ANCHOR-TP-3, CORE-S01-AC2, CORE-S01-PII, CORE-B1-b, ANCHOR-4-REPLYRATE.
#[test]
fn from_a_strangers_click_to_a_customers_history() {
    let mut server = Server::start();
    server.put(&format!("/v1/companies/{COMPANY}"), &company());

    // A source is off until somebody switches it on: its events are counted, not kept.
    let ignored = server.push(&[click()]);
    assert_eq!(ignored["ignored"], 1, "{ignored:#}");
    for module in support::MODULES {
        server.put(&format!("/v1/sources/{module}"), &json!({"enabled": true}));
    }

    // A stranger clicks an ad, leaves a lead, and starts to chat: three events, one unresolved person.
    let applied = server.push(&[click(), lead(), chat()]);
    assert_eq!(applied["applied"], 3, "{applied:#}");
    let stranger = server.get(&format!("/v1/customers?room_id=room-1&company_id={COMPANY}"));
    assert_eq!(stranger["resolved"], false, "{stranger:#}");
    assert_eq!(server.metric(COMPANY, "customers")["value"], 0);

    // Somebody writes the customer down, with the phone in another spelling of the same number.
    server.push(&[created()]);
    assert_eq!(server.metric(COMPANY, "customers")["value"], 1);
    let timeline = server.get(&format!("/v1/customers/ayu/timeline?company_id={COMPANY}"));
    assert_eq!(names(&timeline), ["customer.created", "conversation.started", "ad.lead_captured", "ad.clicked"]);

    // The phone finds them, and nobody sees it in clear.
    let found = server.get(&format!("/v1/customers?phone=%2B62%20811%201234%20789&company_id={COMPANY}"));
    assert!(found.to_string().contains("ayu"), "{found:#}");
    for shown in [&found, &timeline] {
        let digits = shown.to_string().replace(['-', ' '], "");
        assert!(!digits.contains("8111234789") && !shown.to_string().contains("Ayu Lestari"), "{shown:#}");
    }

    // Sent again it changes nothing; under the same id with other content it is a conflict.
    let again = server.push(&[click(), created()]);
    assert_eq!((&again["duplicate"], &again["applied"]), (&json!(2), &json!(0)), "{again:#}");
    let mut other = click();
    other["event_attributes"]["ad_id"] = "ad-2".into();
    assert_eq!(server.push(&[other])["conflict"], 1);
    assert_eq!(server.metric(COMPANY, "ad_clicks")["value"], 1);

    replies_may_come_before_their_sends(&server);
    what_is_wrong_is_kept_and_can_be_mended(&server);
    payments_add_up(&server);

    // Stopping and starting changes nothing, and everything can be recomputed from the log.
    let before = server.get(&format!("/v1/customers/ayu/metrics?company_id={COMPANY}"))["metrics"].clone();
    assert!(server.stop().success());
    server.restart();
    let after = server.get(&format!("/v1/customers/ayu/metrics?company_id={COMPANY}"))["metrics"].clone();
    assert_eq!(before, after);
    server.assert_clean();
}

fn replies_may_come_before_their_sends(server: &Server) {
    let about = json!({"campaign_id": "c-1", "channel": "whatsapp", "broadcast_message_id": "b-1"});
    server.push(&[event_of("ayu", "e-reply", "marketing", "campaign.replied", 20, about.clone())]);
    assert_eq!(server.metric(COMPANY, "reply_rate")["value"], Value::Null);
    server.push(&[event_of("ayu", "e-sent", "marketing", "campaign.sent", 10, about)]);
    let rate = server.metric(COMPANY, "reply_rate?group_by=campaign_id");
    assert_eq!((&rate["value"], &rate["numerator"], &rate["denominator"]), (&json!(1), &json!(1), &json!(1)));
    assert_eq!(rate["groups"][0]["key"]["campaign_id"], "c-1", "{rate:#}");
    assert_eq!(rate["freshness"]["stale"], false);
}

fn what_is_wrong_is_kept_and_can_be_mended(server: &Server) {
    let wrong = json!({"score": 11, "comment": "call 0811-1234-789"});
    let refused = server.push(&[event_of("ayu", "e-nps", "communication", "nps.submitted", 30, wrong)]);
    let result = &refused["results"][0];
    assert_eq!((&result["status"], &result["path"]), (&json!("quarantined"), &json!("event_attributes.score")));
    let list = server.get(&format!("/v1/quarantine?company_id={COMPANY}"));
    let kept = list.as_object().and_then(|list| list.values().find_map(Value::as_array)).expect("a list");
    assert_eq!(kept.len(), 1, "{list:#}");
    assert!(!list.to_string().contains("1234"), "{list:#}");
    let receipt = kept[0]["receipt"].as_str().or(kept[0]["id"].as_str()).expect("a receipt").to_owned();
    let right = event_of("ayu", "e-nps", "communication", "nps.submitted", 30, json!({"score": 10}));
    let path = format!("/v1/quarantine/{receipt}/replay?company_id={COMPANY}");
    let replayed = server.post(&path, &right);
    server.drain();
    assert_eq!(server.metric(COMPANY, "avg_nps")["value"], 10, "{replayed:#}");
}

fn payments_add_up(server: &Server) {
    let order = json!({"order_id": "o-1", "items": [], "total_value": "150000.50"});
    let paid = |kind: &str, amount: &str| json!({"order_id": "o-1", "payment_type": kind, "paid_amount": amount});
    server.push(&[
        event_of("ayu", "e-p2", "conversion", "order.paid", 42, paid("full", "100000.25")),
        event_of("ayu", "e-p1", "conversion", "order.paid", 41, paid("dp", "50000.25")),
        event_of("ayu", "e-order", "conversion", "order.created", 40, order),
    ]);
    let spend = server.metric(COMPANY, "total_spend");
    assert_eq!((&spend["value"], &spend["currency"]), (&json!("150000.50"), &json!("IDR")), "{spend:#}");
    assert_eq!(server.metric(COMPANY, "paid_rate")["value"], 1);
    let day = server.metric(COMPANY, "total_spend?interval=day&from=2026-11-02&to=2026-11-03");
    assert_eq!(day["series"].as_array().map(Vec::len), Some(1), "{day:#}");
}
