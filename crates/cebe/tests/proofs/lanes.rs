//! History that is loaded and what happens meanwhile come by two lanes; what they add up to does not show it.

use cebe_catalog::Definitions;
use serde_json::{Map, Value, json};

use crate::every_metric::year;
use crate::life::{COMPANY, company};
use crate::support::Server;

/// Every number of the company and of its customers, without when it was asked.
fn numbers(server: &Server) -> Map<String, Value> {
    let metrics = Definitions::standard().metrics.values();
    let mut numbers = Map::new();
    for metric in metrics.filter(|metric| metric.company && metric.module != "engine") {
        let query = format!("{}?at=2026-11-20T00:00:00Z&from=2026-09-01&to=2026-11-20", metric.name);
        let mut answer = server.metric(COMPANY, &query);
        answer.as_object_mut().expect("an answer").remove("freshness");
        numbers.insert(metric.name.to_string(), answer);
    }
    for id in ["ayu", "budi", "citra", "dewi"] {
        let profile = server.get(&format!("/v1/customers/{id}?company_id={COMPANY}"));
        for part in ["id", "aliases", "fields", "segments", "consent", "memberships", "events", "created_at"] {
            numbers.insert(format!("{id} {part}"), profile[part].clone());
        }
    }
    numbers
}

fn load(server: &Server, events: &[Value]) {
    let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
    let file = server.data().with_file_name("history.ndjson");
    std::fs::write(&file, lines).expect("a file");
    let loaded = server.command(&["--company", COMPANY, "--json", "backfill", "history.ndjson"]);
    let tally: Value = serde_json::from_slice(&loaded.stdout).expect("JSON");
    assert_eq!(tally[0]["outcomes"]["applied"], events.len(), "{tally:#}");
}

/// Proves CORE-B2-b: a store whose first half is loaded as history, and one whose second half
/// is, hold what one holds that was told everything live: profiles, segments, memberships and every number.
#[test]
fn history_and_live_events_are_as_live_events_only() {
    let all = year();
    let live = Server::with_company(COMPANY, company());
    assert_eq!(live.push(&all)["applied"], all.len());
    let wanted = numbers(&live);
    let (first, second) = all.split_at(all.len() / 2);
    for (history, pushed) in [(first, second), (second, first)] {
        let server = Server::with_company(COMPANY, company());
        load(&server, history);
        assert_eq!(server.push(pushed)["applied"], pushed.len());
        let found = numbers(&server);
        let differing: Vec<_> = wanted.iter().filter(|(name, value)| found[*name] != **value).collect();
        assert!(differing.is_empty(), "{}", json!(differing.iter().map(|(name, _)| name).collect::<Vec<_>>()));
        server.assert_clean();
    }
}
