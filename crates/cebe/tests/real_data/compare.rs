//! What the server answers against what the script computed, and what became of every event that was sent.

use std::collections::BTreeMap;

use cebe_catalog::Definitions;
use serde_json::{Value, json};

use crate::sets::Set;
use crate::support::Server;

/// Every event that was sent has its outcome: each line applied once, everything beyond a duplicate, nothing else.
pub fn outcomes(server: &Server, set: &Set, sent: usize) {
    let sources = server.get("/v1/sources");
    let sources = sources["sources"].as_array().expect("a list of sources");
    let of = |name: &str| sources.iter().filter_map(|source| source["outcomes"][name].as_u64()).sum::<u64>();
    let lines = u64::try_from(set.lines.len()).expect("few");
    // Requests without an answer may have been stored all the same.
    assert!(of("received") >= u64::try_from(sent).expect("few"), "{} received of {sent} sent", of("received"));
    assert_eq!(of("applied"), lines);
    assert_eq!(of("duplicate"), of("received") - lines);
    assert_eq!(["conflict", "ignored", "quarantined"].map(of), [0; 3]);
}

/// Every number of `expected.json` against what the server answers.
pub fn numbers(server: &Server, set: &Set) {
    let mut wrong = Vec::new();
    for (name, expected) in set.expected.as_object().expect("numbers by name") {
        if let Err(difference) = check(server, set, name, expected) {
            wrong.push(format!("{name}: {difference}"));
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "{}", set.name);
}

fn check(server: &Server, set: &Set, name: &str, expected: &Value) -> Result<(), String> {
    let company = set.name;
    let metric = |query: &str| server.metric(company, query);
    match name {
        "events" => events(server, company, expected),
        "buyers" => same(&metric("payers")["value"], expected),
        "customers" => customers(server, company, expected),
        "new_customers_by_month" => periods(&metric("new_customers?interval=month"), expected),
        "total_spend_first_days" => periods(&metric("total_spend?interval=day"), expected),
        "top_customer" => {
            let id = expected[0].as_str().unwrap_or_default();
            let path = format!("/v1/customers/{id}/metrics?company_id={company}");
            same(&server.get(&path)["metrics"]["tickets_created"]["value"], &expected[1])
        }
        "customers_at_limit_5" => same(&metric("customers")["value"], expected),
        "customers_at_limit_6" => {
            server.put(&format!("/v1/companies/{company}"), &json!({"identity_limits": {"email": 6}}));
            server.drain();
            // History is recomputed after the change is applied; until then answers say that they are stale.
            let recomputed = || Some(metric("customers")).filter(|answer| answer["freshness"]["stale"] == false);
            same(&std::iter::repeat_with(recomputed).flatten().next().expect("it never ends")["value"], expected)
        }
        grouped if grouped.ends_with("_by_campaign") => {
            let name = grouped.trim_end_matches("_by_campaign");
            groups(&metric(&format!("{name}?group_by=campaign_id")), expected)
        }
        ratio if expected.is_array() => {
            let answer = metric(ratio);
            same(&answer["numerator"], &expected[0]).and_then(|()| same(&answer["denominator"], &expected[1]))
        }
        plain => same(&metric(plain)["value"], expected),
    }
}

/// Events that arrived, by name: each source's counts are posted as its own, and compared by the server.
fn events(server: &Server, company: &str, expected: &Value) -> Result<(), String> {
    let mut by_module: BTreeMap<&str, serde_json::Map<String, Value>> = BTreeMap::new();
    for (name, count) in expected.as_object().expect("counts by event") {
        let module = &Definitions::standard().event(name).expect("an event of the catalog").module;
        by_module.entry(module).or_default().insert(name.clone(), count.clone());
    }
    for (module, counts) in by_module {
        let claim = json!({"source_module": module, "from": "1970-01-01T00:00:00Z", "to": "2199-01-01T00:00:00Z", "counts": counts});
        let found = server.post(&format!("/v1/reconciliations?company_id={company}"), &claim);
        if found["matches"] != true || found["missing"] != 0 || found["extra"] != 0 {
            return Err(format!("{module}: {found:#}"));
        }
    }
    Ok(())
}

fn customers(server: &Server, company: &str, expected: &Value) -> Result<(), String> {
    for (id, numbers) in expected.as_object().expect("numbers by customer") {
        let metrics = server.get(&format!("/v1/customers/{id}/metrics?company_id={company}"));
        for (name, number) in numbers.as_object().expect("numbers by name") {
            same(&metrics["metrics"][name]["value"], number).map_err(|words| format!("{id} {name}: {words}"))?;
        }
    }
    Ok(())
}

fn periods(answer: &Value, expected: &Value) -> Result<(), String> {
    let series = answer["series"].as_array().ok_or("no series")?;
    let by_time: BTreeMap<&str, &Value> =
        series.iter().filter_map(|point| Some((point["time"].as_str()?, &point["value"]))).collect();
    for (period, number) in expected.as_object().expect("numbers by period") {
        let found = by_time.iter().find(|(time, _)| time.starts_with(period.as_str()));
        let (_, value) = found.ok_or_else(|| format!("{period} is missing"))?;
        same(value, number).map_err(|words| format!("{period}: {words}"))?;
    }
    Ok(())
}

fn groups(answer: &Value, expected: &Value) -> Result<(), String> {
    let groups = answer["groups"].as_array().ok_or("no groups")?;
    for (key, number) in expected.as_object().expect("numbers by key") {
        let group = groups.iter().find(|group| group["key"]["campaign_id"] == key.as_str());
        same(&group.ok_or_else(|| format!("{key} is missing"))?["value"], number)
            .map_err(|words| format!("{key}: {words}"))?;
    }
    Ok(())
}

/// Decimal texts are equal to the last digit; whole numbers too; other numbers to a millionth.
fn same(found: &Value, expected: &Value) -> Result<(), String> {
    let is_same = match (found, expected) {
        (Value::String(found), Value::String(expected)) => decimal(found) == decimal(expected),
        (found, expected) => match (found.as_f64(), expected.as_f64()) {
            (Some(found), Some(expected)) if expected.fract() != 0.0 => (found - expected).abs() <= 1e-6,
            (Some(found), Some(expected)) => found == expected,
            _ => false,
        },
    };
    is_same.then_some(()).ok_or_else(|| format!("{found}, expected {expected}"))
}

/// A decimal text without the zeros that say nothing.
fn decimal(text: &str) -> String {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text.to_owned() }
}
