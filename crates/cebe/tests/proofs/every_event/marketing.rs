//! Broadcasts and ads.

use serde_json::{Value, json};

use super::{Story, World, at};

pub const STORIES: [Story; 11] = [
    ("campaign.sent", sent),
    ("campaign.replied", replied),
    ("campaign.clicked", clicked),
    ("campaign.bounced", bounced),
    ("campaign.opted_in", opted_in),
    ("campaign.opted_out", opted_out),
    ("ad.impression", impression),
    ("ad.clicked", ad_clicked),
    ("ad.lead_captured", lead_captured),
    ("ad.converted", converted),
    ("ad.spend_recorded", spend_recorded),
];

fn with(mut about: Value, more: Value) -> Value {
    about.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    about
}

fn send(more: Value) -> Value {
    with(json!({"campaign_id": "c-1", "channel": "whatsapp", "broadcast_message_id": "b-1"}), more)
}

fn ad(more: Value) -> Value {
    with(json!({"ad_id": "ad-1", "campaign_id": "ads-1", "ad_platform": "google"}), more)
}

/// What a text was filled in with is personal.
fn sent(w: &World) {
    let filled = json!({"customer_attributes_related": {"full_name": "Rina Hartono", "phone": "0811-1234-789"}});
    w.tell("ayu", "s", "campaign.sent", &at(3, 9, 0), send(filled));
    w.tell("ayu", "retry", "campaign.sent", &at(3, 9, 1), send(json!({})));
    assert_eq!((w.value("campaigns_received"), w.value("delivery_rate")), (json!(1), json!(1)));
    let shown = json!(w.timeline("ayu")).to_string();
    assert!(!shown.contains("Hartono") && !shown.contains("1234"), "{shown}");
}

/// It comes before its send, and counts at the send once that is there.
fn replied(w: &World) {
    w.tell("ayu", "r", "campaign.replied", &at(3, 10, 10), send(json!({})));
    assert_eq!(
        (w.value("reply_rate"), w.value("replies"), w.value("replies_unmatched")),
        (Value::Null, json!(1), json!(1))
    );
    w.tell("ayu", "s", "campaign.sent", &at(3, 9, 50), send(json!({})));
    let hours = w.days("reply_rate?interval=hour&from=2025-11-03&to=2025-11-04");
    assert_eq!(hours, [(json!("2025-11-03T02:00:00Z"), json!(1))]);
    assert_eq!(w.value("replies_unmatched"), 0);
    assert_eq!((w.value("reply_rate"), w.of("ayu", "reply_rate")["value"].clone()), (json!(1), json!(1)));
}

fn clicked(w: &World) {
    w.tell("ayu", "s", "campaign.sent", &at(3, 9, 0), send(json!({})));
    let link = json!({"destination_url": "https://shop.example/page?phone=08111234789&utm_campaign=spring"});
    w.tell("ayu", "c", "campaign.clicked", &at(3, 9, 5), send(link));
    assert_eq!((w.value("clicks"), w.parts("click_rate")), (json!(1), [json!(1), json!(1)]));
    let shown = w.timeline("ayu")[0]["event_attributes"]["destination_url"].to_string();
    assert!(shown.contains("shop.example/page") && !shown.contains("08111234789"), "{shown}");
}

fn bounced(w: &World) {
    let (one, two) = (json!({"broadcast_message_id": "b-1"}), json!({"broadcast_message_id": "b-2"}));
    w.tell("ayu", "s-1", "campaign.sent", &at(3, 9, 0), send(one));
    w.tell("ayu", "b-2", "campaign.bounced", &at(3, 9, 0), send(two.clone()));
    assert_eq!(w.parts("delivery_rate"), [1, 2]);
    w.tell("ayu", "s-2", "campaign.sent", &at(3, 9, 30), send(two));
    assert_eq!(w.parts("delivery_rate"), [2, 2], "delivered after all");
}

fn consent(w: &World, id: &str, way: &str, day: u32) {
    let (name, field) =
        if way == "in" { ("campaign.opted_in", "opt_in_channel") } else { ("campaign.opted_out", "opt_out_channel") };
    let about: Value = [(field, "whatsapp")].into_iter().collect();
    w.tell("ayu", id, name, &at(day, 9, 0), about);
}

fn status(w: &World) -> Value {
    w.profile("ayu")["consent"]["whatsapp"]["status"].clone()
}

fn opted_in(w: &World) {
    consent(w, "out", "out", 5);
    consent(w, "older", "in", 4);
    assert_eq!(status(w), "out", "{:#}", w.profile("ayu")["consent"]);
    consent(w, "newer", "in", 6);
    assert_eq!((status(w), w.value("opt_ins")), (json!("in"), json!(2)));
}

fn opted_out(w: &World) {
    consent(w, "in", "in", 4);
    consent(w, "out", "out", 4);
    assert_eq!(status(w), "out", "at one instant, out is the last word");
    assert_eq!((w.value("opt_outs"), w.groups("consent?group_by=status")), (json!(1), vec![(json!("out"), json!(1))]));
}

/// What a platform says an impression cost is no spend.
fn impression(w: &World) {
    w.tell("", "i", "ad.impression", &at(3, 9, 0), ad(json!({"ad_spend": "120"})));
    assert_eq!((w.value("ad_impressions"), w.value("observed_cost")), (json!(1), json!("120.00")));
    assert_eq!(w.value("ad_spend"), "0.00");
}

/// Somebody unknown; the click's id stands in the link.
fn ad_clicked(w: &World) {
    let link = json!({"destination_url": "https://shop.example/?gclid=click-7"});
    w.tell("", "c", "ad.clicked", &at(3, 9, 0), ad(link));
    assert_eq!(w.value("ad_clicks"), 1);
    let stranger = w.find("ad_click_id=click-7&scope=google");
    assert_eq!(stranger["resolved"], false, "{stranger:#}");
    assert_eq!(w.names(stranger["id"].as_str().expect("an id")), ["ad.clicked"]);
}

fn lead_captured(w: &World) {
    w.refused("", "ad.lead_captured", ad(json!({})), "missing_field");
    w.tell("", "form", "ad.lead_captured", &at(3, 9, 0), ad(json!({"lead_form_id": "f-1"})));
    w.tell("", "room", "ad.lead_captured", &at(3, 9, 1), ad(json!({"room_id": "r-1"})));
    w.tell("ayu", "chat", "conversation.started", &at(3, 9, 2), json!({"channel": "whatsapp", "room_id": "r-1"}));
    assert_eq!(w.value("ad_leads"), 2);
    assert_eq!(w.names("ayu"), ["conversation.started", "ad.lead_captured"]);
}

fn spend(w: &World, id: &str, amount: &str, hour: u32) {
    let row = json!({"ad_spend": amount, "currency": "IDR", "period": "2025-11-03", "timestamp": at(4, hour, 0)});
    w.tell("", id, "ad.spend_recorded", &at(4, hour, 0), ad(row));
}

fn converted(w: &World) {
    let bought =
        |value: &str| ad(json!({"conversion_type": "purchase", "conversion_value": value, "conversion_ref": "o-1"}));
    spend(w, "spend", "100", 1);
    w.tell("ayu", "c-1", "ad.converted", &at(3, 9, 0), bought("300"));
    assert_eq!((w.value("ad_conversions"), w.value("roas")), (json!(1), json!(3)));
    w.tell("ayu", "c-2", "ad.converted", &at(3, 9, 30), bought("250"));
    assert_eq!((w.value("ad_conversions"), w.value("roas")), (json!(1), json!(2.5)), "restated");
}

/// Of nobody; told again it is the same, told anew it replaces.
fn spend_recorded(w: &World) {
    spend(w, "first", "100", 1);
    assert_eq!(w.value("ad_spend"), "100.00");
    spend(w, "read again", "100", 2);
    assert_eq!(w.value("ad_spend"), "100.00");
    spend(w, "restated", "80", 3);
    assert_eq!(w.value("ad_spend"), "80.00");
    spend(w, "late", "90", 2);
    assert_eq!(w.value("ad_spend"), "80.00", "the newest reading counts");
}
