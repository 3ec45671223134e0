//! One customer whose story the tour tells: first a click, then a chat, then a name, then a second account that turns
//! out to be hers.

use serde_json::{Value, json};

use super::Venue;
use super::stage::{deliver, now_s};
use crate::failure::Failure;
use cebe_traffic::Company;

const PHONE: &str = "0811-8877-6655";

/// How she is known in the end.
pub(super) struct Heroine {
    pub(super) company: &'static str,
    pub(super) id: &'static str,
    pub(super) phone: &'static str,
}

/// Lets her story happen, newest part first.
pub(super) fn live(venue: &Venue) -> Result<Heroine, Failure> {
    let company = Company::JAKARTA.id;
    let begin = now_s() - 7_200;
    let at = |minute: u64| {
        let second = i64::try_from(begin + minute * 60).unwrap_or_default();
        jiff::Timestamp::from_second(second).unwrap_or_default().to_string()
    };
    let event = |id: &str, minute: u64, module: &str, name: &str, attributes: Value| {
        json!({"event_id": format!("sari-{id}"), "company_id": company, "event_timestamp": at(minute),
            "source_module": module, "event_name": name, "event_attributes": attributes})
    };
    let ad = json!({"ad_id": "ad-3", "campaign_id": "ads-1", "ad_platform": "meta", "ad_click_id": "click-sari"});
    let mut lead = ad.clone();
    lead["room_id"] = "room-sari".into();
    let chat = json!({"channel": "whatsapp", "room_id": "room-sari", "phone": PHONE});
    let mut created = event("known", 30, "cdp", "customer.created", account("sari", "Sari Wulandari", PHONE));
    created["qontak_customer_id"] = "sari".into();
    // The shop's web site knew her by another id; the phone, written differently, tells that it is she.
    let other = account("web-4711", "S. Wulandari", "+62 811 8877 6655");
    let mut web = event("web", 40, "cdp", "customer.created", other);
    web["qontak_customer_id"] = "web-4711".into();
    let mut paid = event(
        "paid",
        60,
        "conversion",
        "order.paid",
        json!({"payment_type": "full", "paid_amount": "185000", "order_id": "order-sari"}),
    );
    paid["qontak_customer_id"] = "web-4711".into();
    let story = [
        paid,
        web,
        created,
        event("chat", 12, "communication", "conversation.started", chat),
        event("lead", 11, "marketing", "ad.lead_captured", lead),
        event("click", 10, "marketing", "ad.clicked", ad),
    ];
    for event in story {
        deliver(&venue.admin, &[event])?;
    }
    Ok(Heroine { company, id: "sari", phone: PHONE })
}

fn account(id: &str, name: &str, phone: &str) -> Value {
    json!({"qontak_customer_id": id, "default_fields": [
        {"name": "full_name", "value": name}, {"name": "phone", "value": phone}]})
}
