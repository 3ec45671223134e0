//! Public data that nobody here wrote, pushed through the real binary; the numbers must be those that an independent
//! script computed from the same files. The folder is CEBE_SHARED, else ../shared beside the project; without it there is
//! nothing to do. CEBE_REAL_DATA=full runs everything (made for a release build: `make real-data`), `once` each set once.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use support::{Answer, Server};

const SETS: [&str; 4] = ["olist", "servicenow", "identity", "starbucks"];

/// One public data set: its events as lines, and what must come out.
struct Set {
    name: &'static str,
    lines: Vec<String>,
    expected: Value,
}

/// In which order and how often the lines are pushed.
#[derive(Clone, Copy, Debug)]
enum Delivery {
    Once,
    Twice,
    Shuffled,
    KilledHalfWay,
}

fn folder() -> Option<PathBuf> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?;
    let named = std::env::var_os("CEBE_SHARED").map(PathBuf::from);
    let data = named.unwrap_or_else(|| project.join("../shared")).join("data");
    data.join("to_events.py").is_file().then_some(data)
}

/// How much of the matrix is wanted.
fn is_wanted(extent: &str) -> bool {
    std::env::var("CEBE_REAL_DATA").is_ok_and(|wish| wish == extent)
}

/// The set, or `None` with a line about why.
fn set(name: &'static str) -> Option<Set> {
    let Some(data) = folder() else {
        println!("the folder of public data is not there: nothing to compare with");
        return None;
    };
    let Ok(made) = Command::new("python3").arg(data.join("to_events.py")).arg(name).output() else {
        println!("python3 is not there: the public data cannot be turned into events");
        return None;
    };
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let text = String::from_utf8(made.stdout).expect("events are UTF-8");
    let expected = std::fs::read_to_string(data.join("expected.json")).expect("expected.json is there");
    let expected: Value = serde_json::from_str(&expected).expect("expected.json is JSON");
    Some(Set { name, lines: text.lines().map(str::to_owned).collect(), expected: expected[name].clone() })
}

fn server_for(name: &str) -> Server {
    let (region, currency) = if name == "olist" { ("BR", "BRL") } else { ("US", "USD") };
    let settings = json!({"sso_id": format!("sso-{name}"), "time_zone": "UTC", "phone_region": region,
        "currency": currency, "retention_months": 0});
    Server::with_company(name, settings)
}

fn push(server: &Server, lines: &[String], batch: usize) {
    for lines in lines.chunks(batch) {
        loop {
            let answer = server.try_ask(support::ADMIN, "POST", "/v1/events", lines.join("\n").into_bytes());
            match answer.expect("the server answers") {
                Answer { status: 200, body } => {
                    assert_eq!(body["accepted"], lines.len(), "{:#}", body["results"][0]);
                    break;
                }
                // The queue is full: what waits has to be applied first.
                Answer { status: 503, .. } => server.drain(),
                Answer { status, body } => panic!("{status} {body:#}"),
            }
        }
    }
}

fn shuffled(lines: &[String]) -> Vec<String> {
    let mut lines = lines.to_vec();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for place in (1..lines.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        lines.swap(place, usize::try_from(state >> 33).expect("31 bits") % (place + 1));
    }
    lines
}

fn run(name: &'static str, way: Delivery, batch: usize) {
    let Some(set) = set(name) else { return };
    println!("{name}, {way:?}, batches of {batch}: {} events", set.lines.len());
    let mut server = server_for(name);
    match way {
        Delivery::Once => push(&server, &set.lines, batch),
        Delivery::Twice => (0..2).for_each(|_| push(&server, &set.lines, batch)),
        Delivery::Shuffled => push(&server, &shuffled(&set.lines), batch),
        Delivery::KilledHalfWay => {
            push(&server, &set.lines[..set.lines.len() / 2], batch);
            server.kill9();
            server.restart();
            push(&server, &set.lines[set.lines.len() / 2 - batch..], batch);
        }
    }
    server.drain();
    compare(&server, &set);
    server.assert_clean();
}

/// Every number of `expected.json` against what the server answers.
fn compare(server: &Server, set: &Set) {
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
        "events" => applied(server, expected),
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
            // History is recomputed after the change is applied; whatever is drained after it, comes after that too.
            server.drain();
            same(&metric("customers")["value"], expected)
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

/// Applied events of all sources: the outcomes are counted by source, the expectation by event.
fn applied(server: &Server, expected: &Value) -> Result<(), String> {
    let all: u64 = expected.as_object().expect("counts by event").values().filter_map(Value::as_u64).sum();
    let sources = server.get("/v1/sources");
    let list = sources.as_object().and_then(|all| all.values().find_map(Value::as_array)).expect("a list");
    let applied: u64 = list.iter().filter_map(|source| source["outcomes"]["applied"].as_u64()).sum();
    same(&json!(applied), &json!(all))
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

/// Proves ANCHOR-5-LTV, ANCHOR-3-TIME, ANCHOR-TP-4.
#[test]
fn olist() {
    run("olist", Delivery::Once, 500);
}

/// Proves CORE-CON-LATE on real input.
#[test]
fn olist_shuffled() {
    run("olist", Delivery::Shuffled, 5_000);
}

/// Proves ANCHOR-2-TOTAL, ANCHOR-2-AVGRES, ANCHOR-2-SLA.
#[test]
fn servicenow_shuffled() {
    run("servicenow", Delivery::Shuffled, 5_000);
}

/// Proves CORE-CON-DEDUP at two limits.
#[test]
fn identity() {
    run("identity", Delivery::Once, 500);
    run("identity", Delivery::Shuffled, 7);
}

/// Every set in every way.
#[test]
fn everything() {
    if is_wanted("once") {
        return SETS.into_iter().for_each(|name| run(name, Delivery::Once, 500));
    }
    if !is_wanted("full") {
        return println!("set CEBE_REAL_DATA=full (make real-data) for the whole matrix");
    }
    for name in SETS {
        for (way, batch) in [
            (Delivery::Once, 500),
            (Delivery::Twice, 5_000),
            (Delivery::Shuffled, 500),
            (Delivery::Shuffled, 5_000),
            (Delivery::KilledHalfWay, 500),
        ] {
            run(name, way, batch);
        }
    }
    for name in ["olist", "servicenow"] {
        run(name, Delivery::Once, 1);
        run(name, Delivery::Shuffled, 7);
    }
}
