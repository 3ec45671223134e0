//! Who is one customer on the public identity data, and that linking and unlinking leaves no trace.

use std::collections::{BTreeMap, BTreeSet};

use cebe_catalog::Definitions;
use serde_json::{Value, json};

use crate::sets::{self, Set};
use crate::support::Server;

const COMPANY: &str = "identity";
/// The event that says that two are one.
const TELLING: &str = "d-9";

/// The records of the set with the e-mail each gives, when it is one.
fn records(set: &Set) -> Vec<(String, Option<String>)> {
    let read = |line: &String| {
        let event: Value = serde_json::from_str(line).expect("an event");
        let email = event["identifiers"]["email"].as_str().map(str::to_lowercase);
        let is_email = |text: &String| {
            let parts: Vec<&str> = text.split('@').collect();
            parts.len() == 2 && parts[1].contains('.') && !parts[1].starts_with('.')
        };
        (event["qontak_customer_id"].as_str().expect("an id").to_owned(), email.filter(is_email))
    };
    set.lines.iter().map(read).collect()
}

/// Records that share an e-mail, unless more than `limit` do.
fn expected(records: &[(String, Option<String>)], limit: usize) -> BTreeSet<BTreeSet<String>> {
    let mut by_email: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut people = BTreeSet::new();
    for (id, email) in records {
        match email {
            Some(email) => _ = by_email.entry(email).or_default().insert(id.clone()),
            None => _ = people.insert(BTreeSet::from([id.clone()])),
        }
    }
    for sharing in by_email.into_values() {
        if sharing.len() <= limit {
            people.insert(sharing);
        } else {
            people.extend(sharing.into_iter().map(|id| BTreeSet::from([id])));
        }
    }
    people
}

/// Every record is asked for; those of one customer answer with one id.
fn answered(server: &Server, records: &[(String, Option<String>)]) -> BTreeSet<BTreeSet<String>> {
    let mut by_customer: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (id, _) in records {
        let profile = server.get(&format!("/v1/customers/{id}?company_id={COMPANY}"));
        let customer = profile["id"].as_str().expect("a customer has an id").to_owned();
        by_customer.entry(customer).or_default().insert(id.clone());
    }
    by_customer.into_values().collect()
}

/// Fails the test when the server takes two records for one customer that are not, or the other way round: at a limit of
/// six, which `compare` has set, and at the default of five.
pub fn assert_partition(server: &Server, set: &Set) {
    let records = records(set);
    for (limit, customers) in [(6, 635), (5, 660)] {
        server.put(&format!("/v1/companies/{COMPANY}"), &json!({"identity_limits": {"email": limit}}));
        server.drain();
        let people = expected(&records, limit);
        assert_eq!(people.len(), customers);
        let differing: Vec<_> = answered(server, &records).symmetric_difference(&people).cloned().collect();
        assert_eq!(differing, Vec::<BTreeSet<String>>::new(), "at a limit of {limit}");
    }
}

/// Two records that share their e-mail with nobody.
fn strangers(set: &Set) -> [(String, String); 2] {
    let records = records(set);
    let is_alone = |email: &String| records.iter().filter(|(_, other)| other.as_ref() == Some(email)).count() == 1;
    let mut alone = records.iter().filter_map(|(id, email)| Some((id.clone(), email.clone().filter(is_alone)?)));
    [alone.next(), alone.next()].map(|record| record.expect("two records are alone"))
}

fn event(of: &str, id: &str, module: &str, name: &str, day: u32, attributes: Value) -> Value {
    json!({"event_id": id, "company_id": COMPANY, "qontak_customer_id": of, "source_module": module, "event_name": name,
        "event_timestamp": format!("2026-02-{day:02}T09:00:00Z"), "event_attributes": attributes})
}

/// What the two did: numbers that change when they are one person.
fn deeds(one: &str, other: &str) -> Vec<Value> {
    let send = json!({"campaign_id": "c-1", "channel": "whatsapp"});
    let paid = |id: &str| json!({"payment_type": "full", "paid_amount": "12.50", "payment_id": id});
    let ticket = |id: &str| json!({"ticket_id": id, "pipeline_id": "p", "stage_id": "s", "category": "refund"});
    vec![
        event(one, "d-1", "marketing", "campaign.sent", 1, send.clone()),
        event(other, "d-2", "marketing", "campaign.replied", 2, send),
        event(one, "d-3", "conversion", "order.paid", 3, paid("p-1")),
        event(other, "d-4", "conversion", "order.paid", 3, paid("p-2")),
        event(one, "d-5", "ticketing", "ticket.created", 4, ticket("t-1")),
        event(other, "d-6", "ticketing", "ticket.created", 5, ticket("t-2")),
    ]
}

/// A store with the set and what the two did.
fn store(set: &Set, deeds: &[Value], last: &Value) -> Server {
    let server = crate::server_for(COMPANY);
    let lines: Vec<Value> = set.lines.iter().map(|line| serde_json::from_str(line).expect("an event")).collect();
    assert_eq!(server.push(&lines)["applied"], lines.len());
    assert_eq!(server.push(deeds)["applied"], deeds.len());
    assert_eq!(server.push(std::slice::from_ref(last))["applied"], 1);
    server
}

/// Every number of the company but those the engine says of itself, and both profiles with what they add up to.
fn state(server: &Server, pair: [&str; 2]) -> BTreeMap<String, Value> {
    let mut state = BTreeMap::new();
    let metrics = Definitions::standard().metrics.values();
    for metric in metrics.filter(|metric| metric.company && metric.module != "engine") {
        state.insert(metric.name.to_string(), server.metric(COMPANY, &metric.name));
    }
    for id in pair {
        for part in ["", "/timeline", "/metrics"] {
            let path = format!("/v1/customers/{id}{part}?company_id={COMPANY}");
            state.insert(path.clone(), server.get(&path));
        }
    }
    state.into_iter().map(|(name, answer)| (name, timeless(answer))).collect()
}

/// Without what depends on when it was asked or received, on the store's own secrets, and on what the telling event itself
/// says: an event stays as it was sent.
fn timeless(mut answer: Value) -> Value {
    match &mut answer {
        Value::Object(fields) => {
            let telling = fields.get("event_id") == Some(&json!(TELLING));
            fields.retain(|name, _| !["freshness", "received_at", "from", "to", "at"].contains(&name.as_str()));
            fields.retain(|name, _| !(telling && name == "identifiers"));
            fields.values_mut().for_each(|inner| *inner = timeless(inner.take()));
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| *inner = timeless(inner.take())),
        Value::String(text) if text.starts_with("email:") => *text = "email".to_owned(),
        _ => {}
    }
    answer
}

/// What differs, part by part.
fn differing(one: &BTreeMap<String, Value>, other: &BTreeMap<String, Value>) -> Vec<String> {
    one.iter().flat_map(|(name, value)| parts(name, value, &other[name])).collect()
}

fn parts(path: &str, one: &Value, other: &Value) -> Vec<String> {
    match (one, other) {
        _ if one == other => Vec::new(),
        (Value::Object(fields), Value::Object(others)) if fields.keys().eq(others.keys()) => {
            fields.iter().flat_map(|(name, value)| parts(&format!("{path} {name}"), value, &others[name])).collect()
        }
        (Value::Array(items), Value::Array(others)) if items.len() == others.len() => {
            let pairs = items.iter().zip(others).enumerate();
            pairs.flat_map(|(place, (one, other))| parts(&format!("{path} {place}"), one, other)).collect()
        }
        _ => vec![format!("{path}: {one}, not {other}")],
    }
}

/// An e-mail tells that two are one; told that they are two, by the pair or by the link, everything is as in a store where
/// nobody ever said that they were one; undone, as it was before.
pub fn link_and_unlink() {
    let Some(set) = sets::read(COMPANY) else { return };
    let [(one, _), (other, email)] = strangers(&set);
    let (deeds, pair) = (deeds(&one, &other), [&*one, &*other]);
    let silent =
        event(&one, TELLING, "cdp", "customer.updated", 9, json!({"qontak_customer_id": one, "change_fields": []}));
    let mut telling = silent.clone();
    telling["identifiers"] = json!({"email": email});

    let (never, server) = (store(&set, &deeds, &silent), store(&set, &deeds, &telling));
    let (apart, linked) = (state(&never, pair), state(&server, pair));
    assert_eq!([&never, &server].map(|server| server.metric(COMPANY, "customers")["value"].clone()), [660, 659]);
    let told = differing(&linked, &apart);
    for number in ["customers", "payers", "reply_rate", "repeat_issue"] {
        assert!(
            told.iter().any(|name| name.split([' ', ':']).next() == Some(number)),
            "{number} is not changed by the link: {told:?}"
        );
    }
    for how in
        [json!({"apart": [one, other]}), json!({"links": [{"anchor": one, "identifier": email_of(&server, &other)}]})]
    {
        for (undo, wanted) in [(false, &apart), (true, &linked)] {
            let mut body = how.clone();
            body["undo"] = undo.into();
            server.post(&format!("/v1/customers/{one}/unlink?company_id={COMPANY}"), &body);
            let found = differing(&state(&server, pair), wanted);
            assert_eq!(found, Vec::<String>::new(), "{body} is not as if it had never been");
            server.assert_clean();
        }
    }
}

/// The name of the e-mail of this record, as the identity shows it.
fn email_of(server: &Server, id: &str) -> String {
    let identity = server.get(&format!("/v1/customers/{id}/identity?company_id={COMPANY}"));
    let links = identity["links"].as_array().expect("links").iter().filter(|link| link["anchor"] == id);
    let email =
        links.filter_map(|link| link["identifier"].as_str()).find(|identifier| identifier.starts_with("email:"));
    email.unwrap_or_else(|| panic!("no e-mail in {identity:#}")).to_owned()
}
