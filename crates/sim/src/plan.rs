//! What the clients of a seed mean to do: the settings it begins with, batches of events, and changes among them.

use crate::{
    client::Call,
    dice::Dice,
    temper::Temper,
    traffic::{COMPANIES, Traffic},
};
use cebe_catalog::{Definitions, Micros};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Steps over which the calls of a seed are spread.
const SPREAD_STEPS: usize = 900;

/// Companies and sources.
pub(crate) fn settings(temper: Temper) -> Vec<Call> {
    let retention = if temper.days_pass { 1 } else { 0 };
    let companies = [("Asia/Jakarta", "ID", "IDR"), ("America/New_York", "US", "USD")];
    let mut calls: Vec<Call> = COMPANIES
        .iter()
        .zip(companies)
        .map(|(id, (zone, region, currency))| {
            let body = json!({"name": id, "time_zone": zone, "phone_region": region, "currency": currency,
                "retention_months": retention});
            Call::change("PUT", format!("/v1/companies/{id}"), &body, 0)
        })
        .collect();
    let modules = Definitions::standard().modules.keys();
    calls.extend(modules.map(|module| source(module, true, 0)));
    calls
}

/// A key for each publisher.
pub(crate) fn keys() -> Vec<Call> {
    let key = |name: &str| {
        let body = json!({"name": name, "role": "publisher", "companies": COMPANIES});
        Call::change("POST", "/v1/keys", &body, 0)
    };
    ["shop", "desk", "history"].map(key).into()
}

fn source(module: &str, enabled: bool, not_before: u64) -> Call {
    Call::change("PUT", format!("/v1/sources/{module}"), &json!({"enabled": enabled}), not_before)
}

/// The batches of one publisher, spread over time.
pub(crate) fn batches(
    dice: &mut Dice,
    traffic: &mut Traffic,
    publisher: usize,
    batches: usize,
    step: u64,
    now: Micros,
) -> Vec<Call> {
    let is_history = publisher == 2;
    let mut starts: Vec<u64> = (0..batches).map(|_| step + dice.roll(SPREAD_STEPS) as u64).collect();
    starts.sort_unstable();
    starts
        .into_iter()
        .map(|not_before| {
            let company = *dice.pick(&COMPANIES);
            let events = traffic.batch(1 + dice.roll(9), company, now);
            let wait = !is_history && dice.percent(20);
            Call::events(events, dice.percent(40), wait, not_before)
        })
        .collect()
}

/// Changes of settings, links and flags while events come in.
pub(crate) fn changes(dice: &mut Dice, traffic: &Traffic, temper: Temper, step: u64) -> Vec<Call> {
    let mut calls = BTreeMap::new();
    for number in 0..dice.roll(7) {
        let not_before = step + dice.roll(SPREAD_STEPS) as u64;
        calls.insert((not_before, number), change(dice, traffic, temper, not_before));
    }
    calls.into_values().collect()
}

fn change(dice: &mut Dice, traffic: &Traffic, temper: Temper, not_before: u64) -> Call {
    let company = *dice.pick(&COMPANIES);
    let one = dice.pick(&traffic.people).id.clone();
    let other = dice.pick(&traffic.people).id.clone();
    match dice.roll(6) {
        0 => {
            let modules: Vec<&str> = Definitions::standard().modules.keys().map(|name| name.as_str()).collect();
            source(modules[dice.roll(modules.len())], dice.percent(50), not_before)
        }
        1 => company_settings(dice, company, not_before),
        2 if temper.erases => {
            Call::change("DELETE", format!("/v1/customers/{one}?company_id={company}"), &Value::Null, not_before)
        }
        3 => {
            let body = json!({"fields": {"note_of_the_shop": "free_text"}});
            let classes = body["fields"].clone();
            Call::change("PUT", format!("/v1/companies/{company}/fields"), &classes, not_before)
        }
        _ if one != other => {
            let body = json!({"apart": [one, other], "undo": dice.percent(30)});
            Call::change("POST", format!("/v1/customers/{one}/unlink?company_id={company}"), &body, not_before)
        }
        _ => company_settings(dice, company, not_before),
    }
}

fn company_settings(dice: &mut Dice, company: &str, not_before: u64) -> Call {
    let body = match dice.roll(4) {
        0 => json!({"identity_limits": {"phone": 1 + dice.roll(5)}}),
        1 => json!({"time_zone": *dice.pick(&["UTC", "Asia/Kolkata", "America/New_York"])}),
        2 => json!({"attribution_send_hours": 1 + dice.roll(200)}),
        _ => json!({"repeat_issue_days": 1 + dice.roll(30)}),
    };
    Call::change("PUT", format!("/v1/companies/{company}"), &body, not_before)
}
