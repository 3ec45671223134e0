//! Every metric of the catalog over a made-up year that touches every fact: none may stay empty.

use cebe_catalog::Definitions;
use serde_json::{Value, json};

use crate::life::{COMPANY, company, event, of};
use crate::rig;
use crate::support::Server;

/// Instants of the year.
fn on(month: u32, day: u32, hour: u32, minute: u32) -> String {
    format!("2026-{month:02}-{day:02}T{hour:02}:{minute:02}:00+07:00")
}

fn customers() -> Vec<Value> {
    let created = |id: &str, at: String| {
        let about = json!({"qontak_customer_id": id, "created_at": at, "acquisition_source": "import"});
        of(id, &format!("made-{id}"), "customer.created", &at, about)
    };
    let segment = |id: &str, name: &str, segment: &str, day: u32| {
        let about = json!({"qontak_customer_id": "ayu", "segment_id": segment, "segment_name": "Regulars"});
        of("ayu", id, name, &on(10, day, 9, 0), about)
    };
    vec![
        created("budi", on(9, 10, 9, 0)),
        created("ayu", on(10, 2, 9, 0)),
        created("citra", on(10, 3, 9, 0)),
        created("dewi", on(10, 4, 9, 0)),
        segment("seg-1", "segment.entered", "regulars", 5),
        segment("seg-2", "segment.entered", "trial", 5),
        segment("seg-3", "segment.exited", "trial", 6),
    ]
}

fn chats() -> Vec<Value> {
    let a = |id: &str, name: &str, hour: u32, minute: u32, about: Value| {
        of("ayu", id, name, &on(10, 7, hour, minute), about)
    };
    vec![
        a("ch-1", "conversation.started", 9, 0, json!({"channel": "whatsapp", "room_id": "r-1"})),
        a(
            "ch-2",
            "conversation.assigned",
            9,
            1,
            json!({"agent_id": "bot", "assignment_type": "bot", "room_id": "r-1"}),
        ),
        a(
            "ch-3",
            "message.received",
            9,
            2,
            json!({"message_id": "m-1", "message_type": "text", "room_id": "r-1",
            "channel": "whatsapp", "reply_to_message_id": "b-0", "reply_to_sent_at": on(10, 7, 9, 1)}),
        ),
        a("ch-4", "bot.contained", 9, 5, json!({"bot_flow_id": "flow", "containment_flag": true, "room_id": "r-1"})),
        a(
            "ch-5",
            "conversation.resolved",
            9,
            9,
            json!({"resolved_by": "bot", "resolution_time_seconds": 540,
            "handled_by": "bot", "room_id": "r-1"}),
        ),
        a("ch-6", "conversation.started", 10, 0, json!({"channel": "webchat", "room_id": "r-2"})),
        a("ch-7", "conversation.escalated", 10, 1, json!({"bot_session_id": "s-2", "room_id": "r-2"})),
        a(
            "ch-8",
            "conversation.assigned",
            10,
            2,
            json!({"agent_id": "a-1", "assignment_type": "human", "room_id": "r-2"}),
        ),
        a("ca-1", "call.started", 11, 0, json!({"channel": "phone", "room_id": "r-3", "call_id": "k-1"})),
        a("ca-2", "call.assigned", 11, 1, json!({"agent_id": "a-1", "assignment_type": "human", "call_id": "k-1"})),
        a("ca-3", "call.completed", 11, 9, json!({"duration_seconds": 480, "call_type": "inbound", "call_id": "k-1"})),
        a("ca-4", "call.completed", 12, 0, json!({"duration_seconds": 0, "call_type": "inbound", "call_id": "k-2"})),
        a("su-1", "csat.submitted", 12, 5, json!({"score": 4, "room_id": "r-1", "agent_id": "a-1"})),
        a("su-2", "nps.submitted", 12, 6, json!({"score": 10, "room_id": "r-1"})),
    ]
}

fn tickets() -> Vec<Value> {
    let t = |id: &str, name: &str, day: u32, hour: u32, about: Value| of("ayu", id, name, &on(10, day, hour, 0), about);
    let made = |ticket: &str| {
        json!({"ticket_id": ticket, "pipeline_id": "p-1", "stage_id": "new", "category": "refund",
        "priority": "high", "channel": "email", "customer_association": ["ayu"]})
    };
    vec![
        t("ti-1", "ticket.created", 8, 9, made("t-1")),
        t("ti-2", "ticket.created", 9, 9, made("t-2")),
        t("ti-3", "ticket.assigned", 8, 10, json!({"ticket_id": "t-1", "agent_id": "a-1", "team_id": "team-1"})),
        t(
            "ti-4",
            "ticket.stage_changed",
            8,
            11,
            json!({"ticket_id": "t-1", "old_stage": "new", "new_stage": "working"}),
        ),
        t(
            "ti-5",
            "ticket.stage_changed",
            8,
            12,
            json!({"ticket_id": "t-1", "old_stage": "working", "new_stage": "done"}),
        ),
        t(
            "ti-6",
            "ticket.resolved",
            8,
            12,
            json!({"ticket_id": "t-1", "agent_id": "a-1", "resolution_type": "first_contact"}),
        ),
        t(
            "ti-7",
            "ticket.sla_breached",
            8,
            10,
            json!({"ticket_id": "t-1", "sla_type": "first_response",
            "breach_duration_seconds": 60}),
        ),
    ]
}

fn deals() -> Vec<Value> {
    let d = |id: &str, name: &str, day: u32, about: Value| of("ayu", id, name, &on(10, day, 9, 0), about);
    let made = |deal: &str| {
        json!({"deal_id": deal, "pipeline_id": "p-2", "stage_id": "lead", "deal_size": "5000000",
        "owner_id": "a-2", "customer_association": ["ayu"]})
    };
    let moved = |deal: &str, from: &str, to: &str| json!({"deal_id": deal, "old_stage": from, "new_stage": to});
    vec![
        d("de-1", "deal.created", 10, made("d-1")),
        d("de-2", "deal.created", 10, made("d-2")),
        d("de-3", "deal.stage_changed", 11, moved("d-1", "lead", "offer")),
        d("de-4", "deal.stage_changed", 12, moved("d-1", "offer", "close")),
        d("de-5", "deal.won", 13, json!({"deal_id": "d-1", "deal_size": "5000000"})),
        d("de-6", "deal.lost", 13, json!({"deal_id": "d-2", "loss_reason": "price"})),
        d(
            "de-7",
            "deal.rotten_time_breached",
            12,
            json!({"deal_id": "d-2", "stage_id": "lead",
            "breach_duration_seconds": 3600}),
        ),
    ]
}

fn broadcasts() -> Vec<Value> {
    let b = |id: &str, name: &str, hour: u32, about: Value| of("ayu", id, name, &on(10, 14, hour, 0), about);
    let send = |message: &str| {
        json!({"campaign_id": "c-1", "channel": "whatsapp", "template_id": "t-1",
        "broadcast_message_id": message, "campaign_cost": "350"})
    };
    let after = |message: &str| json!({"campaign_id": "c-1", "channel": "whatsapp", "broadcast_message_id": message});
    let unknown = |campaign: &str| json!({"campaign_id": campaign, "channel": "email"});
    vec![
        b("br-1", "campaign.sent", 9, send("b-1")),
        b("br-2", "campaign.clicked", 10, after("b-1")),
        b("br-3", "campaign.replied", 11, after("b-1")),
        b("br-4", "campaign.bounced", 9, after("b-2")),
        b("br-5", "campaign.replied", 12, unknown("c-9")),
        b("br-6", "campaign.clicked", 12, unknown("c-9")),
        b("br-7", "campaign.opted_in", 13, json!({"campaign_id": "c-1", "opt_in_channel": "whatsapp"})),
        b("br-8", "campaign.opted_out", 13, json!({"campaign_id": "c-1", "opt_out_channel": "email"})),
    ]
}

fn ads() -> Vec<Value> {
    let base = json!({"ad_id": "ad-1", "campaign_id": "ads-1", "ad_platform": "meta", "currency": "IDR"});
    let ad = |id: &str, name: &str, hour: u32, more: Value| {
        let mut about = base.clone();
        for (name, value) in more.as_object().expect("fields") {
            about[name] = value.clone();
        }
        of("dewi", id, name, &on(10, 15, hour, 0), about)
    };
    let mut spend = ad("ad-5", "ad.spend_recorded", 23, json!({"ad_spend": "100000", "period": "2026-10-15"}));
    spend.as_object_mut().expect("an event").remove("qontak_customer_id");
    let bought = |reference: &str| {
        json!({"conversion_type": "purchase", "conversion_value": "300000",
        "conversion_ref": reference})
    };
    let mut seen = of("citra", "ad-6", "ad.converted", &on(10, 15, 13, 0), base.clone());
    for (name, value) in bought("o-9").as_object().expect("fields") {
        seen["event_attributes"][name] = value.clone();
    }
    vec![
        ad("ad-1", "ad.impression", 9, json!({"ad_spend": "120"})),
        ad("ad-2", "ad.clicked", 10, json!({"cost_per_click": "500", "ad_click_id": "click-1"})),
        ad("ad-3", "ad.lead_captured", 11, json!({"lead_form_id": "f-1"})),
        ad("ad-4", "ad.converted", 12, bought("o-8")),
        spend,
        seen,
    ]
}

fn shop() -> Vec<Value> {
    let s = |id: &str, name: &str, day: u32, about: Value| of("ayu", id, name, &on(10, day, 15, 0), about);
    let order = |order: &str| {
        json!({"order_id": order, "items": [{"item_id": "i-1", "price": "100000"}],
        "total_value": "100000", "payment_method": "qris"})
    };
    let paid = |order: &str, payment: &str| {
        json!({"order_id": order, "payment_type": "full", "paid_amount": "100000",
        "payment_id": payment, "payment_method": "qris"})
    };
    let when = json!("2026-10-20T10:00:00+07:00");
    let booking =
        |id: &str| json!({"booking_id": id, "service_type": "cut", "location_id": "l-1", "appointment_datetime": when});
    vec![
        s("sh-1", "add_to_cart", 14, json!({"items_id": ["i-1", "i-2"], "quantity": 2})),
        s("sh-2", "order.created", 14, order("o-1")),
        s("sh-3", "order.paid", 14, paid("o-1", "p-1")),
        s("sh-4", "order.delivered", 16, json!({"order_id": "o-1"})),
        s("sh-5", "order.created", 25, order("o-2")),
        s("sh-6", "payment.failed", 25, json!({"order_id": "o-2", "attempt_count": 1})),
        s("sh-7", "order.paid", 26, paid("o-2", "p-2")),
        s("bo-1", "booking.created", 17, booking("k-1")),
        s("bo-2", "booking.confirmed", 18, json!({"booking_id": "k-1"})),
        s("bo-3", "booking.completed", 20, json!({"booking_id": "k-1", "rating": 5})),
        s("bo-4", "booking.created", 17, booking("k-2")),
        s("bo-5", "booking.cancelled", 18, json!({"booking_id": "k-2", "cancelled_by": "customer"})),
    ]
}

fn loyalty() -> Vec<Value> {
    let l = |who: &str, id: &str, name: &str, month: u32, day: u32, more: Value| {
        let mut about = json!({"qontak_customer_id": who, "member_id": format!("mem-{who}"), "program_id": "gold"});
        for (name, value) in more.as_object().expect("fields") {
            about[name] = value.clone();
        }
        of(who, id, name, &on(month, day, 16, 0), about)
    };
    vec![
        l("budi", "lo-0", "membership.enrolled", 9, 20, json!({"initial_tier": "silver", "available_point": 0})),
        l("ayu", "lo-1", "membership.enrolled", 10, 20, json!({"initial_tier": "silver", "available_point": 0})),
        l("citra", "lo-2", "membership.enrolled", 10, 20, json!({"initial_tier": "gold"})),
        l("dewi", "lo-3", "membership.enrolled", 10, 20, json!({})),
        l("ayu", "lo-4", "points.earned", 10, 21, json!({"points_amount": 100, "available_point": 100})),
        l("ayu", "lo-5", "points.burned", 10, 22, json!({"points_used": 40, "available_point": 60})),
        l("ayu", "lo-6", "rewards.redeemed", 10, 22, json!({"reward_used_id": "rw-1", "reward_name": "Cup"})),
        l("ayu", "lo-7", "tier.upgraded", 10, 23, json!({"old_tier": "silver", "new_tier": "gold"})),
        l("citra", "lo-8", "tier.downgraded", 10, 24, json!({"old_tier": "gold", "new_tier": "silver"})),
        l("budi", "lo-9", "membership.unenrolled", 10, 25, json!({"last_tier": "silver"})),
    ]
}

/// Somebody of whom nothing but a room is known, so that not all people are resolved.
fn stranger() -> Value {
    event("st-1", "conversation.started", &on(10, 8, 9, 0), json!({"channel": "webchat", "room_id": "r-9"}))
}

pub fn year() -> Vec<Value> {
    let mut all = [customers(), chats(), tickets(), deals(), broadcasts(), ads(), shop(), loyalty()].concat();
    all.push(stranger());
    all
}

/// One event for each outcome but `applied`, and one that names nobody: what the engine counts of itself.
fn mishaps(server: &Server) {
    let at = on(10, 9, 9, 0);
    let score = |id: &str, score: u32| of("ayu", id, "nps.submitted", &at, json!({"score": score}));
    let mut nameless = score("", 7);
    nameless.as_object_mut().expect("an event").remove("event_id");
    let nobody = event(
        "mis-3",
        "ad.clicked",
        &at,
        json!({"ad_platform": "meta", "ad_id": "ad-1", "campaign_id": "c-1", "ad_set_id": "s-1"}),
    );
    let first = server.push(&[score("mis-1", 9), nameless.clone(), nobody]);
    assert_eq!(first["applied"], 3, "{first:#}");
    server.put("/v1/sources/loyalty", &json!({"enabled": false}));
    let enrolled = of("ayu", "mis-4", "membership.enrolled", &at, json!({"member_id": "mem-ayu"}));
    let again = server.push(&[score("mis-1", 9), score("mis-1", 8), score("mis-2", 11), nameless, enrolled]);
    let counted = ["duplicate", "conflict", "quarantined", "ignored"].map(|outcome| again[outcome].clone());
    assert_eq!(counted, [2, 1, 1, 1].map(Value::from), "{again:#}");
}

/// Does an answer say more than nothing?
fn says_something(answer: &Value) -> bool {
    let value = match &answer["value"] {
        Value::Null => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => text.parse::<f64>() != Ok(0.0) && !text.is_empty(),
        Value::Bool(flag) => *flag,
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    };
    let lists = ["rows", "groups", "by_currency", "items", "list"];
    value || lists.iter().any(|name| answer[name].as_array().is_some_and(|list| !list.is_empty()))
}

/// Proves CORE-MET-4, CORE-SCOPE-4, ANCHOR-APP-A, CORE-DOD-5, ANCHOR-MET-4, ANCHOR-S4-1.3, ANCHOR-S4-1.5 and the ground
/// of every row of the metrics section: all metrics answer for the company and for the customer they are defined for,
/// and over a year that touches every fact none of them is empty everywhere.
#[test]
fn every_metric_answers_and_none_is_empty() {
    let server = Server::with_company(COMPANY, company());
    let year = year();
    let named: std::collections::BTreeSet<&str> =
        year.iter().filter_map(|event| event["event_name"].as_str()).collect();
    let not_told = Definitions::standard().events.keys().filter(|name| !named.contains(name.as_str()));
    assert_eq!(not_told.collect::<Vec<_>>(), ["customer.updated"]);
    let answer = server.push(&year);
    let results = answer["results"].as_array().expect("results").iter();
    assert_eq!(results.filter(|result| result["status"] != "applied").collect::<Vec<_>>(), Vec::<&Value>::new());
    mishaps(&server);
    let customers = ["ayu", "budi", "citra", "dewi"]
        .map(|id| server.get(&format!("/v1/customers/{id}/metrics?company_id={COMPANY}"))["metrics"].clone());
    let mut empty = Vec::new();
    for metric in Definitions::standard().metrics.values() {
        let of_customers = customers.iter().map(|metrics| &metrics[metric.name.as_str()]);
        for answer in of_customers.clone() {
            assert_eq!(answer.is_object(), metric.customer, "{} of a customer: {answer:#}", metric.name);
        }
        let mut told = of_customers.clone().any(says_something);
        for query in ["", "?from=2026-10-01&to=2026-11-01", "?from=2026-10-01&to=2026-11-01&interval=day"] {
            let path = format!("/v1/metrics/{}{query}", metric.name);
            let mark = if query.is_empty() { '?' } else { '&' };
            let answer = server.ask("GET", &format!("{path}{mark}company_id={COMPANY}"), None);
            // What the engine says of itself is not always kept by window; it says so.
            let has_no_history = metric.formula.is_own() && answer.body["error"]["code"] == "not_by_window";
            let is_answered = metric.company && (query.is_empty() || !has_no_history);
            assert_eq!(answer.status, if is_answered { 200 } else { 400 }, "{path}: {:#}", answer.body);
            if is_answered {
                assert_eq!(answer.body["freshness"]["stale"], false, "{path}: {:#}", answer.body);
                assert!(answer.body["unit"].is_string(), "{path}: {:#}", answer.body);
            }
            told |= says_something(&answer.body);
        }
        // Nothing waits, so nothing is behind.
        if !told && metric.name != "metric_staleness_seconds" {
            empty.push(metric.name.as_str());
        }
    }
    assert!(empty.is_empty(), "metrics that say nothing: {empty:?}");
    rig::assert_balanced(&server, COMPANY);
    server.assert_clean();
}
