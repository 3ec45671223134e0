//! What each event of the catalog does to what can be asked, as the row of its requirement says: one short story an event,
//! each in a company of its own. The stories are told by module; here is who tells them, and that none is missing.

mod cdp;
mod communication;
mod conversion;
mod deals;
mod loyalty;
mod marketing;
mod ticketing;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use cebe_catalog::Definitions;
use serde_json::{Value, json};

use crate::support::Server;

/// What happens to one event.
type Story = (&'static str, fn(&World));

/// A company of its own, and what can be pushed and asked there.
pub struct World<'a> {
    server: &'a Server,
    company: String,
}

/// An instant of November 2025, in Jakarta.
pub fn at(day: u32, hour: u32, minute: u32) -> String {
    format!("2025-11-{day:02}T{hour:02}:{minute:02}:00+07:00")
}

impl<'a> World<'a> {
    fn new(server: &'a Server, event: &str) -> Self {
        let company = event.replace(['.', '_'], "-");
        let settings =
            json!({"time_zone": "Asia/Jakarta", "phone_region": "ID", "currency": "IDR", "retention_months": 0});
        server.put(&format!("/v1/companies/{company}"), &settings);
        Self { server, company }
    }

    /// An event of somebody, or of nobody in particular when `who` is empty.
    pub fn event(&self, who: &str, id: &str, name: &str, when: &str, attributes: Value) -> Value {
        let module = &Definitions::standard().event(name).expect("an event of the catalog").module;
        let mut event = json!({"event_id": id, "company_id": self.company, "event_timestamp": when,
            "source_module": module, "event_name": name, "event_attributes": attributes});
        if !who.is_empty() {
            event["qontak_customer_id"] = who.into();
        }
        event
    }

    /// Pushes one event that has to be applied, and applies it twice: the second time it is a duplicate.
    pub fn tell(&self, who: &str, id: &str, name: &str, when: &str, attributes: Value) {
        self.push(self.event(who, id, name, when, attributes));
    }

    /// The same, of an event that is whole.
    pub fn push(&self, event: Value) {
        let pushed = self.server.push(std::slice::from_ref(&event));
        assert_eq!(pushed["applied"], 1, "{event:#}\n{pushed:#}");
        let again = self.server.push(&[event]);
        assert_eq!(again["duplicate"], 1, "{again:#}");
    }

    /// Pushes one event that has to be refused with this code.
    pub fn refused(&self, who: &str, name: &str, attributes: Value, code: &str) {
        let pushed = self.server.push(&[self.event(who, "refused", name, &at(3, 9, 0), attributes)]);
        assert_eq!(pushed["results"][0]["code"], code, "{pushed:#}");
    }

    fn get(&self, path: &str) -> Value {
        let mark = if path.contains('?') { '&' } else { '?' };
        self.server.get(&format!("{path}{mark}company_id={}", self.company))
    }

    /// A number of the company, whole.
    pub fn metric(&self, name_and_query: &str) -> Value {
        self.server.metric(&self.company, name_and_query)
    }

    /// The value of a number of the company.
    pub fn value(&self, name_and_query: &str) -> Value {
        self.metric(name_and_query)["value"].clone()
    }

    /// Numerator and denominator of a ratio of the company.
    pub fn parts(&self, name_and_query: &str) -> [Value; 2] {
        let answer = self.metric(name_and_query);
        [answer["numerator"].clone(), answer["denominator"].clone()]
    }

    /// Groups of a number of the company, as (key of the first dimension, value).
    pub fn groups(&self, name_and_query: &str) -> Vec<(Value, Value)> {
        let answer = self.metric(name_and_query);
        let groups = answer["groups"].as_array().expect("groups").iter();
        let first = |key: &Value| key.as_object().and_then(|key| key.values().next().cloned()).unwrap_or_default();
        groups.map(|group| (first(&group["key"]), group["value"].clone())).collect()
    }

    /// Days of a number of the company on which it is something, as (time, value).
    pub fn days(&self, name_and_query: &str) -> Vec<(Value, Value)> {
        let answer = self.metric(name_and_query);
        let days = answer["series"].as_array().expect("a series").iter();
        let days = days.map(|day| (day["time"].clone(), day["value"].clone()));
        days.filter(|(_, value)| !value.is_null() && *value != 0).collect()
    }

    /// A number of a customer, whole.
    pub fn of(&self, who: &str, metric: &str) -> Value {
        self.get(&format!("/v1/customers/{who}/metrics"))["metrics"][metric].clone()
    }

    /// A customer's profile.
    pub fn profile(&self, who: &str) -> Value {
        self.get(&format!("/v1/customers/{who}"))
    }

    /// Whoever has this identifier.
    pub fn find(&self, identifier: &str) -> Value {
        self.get(&format!("/v1/customers?{identifier}"))
    }

    /// Events of a customer's timeline, newest first.
    pub fn timeline(&self, who: &str) -> Vec<Value> {
        self.get(&format!("/v1/customers/{who}/timeline"))["events"].as_array().expect("events").clone()
    }

    /// Names of them.
    pub fn names(&self, who: &str) -> Vec<String> {
        let name = |event: &Value| event["event_name"].as_str().unwrap_or_default().to_owned();
        self.timeline(who).iter().map(name).collect()
    }
}

/// Stages of a history, in their order.
pub fn stages(history: &Value) -> Vec<&str> {
    let stays = history["detail"].as_array().expect("a history").iter();
    stays.map(|stay| stay["stage"].as_str().unwrap_or_default()).collect()
}

/// Proves ANCHOR-1-REPLY, and every row of the catalog section, `ANCHOR-1-conversation.started` to `ANCHOR-7-tier.downgraded`: each of the 52
/// events does what its row says, once, however often it comes.
#[test]
fn every_event_does_what_it_is_for() {
    let server = Server::with_company("first", json!({}));
    let stories: [&[Story]; 7] = [
        &communication::STORIES,
        &ticketing::STORIES,
        &deals::STORIES,
        &marketing::STORIES,
        &conversion::STORIES,
        &cdp::STORIES,
        &loyalty::STORIES,
    ];
    let told: BTreeSet<&str> = stories.iter().flat_map(|stories| stories.iter().map(|story| story.0)).collect();
    let named: BTreeSet<&str> = Definitions::standard().events.keys().map(|name| name.as_str()).collect();
    assert_eq!(told, named);
    // All are told, also after one has gone wrong.
    let goes_wrong = |(name, story): &&Story| {
        let world = World::new(&server, name);
        catch_unwind(AssertUnwindSafe(|| story(&world))).is_err()
    };
    let wrong: Vec<&str> = stories.into_iter().flatten().filter(goes_wrong).map(|story| story.0).collect();
    assert_eq!(wrong, Vec::<&str>::new());
    server.assert_clean();
}
