//! What is measured and what is alerted on belong together: the rules are proved with promtool, the routes with amtool,
//! and every measurement that a rule or a panel asks for is shown by a running server, or waits on a list with its reason.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod support;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use support::Server;

/// Measurements that rules and panels ask for and that no server of this release shows by itself.
const WAITING: [(&str, &str); 5] = [
    ("marketing_event_emitted_total", "shown by publishers, with the SDK"),
    ("marketing_event_emit_failed_total", "shown by publishers, with the SDK"),
    ("cebe_ads_spend_last_sync_timestamp_seconds", "shown once spend is synced from ad platforms"),
    ("cebe_reconciliation_missing_events", "shown once a source was reconciled"),
    ("cebe_backfill_progress", "shown once history is loaded"),
];

fn deploy(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(path)
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Runs a tool of Prometheus; fails with its words.
fn prove(tool: &str, package: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool).args(arguments).output().unwrap_or_else(|error| {
        panic!("{tool} cannot be run ({error}); `make needs-alerts` installs it, or: apt-get install -y {package}")
    });
    let (data, words) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{tool} {arguments:?}\n{data}{words}");
    data.into_owned()
}

fn rule_tests() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(deploy("prometheus/tests")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The value behind `key:` in lines of YAML, quotes off.
fn values<'t>(text: &'t str, key: &str) -> Vec<&'t str> {
    let after = |line: &'t str| line.trim().trim_start_matches("- ").strip_prefix(key)?.strip_prefix(": ");
    text.lines().filter_map(after).map(|value| value.trim_matches('"')).collect()
}

/// Requirements CORE-ALERT-1, CORE-ALERT-2, CORE-ALERT-3, CORE-MON-1, CORE-MON-2, MKT-ALERT-1, MKT-ALERT-2, ANCHOR-TP-5: each fires, stays
/// silent and clears as it should.
#[test]
fn promtool_proves_the_rules() {
    prove("promtool", "prometheus", &["check", "rules", deploy("prometheus/alerts.yml").to_str().unwrap()]);
    let example = deploy("prometheus/prometheus.yml");
    prove("promtool", "prometheus", &["check", "config", "--syntax-only", example.to_str().unwrap()]);
    let files: Vec<String> = rule_tests().iter().map(|file| file.to_str().unwrap().to_owned()).collect();
    let arguments: Vec<&str> = ["test", "rules"].into_iter().chain(files.iter().map(String::as_str)).collect();
    prove("promtool", "prometheus", &arguments);
}

/// Requirement CORE-ALERT-R: whose alert it is decides who hears of it.
#[test]
fn alerts_reach_whom_they_concern() {
    let config = format!("--config.file={}", deploy("alertmanager/alertmanager.yml").display());
    let cases = [
        (["severity=page", "team=cdp"], "cdp-on-call"),
        (["severity=ticket", "team=cdp"], "cdp-tickets"),
        (["severity=same_day", "team=engineering"], "engineering-same-day"),
        (["severity=page", "team=broadcast"], "broadcast-on-call"),
        (["severity=same_day", "team=broadcast-bi"], "broadcast-and-bi-data"),
    ];
    let rules = read(&deploy("prometheus/alerts.yml"));
    for (labels, receiver) in cases {
        let arguments = ["config", "routes", "test", &config, labels[0], labels[1]];
        let told = prove("amtool", "prometheus-alertmanager", &arguments);
        assert_eq!(told.trim(), receiver, "{labels:?}");
        let as_written = format!("{{{}", labels.join(", ").replace('=', ": "));
        assert!(rules.contains(&as_written), "no rule has {as_written}");
    }
}

/// Each alert says how urgent it is, what it means and where to read on; each is tested firing and not firing.
#[test]
fn every_alert_is_explained_and_tested() {
    let rules = read(&deploy("prometheus/alerts.yml"));
    let guide = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guide/operate.md"));
    let anchors: BTreeSet<String> = guide
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_matches(['#', ' ']).to_lowercase())
        .collect();
    let alerts = values(&rules, "alert");
    assert_eq!(alerts.len(), values(&rules, "summary").len());
    assert_eq!(alerts.len(), values(&rules, "labels").iter().filter(|labels| labels.contains("severity: ")).count());
    let runbooks = values(&rules, "runbook");
    assert_eq!(alerts.len(), runbooks.len());
    for (alert, runbook) in alerts.iter().zip(runbooks) {
        assert_eq!(runbook, format!("docs/guide/operate.md#{}", alert.to_lowercase()));
        assert!(anchors.contains(&alert.to_lowercase()), "the guide has no section {alert}");
    }
    let tests: String = rule_tests().iter().map(|file| read(file)).collect();
    for alert in alerts {
        let silent = tests.matches(&format!("alertname: {alert}, exp_alerts: []")).count();
        let firing = tests.matches(&format!("alertname: {alert}\n        exp_alerts:\n")).count();
        assert!(silent >= 2 && firing >= 1, "{alert}: tested {silent} times silent, {firing} times firing");
    }
}

/// Names of measurements in PromQL.
fn names(query: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    // What stands in quotes is the value of a label.
    let code: String = query.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let words = code.split(|c| !is_name(c)).filter(|word| {
        ["cebe_", "process_", "marketing_"].iter().any(|start| word.starts_with(start)) || *word == "up"
    });
    words
        .map(|word| ["_bucket", "_sum", "_count"].iter().fold(word, |word, end| word.trim_end_matches(end)).to_owned())
        .collect()
}

fn panels() -> Vec<Value> {
    let dashboard: Value = serde_json::from_str(&read(&deploy("grafana/cebe.json"))).expect("the dashboard is JSON");
    dashboard["panels"].as_array().unwrap().clone()
}

fn queries(panel: &Value) -> Vec<String> {
    let targets = panel["targets"].as_array().cloned().unwrap_or_default();
    targets.iter().map(|target| target["expr"].as_str().unwrap().to_owned()).collect()
}

/// Requirements CORE-DASH, CORE-MON-3: the four panels of the weekly review come first, and every panel has a query.
#[test]
fn the_dashboard_begins_with_the_weekly_review() {
    let panels = panels();
    let drawn: Vec<&Value> = panels.iter().filter(|panel| panel["type"] != "row").collect();
    let titles: Vec<&str> = drawn.iter().take(4).map(|panel| panel["title"].as_str().unwrap()).collect();
    for (title, begins) in titles.iter().zip(["Latency", "Rejection", "Reconciliation", "Retriever freshness"]) {
        assert!(title.starts_with(begins), "{title}");
    }
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    for panel in drawn {
        assert!(queries(panel).iter().all(|query| !names(query).is_empty()), "{}", panel["title"]);
        for query in queries(panel) {
            assert!(balanced(&query), "{query}");
        }
    }
}

fn balanced(query: &str) -> bool {
    [('(', ')'), ('{', '}'), ('[', ']')]
        .iter()
        .all(|(open, close)| query.matches(*open).count() == query.matches(*close).count())
}

fn event(id: &str) -> Value {
    json!({
        "event_id": id, "company_id": "acme", "company_sso_id": "sso-acme", "qontak_customer_id": "customer-a",
        "event_timestamp": "2026-11-02T09:00:00Z", "source_module": "conversion", "event_name": "order.paid",
        "event_attributes": {"payment_type": "full", "paid_amount": "1.25", "payment_id": id},
    })
}

/// A server on which everything that is measured has happened once.
fn busy_server() -> Server {
    let server = Server::with_company("acme", json!({"sso_id": "sso-acme"}));
    let mut foreign = event("pay-3");
    foreign["event_name"] = json!("order.unheard_of");
    server.push(&[event("pay-1"), event("pay-2"), event("pay-1"), foreign]);
    assert_eq!(server.ask("POST", "/v1/events", None).status, 400);
    server.metric("acme", "total_spend");
    server.get("/v1/customers/customer-a?company_id=acme&reveal=true");
    while !server.text("/metrics").contains("cebe_persist_seconds_count") {
        std::thread::yield_now();
    }
    server
}

/// Requirements CORE-OBS-1, CORE-OBS-2, CORE-OBS-3, CORE-OBS-4, CORE-OBS-5 as measurements: all that is asked for is there, and all that is there is explained.
#[test]
fn every_measurement_is_shown_and_explained() {
    let page = busy_server().text("/metrics");
    let shown: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let explained: BTreeSet<&str> =
        page.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next()).collect();
    assert_eq!(shown.difference(&explained).collect::<Vec<_>>(), Vec::<&&str>::new(), "without a HELP line");
    let rules = read(&deploy("prometheus/alerts.yml"));
    let expressions: String = rules
        .lines()
        .filter(|line| !line.trim_start().starts_with(['#', '-']))
        .filter(|line| ["summary:", "runbook:", "labels:"].iter().all(|key| !line.trim_start().starts_with(key)))
        .collect::<Vec<_>>()
        .join("\n");
    let mut asked = names(&expressions);
    asked.extend(panels().iter().flat_map(queries).flat_map(|query| names(&query)));
    // That a target answers is said by Prometheus itself.
    asked.remove("up");
    let waiting: BTreeSet<String> = WAITING.iter().map(|(name, _)| (*name).to_owned()).collect();
    let missing: Vec<&String> =
        asked.iter().filter(|name| !shown.contains(name.as_str()) && !waiting.contains(*name)).collect();
    assert_eq!(missing, Vec::<&String>::new(), "asked for by a rule or a panel, and not shown");
    assert_eq!(waiting.difference(&asked).collect::<Vec<_>>(), Vec::<&String>::new(), "on the list, and not asked for");
    assert!(page.contains("cebe_propagation_seconds_bucket{source_module=\"conversion\",from=\"emission\",le=\"5\"}"));
}

/// Requirements CORE-OBS-1, CORE-OBS-2: counters are exact, by module, event and reason; duplicates have their own reason; no label
/// names a customer.
#[test]
fn events_are_counted_exactly() {
    let page = busy_server().text("/metrics");
    for line in [
        "cebe_event_ingested{source_module=\"conversion\",event_name=\"order.paid\"} 2",
        "cebe_event_rejected{source_module=\"conversion\",reason=\"unknown_event\"} 1",
        "cebe_event_rejected{source_module=\"conversion\",reason=\"duplicate\"} 1",
        "cebe_events_total{source_module=\"conversion\",outcome=\"applied\"} 2",
        "cebe_events_total{source_module=\"conversion\",outcome=\"quarantined\"} 1",
        "cebe_door_events_total{source_module=\"conversion\",status=\"accepted\"} 3",
        "cebe_pii_revealed_total 1",
    ] {
        assert!(page.lines().any(|shown| shown == line), "{line} is not in\n{page}");
    }
    for secret in ["customer-a", "pay-1", "acme"] {
        assert!(!page.contains(secret), "{secret}");
    }
}

/// Requirements CORE-OBS-1, CORE-OBS-2: the sampled lines of the log have the properties that the documents name.
#[test]
fn the_log_has_a_line_with_all_properties() {
    let mut child = None;
    let server = Server::start_logged("info", &mut child);
    server.put("/v1/companies/acme", &json!({"sso_id": "sso-acme"}));
    server.put("/v1/sources/conversion", &json!({"enabled": true}));
    let mut foreign = event("pay-2");
    foreign["event_name"] = json!("order.unheard_of");
    server.push(&[event("pay-1"), foreign]);
    let lines = BufReader::new(child.take().expect("the log is piped")).lines();
    let mut wanted = BTreeSet::from(["cebe_event_ingested", "cebe_event_rejected"]);
    for line in lines {
        // The words for the person who starts it are no JSON.
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap_or_default();
        let Some(name) = wanted.take(line["message"].as_str().unwrap_or_default()) else { continue };
        let properties: &[&str] = match name {
            "cebe_event_ingested" => &["source_module", "event_name", "qontak_customer_id", "latency_ms", "timestamp"],
            _ => &["source_module", "reason", "qontak_customer_id", "timestamp"],
        };
        for property in properties {
            assert!(!line[property].is_null(), "{property} is missing in {line}");
        }
        assert_eq!((&line["source_module"], &line["qontak_customer_id"]), (&json!("conversion"), &json!("customer-a")));
        if wanted.is_empty() {
            return;
        }
    }
    panic!("the log ended without {wanted:?}");
}
