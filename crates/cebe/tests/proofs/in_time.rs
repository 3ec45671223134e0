//! Whole and in time: everything that every module sent is there, soon enough, and what can be asked has moved; nobody was
//! called for it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use cebe_catalog::{Definitions, envelope};
use serde_json::{Map, Value, json};

use crate::life::{self, COMPANY, of};
use crate::rig;
use crate::support::{MODULES, Server};

/// What was promised.
const PROMISE: Duration = Duration::from_secs(5);

/// One example of each event that happens now.
fn now(catalog: &Definitions) -> Vec<Value> {
    let at = jiff::Timestamp::now().to_string();
    let event = |definition: &cebe_catalog::definition::EventDefinition| {
        let mut event = envelope::example(definition, &definition.valid[0].attributes, &Map::new());
        event["event_id"] = format!("now-{}", definition.name).into();
        (event["event_timestamp"], event["sent_at"]) = (at.clone().into(), at.clone().into());
        event
    };
    catalog.events.values().map(event).collect()
}

fn count(events: &[Value]) -> BTreeMap<String, Map<String, Value>> {
    let mut counts: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for event in events {
        let text = |name: &str| event[name].as_str().expect("a text").to_owned();
        let count = counts.entry(text("source_module")).or_default().entry(text("event_name")).or_insert(0.into());
        *count = (count.as_u64().unwrap_or(0) + 1).into();
    }
    counts
}

/// Proves CORE-S01-AC1, MKT-S01-AC1, MKT-S02-AC1, ANCHOR-DOD-Q3-4, ANCHOR-DOD-Q4 and ANCHOR-DOD-Q1 for a quiet hour: of each
/// of the seven modules nothing is missing, and the slowest hundredth kept the promise, from emission on.
#[test]
fn every_module_arrives_whole_and_in_time() {
    let settings = json!({"sso_id": "sso-demo", "time_zone": "Asia/Jakarta", "phone_region": "ID", "currency": "IDR"});
    let server = Server::with_company("demo", settings);
    let hour = jiff::Timestamp::now().as_second() / 3_600 * 3_600;
    let (from, to) = (jiff::Timestamp::from_second(hour), jiff::Timestamp::from_second(hour + 7_200));
    let (from, to) = (from.expect("a time").to_string(), to.expect("a time").to_string());
    let sent = now(Definitions::standard());
    assert_eq!(server.push(&sent)["applied"], sent.len());
    let counts = count(&sent);
    assert_eq!(counts.keys().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(MODULES));
    for (module, counts) in counts {
        let claim = json!({"source_module": module, "from": from, "to": to, "counts": counts, "by": "received_at"});
        let found = server.post("/v1/reconciliations?company_id=demo", &claim);
        assert_eq!((&found["matches"], &found["missing"]), (&json!(true), &json!(0)), "{module}: {found:#}");
        let source = server.get(&format!("/v1/sources/{module}?company_id=demo"));
        let p99 = source["last_hour"]["emission_p99_seconds"].as_f64().unwrap_or(f64::MAX);
        assert!(p99 < PROMISE.as_secs_f64(), "{module}: {p99} s");
    }
}

/// Proves CORE-B1-d and CORE-B3-a for a quiet hour: an event that nobody waits for has moved what can be asked in time.
#[test]
fn what_can_be_asked_moves_in_time() {
    let server = Server::with_company(COMPANY, life::company());
    let paid = of(
        "ayu",
        "p-1",
        "order.paid",
        "2025-11-03T09:00:00+07:00",
        json!({"payment_type": "full", "paid_amount": "5"}),
    );
    let sent = Instant::now();
    assert_eq!(server.post("/v1/events", &paid)["accepted"], 1);
    while server.metric(COMPANY, "total_spend")["value"] != "5.00" {
        assert!(sent.elapsed() < PROMISE, "the number has not moved");
    }
    let own = server.get(&format!("/v1/customers/ayu/metrics?company_id={COMPANY}"));
    assert_eq!(own["metrics"]["total_spend"]["value"], "5.00");
}

/// Ends of the connections that a process has, as (own port, state) of `/proc`.
#[cfg(target_os = "linux")]
fn connections(pid: u32) -> Vec<(u16, u16)> {
    let folder = std::path::PathBuf::from(format!("/proc/{pid}"));
    let links = std::fs::read_dir(folder.join("fd")).expect("open files").flatten();
    let sockets: BTreeSet<String> = links
        .filter_map(|link| Some(std::fs::read_link(link.path()).ok()?.to_string_lossy().into_owned()))
        .filter_map(|target| Some(target.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned()))
        .collect();
    let mut ends = Vec::new();
    for table in ["net/tcp", "net/tcp6", "net/udp", "net/udp6"] {
        let text = std::fs::read_to_string(folder.join(table)).unwrap_or_default();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let port = |field: &str| u16::from_str_radix(field.rsplit(':').next().unwrap_or_default(), 16).unwrap_or(0);
            if sockets.contains(fields[9]) {
                ends.push((port(fields[1]), port(fields[2])));
            }
        }
    }
    ends
}

/// Proves ANCHOR-TP-1 and CORE-COEX: while events of every module are taken, applied and asked about, the process has no connection but
/// those that others opened to it.
#[cfg(target_os = "linux")]
#[test]
fn cebe_calls_nobody() {
    let settings = json!({"sso_id": "sso-demo", "time_zone": "Asia/Jakarta", "phone_region": "ID", "currency": "IDR"});
    let server = Server::with_company("demo", settings);
    let listening: u16 = server.url().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    let sent = now(Definitions::standard());
    for chunk in sent.chunks(8) {
        server.push(chunk);
        server.metric("demo", "total_spend");
        let ends = connections(server.pid());
        assert!(ends.iter().any(|(own, _)| *own == listening), "the connections of the server are seen");
        let outgoing: Vec<_> = ends.iter().filter(|(own, _)| *own != listening).collect();
        assert!(outgoing.is_empty(), "{outgoing:?}");
    }
    rig::assert_balanced(&server, "demo");
}
