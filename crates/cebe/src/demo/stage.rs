//! The stage: companies, sources and a key, then a month of lives, delivered as badly as the world delivers: out of
//! order, late, twice, and now and then wrong.

use serde_json::{Value, json};

use super::Venue;
use crate::client::Client;
use crate::failure::Failure;
use crate::push::Tally;
use cebe_traffic::{Company, Dice, Scene, arrive, happen};

pub(super) const COMPANIES: [&Company; 2] = [&Company::JAKARTA, &Company::PORTLAND];
pub(super) const MODULES: [&str; 7] =
    ["communication", "ticketing", "deals", "marketing", "conversion", "cdp", "loyalty"];

const CUSTOMERS: u64 = 150;
const EPISODES: u64 = 8;
const HISTORY_S: u64 = 28 * 86_400;
const BATCH: usize = 500;

/// Makes what the demonstration needs.
pub(super) fn set(admin: &Client) -> Result<Venue, Failure> {
    for company in COMPANIES {
        let settings = json!({
            "name": company.name,
            "sso_id": format!("sso-{}", company.id),
            "time_zone": company.time_zone,
            "phone_region": company.phone_region,
            "currency": company.currency,
        });
        admin.write("PUT", &format!("/v1/companies/{}", company.id), &settings)?;
    }
    for module in MODULES {
        admin.write("PUT", &format!("/v1/sources/{module}"), &json!({"enabled": true}))?;
    }
    let key = json!({"name": "demo", "role": "analyst", "companies": ["*"], "modules": ["*"], "teams": ["*"]});
    let made = admin.write("POST", "/v1/keys", &key)?;
    let reader_key = made["key"].as_str().unwrap_or_default().to_owned();
    Ok(Venue { admin: admin.clone(), reader: Client::to(admin.server(), &reader_key, ""), reader_key })
}

/// Lets a month happen and delivers it.
pub(super) fn play(venue: &Venue) -> Result<Tally, Failure> {
    let mut dice = Dice::new(20_260_601);
    let mut events = Vec::new();
    for company in COMPANIES {
        for number in 0..CUSTOMERS {
            events.append(&mut life(company, number, &mut dice));
        }
    }
    shuffle(&mut events, &mut dice);
    let again: Vec<Value> = events.iter().filter(|_| dice.chance(3)).cloned().collect();
    events.extend(again);
    events.extend(wrong_ones());
    let mut tally = Tally::default();
    for batch in events.chunks(BATCH) {
        tally.count(&deliver(&venue.admin, batch)?);
    }
    Ok(tally)
}

/// Pushes events and waits until they are applied.
pub(super) fn deliver(client: &Client, events: &[Value]) -> Result<Value, Failure> {
    client.write("POST", "/v1/events?wait=true&timeout_ms=10000", &json!(events))
}

/// What happened to one customer until now.
fn life(company: &Company, number: u64, dice: &mut Dice) -> Vec<Value> {
    let now = now_s();
    let begin = now - dice.between(1_000, HISTORY_S);
    let mut scene = Scene::new(company, number, begin, Dice::new(dice.draw()));
    arrive(&mut scene);
    for _ in 0..EPISODES {
        happen(&mut scene);
        let pause = scene.dice.between(60, 3 * 86_400);
        scene.now_s += pause;
    }
    until(scene.events, now)
}

/// Those that have happened by `end_s`.
pub(super) fn until(mut events: Vec<Value>, end_s: u64) -> Vec<Value> {
    let end = i64::try_from(end_s).ok().and_then(|end| jiff::Timestamp::from_second(end).ok());
    let at = |event: &Value| event["event_timestamp"].as_str().and_then(|time| time.parse::<jiff::Timestamp>().ok());
    events.retain(|event| at(event) <= end);
    events
}

/// Seconds since 1970.
pub(super) fn now_s() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or_default()
}

fn shuffle(events: &mut [Value], dice: &mut Dice) {
    for place in (1..events.len()).rev() {
        let other = usize::try_from(dice.below(place as u64 + 1)).unwrap_or_default();
        events.swap(place, other);
    }
}

/// Mistakes that publishers make.
fn wrong_ones() -> Vec<Value> {
    let base = |id: &str, module: &str, name: &str, attributes: Value| {
        json!({"event_id": id, "company_id": Company::JAKARTA.id, "qontak_customer_id": "cust-0000001",
            "event_timestamp": jiff::Timestamp::now().to_string(), "source_module": module, "event_name": name,
            "event_attributes": attributes})
    };
    vec![
        base("wrong-1", "communication", "nps.submitted", json!({"score": 11, "comment": "call me: 0811-9012-3456"})),
        base("wrong-2", "marketing", "campain.sent", json!({"campaign_id": "campaign-1", "channel": "whatsapp"})),
        base(
            "wrong-3",
            "marketing",
            "ad.clicked",
            json!({"ad_id": "ad-1", "campaign_id": "ads-1", "ad_platform": "myspace"}),
        ),
        base("wrong-4", "conversion", "order.paid", json!({"payment_type": "full", "paid_amount": "a lot"})),
    ]
}
