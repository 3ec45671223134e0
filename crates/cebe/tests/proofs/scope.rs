//! Who may do and see what: roles, companies, modules, teams, withdrawn keys and the flag of a source.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::life::{self, COMPANY};
use crate::rig::{self, Reply};
use crate::support::{ADMIN, MODULES, Server};

const AT: &str = "2026-11-02T09:00:00+07:00";

/// Reads that need a company, with a customer of it.
const READS: [&str; 15] = [
    "/v1/customers/ayu",
    "/v1/customers/ayu/timeline",
    "/v1/customers/ayu/metrics",
    "/v1/customers/ayu/identity",
    "/v1/customers?qontak_customer_id=ayu",
    "/v1/metrics",
    "/v1/metrics/tickets_created",
    "/v1/metrics/customers",
    "/v1/quarantine",
    "/v1/conflicts",
    "/v1/catalog/events/nps.submitted",
    "/v1/companies/kopi",
    "/v1/companies/kopi/fields",
    "/v1/sources/cdp",
    "/v1/operations",
];

/// Two companies with one customer each, and a ticket, a deal and a chat.
fn two() -> Server {
    let server = Server::with_company(COMPANY, life::company());
    server.put("/v1/companies/teh", &json!({"retention_months": 0}));
    let ticket = json!({"ticket_id": "t-1", "pipeline_id": "p", "stage_id": "s", "creator_id": "agent-7", "assigned_id": "agent-8"});
    let deal = json!({"deal_id": "d-1", "pipeline_id": "p", "stage_id": "s", "deal_size": "5", "owner_id": "agent-9"});
    let mut acted = life::of("ayu", "e-3", "nps.submitted", AT, json!({"score": 9, "agent_id": "agent-6"}));
    acted["actor"] = json!({"type": "agent", "id": "agent-5"});
    let mut other = life::of("tia", "e-9", "customer.created", AT, json!({"qontak_customer_id": "tia"}));
    other["company_id"] = "teh".into();
    let pushed = server.push(&[
        life::of("ayu", "e-0", "customer.created", AT, json!({"qontak_customer_id": "ayu", "created_by": "agent-4"})),
        life::of("ayu", "e-1", "ticket.created", AT, ticket),
        life::of("ayu", "e-2", "deal.created", AT, deal),
        acted,
        other,
    ]);
    assert_eq!(pushed["applied"], 5, "{pushed:#}");
    server
}

fn get(server: &Server, key: &str, path: &str) -> Reply {
    rig::send_as(server, key, "GET", path, b"")
}

fn push(server: &Server, key: &str, id: &str) -> Reply {
    let event = life::of("ayu", id, "nps.submitted", AT, json!({"score": 9}));
    rig::send_as(server, key, "POST", "/v1/events?wait=true&verbose=true", event.to_string().as_bytes())
}

/// Proves CORE-S01-PERM-1, CORE-S01-PERM-2, MKT-PUBONLY, MKT-S02-NEG1 and the roles of section 8.
#[test]
fn every_role_does_what_it_is_for_and_no_more() {
    let server = two();
    let publisher = rig::key_of(&server, "publisher", &[COMPANY]);
    for path in READS {
        let reply = get(&server, &publisher, path);
        assert_eq!(reply.status, 403, "a publisher reads {path}: {}", reply.text());
    }
    assert_eq!(push(&server, &publisher, "p-1").json()["applied"], 1);
    let acts = [
        ("PUT", "/v1/companies/kopi", "operator"),
        ("PUT", "/v1/companies/kopi/fields", "operator"),
        ("PUT", "/v1/sources/cdp", "operator"),
        ("PUT", "/v1/teams/x", "admin"),
        ("POST", "/v1/keys", "admin"),
        ("DELETE", "/v1/keys/none", "admin"),
        ("GET", "/v1/keys", "admin"),
        ("GET", "/v1/teams", "admin"),
        ("GET", "/v1/backup", "admin"),
        ("GET", "/v1/quarantine", "analyst"),
        ("GET", "/v1/operations", "analyst"),
        ("POST", "/v1/verify", "operator"),
        ("GET", "/v1/operations?kind=pii_revealed", "admin"),
        ("POST", "/v1/quarantine/none/replay", "operator"),
        ("POST", "/v1/customers/ayu/unlink", "operator"),
        ("DELETE", "/v1/customers/nobody", "admin"),
        ("PUT", "/v1/catalog/events/x.y", "operator"),
        ("GET", "/v1/customers/ayu", "reader"),
        ("GET", "/v1/conflicts", "analyst"),
    ];
    let roles = ["publisher", "reader", "analyst", "operator", "admin"];
    for (rank, role) in roles.iter().enumerate() {
        // One that serves everything: sources and verification of all need it.
        let key = rig::key(&server, json!({"role": role})).1;
        for (verb, path, least) in acts {
            let headers = [("authorization", &*format!("Bearer {key}")), ("x-company-id", COMPANY)];
            let reply = rig::send(
                &server,
                verb,
                path,
                &headers,
                if path.ends_with("unlink") { b"{\"from\":\"x\"}" } else { b"{}" },
            );
            let may = roles.iter().position(|role| *role == least).is_some_and(|needed| rank >= needed);
            assert_eq!(reply.status != 403, may, "{role} {verb} {path}: {}", reply.text());
            assert!(reply.status < 500, "{role} {verb} {path}: {}", reply.text());
        }
    }
}

/// Proves ANCHOR-ENV-2, RET-SQL's ground and ANCHOR-RISK-7 for companies: a key of another company sees nothing of this
/// one, by header or by query, and a key of several must say which.
#[test]
fn a_key_of_another_company_sees_nothing() {
    let server = two();
    let foreign = rig::key(&server, json!({"role": "admin", "companies": ["teh"], "reveal": true})).1;
    for path in READS {
        let mark = if path.contains('?') { '&' } else { '?' };
        for reply in [
            get(&server, &foreign, &format!("{path}{mark}company_id={COMPANY}")),
            rig::send(
                &server,
                "GET",
                path,
                &[("authorization", &format!("Bearer {foreign}")), ("x-company-id", COMPANY)],
                b"",
            ),
        ] {
            let own = path.starts_with("/v1/companies/");
            assert!(matches!(reply.status, 403 | 404), "{path}: {}", reply.text());
            assert!(own || reply.code() == "company_not_allowed", "{path}: {}", reply.text());
        }
        let reply = get(&server, &foreign, path);
        // The catalog's examples name agents too.
        let agents = !path.starts_with("/v1/catalog") && reply.text().contains("agent-");
        assert!(!agents && !reply.text().contains("\"ayu\""), "{path}: {}", reply.text());
    }
    for path in ["/v1/companies", "/v1/keys", "/v1/sources", "/v1/operations", "/v1/teams"] {
        let reply = get(&server, &foreign, path);
        assert!(!reply.text().contains(COMPANY), "{path}: {}", reply.text());
    }
    for (verb, path) in [
        ("DELETE", "/v1/customers/ayu"),
        ("POST", "/v1/customers/ayu/unlink"),
        ("PUT", "/v1/companies/kopi"),
        ("PUT", "/v1/companies/kopi/fields"),
        ("PUT", "/v1/catalog/events/x.y"),
        ("POST", "/v1/quarantine/x/replay"),
    ] {
        let headers = [("authorization", &*format!("Bearer {foreign}")), ("x-company-id", COMPANY)];
        let reply = rig::send(&server, verb, path, &headers, b"{}");
        assert_eq!(
            (reply.status, reply.code()),
            (403, "company_not_allowed".into()),
            "{verb} {path}: {}",
            reply.text()
        );
    }
    let pushed = push(&server, &foreign, "f-1").json();
    assert_eq!(pushed["results"][0]["code"], "company_not_allowed", "{pushed:#}");
    assert_eq!(rig::outcomes(&server, COMPANY)["quarantined"], 0);
    several(&server);
}

fn several(server: &Server) {
    let both = rig::key_of(server, "admin", &[COMPANY, "teh"]);
    for path in READS
        .iter()
        .filter(|path| !path.contains("/companies/") && !path.contains("/sources") && !path.contains("operations"))
    {
        let reply = get(server, &both, path);
        assert_eq!((reply.status, reply.code()), (400, "company_required".into()), "{path}: {}", reply.text());
    }
    assert_eq!(push(server, &both, "b-1").json()["applied"], 1);
    let mut without = life::of("ayu", "b-2", "nps.submitted", AT, json!({"score": 9}));
    without["company_id"] = Value::Null;
    let nobody = rig::send_as(server, &both, "POST", "/v1/events?wait=true", without.to_string().as_bytes()).json();
    assert_eq!(nobody["results"][0]["code"], "company_required", "{nobody:#}");
    let headers = [("authorization", &*format!("Bearer {both}")), ("x-company-id", COMPANY)];
    let named = rig::send(server, "POST", "/v1/events?wait=true", &headers, without.to_string().as_bytes()).json();
    assert_eq!(named["applied"], 1, "{named:#}");
}

/// Proves CORE-CON-SEC-2 and ANCHOR-RISK-7: a team reads its modules and no others, wherever they could show; staff ids
/// need the class of their own.
#[test]
fn a_team_sees_its_modules_and_staff_only_when_it_may() {
    let server = two();
    server.put("/v1/teams/tickets", &json!({"modules": ["ticketing"], "pii_classes": []}));
    server.put("/v1/teams/sales", &json!({"modules": ["deals"], "pii_classes": ["staff"]}));
    let key = |teams: Value| rig::key(&server, json!({"role": "analyst", "companies": [COMPANY], "teams": teams})).1;
    let (tickets, sales, all) = (key(json!(["tickets"])), key(json!(["sales"])), key(json!("*")));
    let shown = |key: &str| {
        let events = get(&server, key, "/v1/customers/ayu/timeline").json();
        let names = events["events"]
            .as_array()
            .expect("events")
            .iter()
            .map(|event| event["event_name"].as_str().unwrap_or("").to_owned());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    };
    assert_eq!(shown(&tickets), ["ticket.created"]);
    assert_eq!(shown(&sales), ["deal.created"]);
    assert_eq!(shown(&all).len(), 4);
    assert_eq!(get(&server, &tickets, "/v1/metrics/tickets_created").json()["value"], 1);
    for path in ["/v1/metrics/deals_created", "/v1/customers/ayu/timeline?module=deals", "/v1/sources/deals"] {
        let reply = get(&server, &tickets, path);
        assert_eq!((reply.status, reply.code()), (403, "module_not_allowed".into()), "{path}: {}", reply.text());
    }
    let metrics = |key: &str| get(&server, key, "/v1/customers/ayu/metrics").json()["metrics"].clone();
    let (few, many) = (metrics(&tickets), metrics(&all));
    assert!(
        few["tickets_created"].is_object() && few["deals_created"].is_null() && few["total_spend"].is_null(),
        "{few:#}"
    );
    assert!(many["deals_created"].is_object());
    let profile = get(&server, &tickets, "/v1/customers/ayu").text();
    assert!(!profile.contains("d-1") && !profile.contains("deals_created"), "{profile}");
    let listed = get(&server, &tickets, "/v1/metrics").text();
    assert!(listed.contains("tickets_created") && !listed.contains("deals_created"), "{listed}");
    staff(&server, &tickets, &sales, &all);
}

fn staff(server: &Server, tickets: &str, sales: &str, all: &str) {
    for path in
        ["/v1/customers/ayu", "/v1/customers/ayu/timeline", "/v1/customers/ayu/metrics", "/v1/customers/ayu/identity"]
    {
        let hidden = get(server, tickets, path).text();
        assert!(!hidden.contains("agent-"), "{path}: {hidden}");
    }
    assert!(get(server, sales, "/v1/customers/ayu/timeline").text().contains("agent-9"));
    let everything = get(server, all, "/v1/customers/ayu/timeline").text();
    for agent in ["agent-4", "agent-5", "agent-6", "agent-7", "agent-8", "agent-9"] {
        assert!(everything.contains(agent), "{agent}: {everything}");
    }
    let grouped = get(server, tickets, "/v1/metrics/ticket_resolution_rate?group_by=agent_id");
    assert_eq!((grouped.status, grouped.code()), (403, "staff_hidden".into()), "{}", grouped.text());
}

/// Asks until the answer is as wanted; how long it took.
fn until(wanted: &str, mut asked: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !asked() {
        assert!(begun.elapsed() < Duration::from_secs(2), "{wanted} took more than 2 s");
    }
    begun.elapsed()
}

/// Proves CORE-CON-FLAG, CORE-S01-ERR2, CORE-ROLL-CANARY, CORE-ROLL-BACK, MKT-CON-FLAG, REC-FLAG and the withdrawal of keys.
#[test]
fn a_withdrawn_key_and_a_source_that_is_off_take_effect_within_two_seconds() {
    let server = two();
    let (id, key) = rig::key(&server, json!({"role": "publisher", "companies": [COMPANY]}));
    assert_eq!(push(&server, &key, "k-1").json()["applied"], 1);
    server.ask("DELETE", &format!("/v1/keys/{id}"), None);
    until("withdrawing a key", || push(&server, &key, "k-1").status == 401);
    assert_eq!(push(&server, &key, "k-2").code(), "unknown_key");

    server.put("/v1/sources/chat", &json!({"enabled": false}));
    until("switching a source off", || push(&server, ADMIN, "k-1").json()["ignored"] == 1);
    let before = rig::outcomes(&server, COMPANY);
    let pushed = push(&server, ADMIN, "off-1").json();
    assert_eq!((&pushed["ignored"], &pushed["results"][0]["status"]), (&json!(1), &json!("ignored")), "{pushed:#}");
    let after = rig::assert_balanced(&server, COMPANY);
    assert_eq!(after["applied"], before["applied"]);
    let timeline = server.get(&format!("/v1/customers/ayu/timeline?company_id={COMPANY}"));
    assert!(!timeline.to_string().contains("off-1"));
    server.put("/v1/sources/communication", &json!({"enabled": true, "companies": ["teh"]}));
    assert_eq!(push(&server, ADMIN, "off-2").json()["ignored"], 1);
    let mut canary = life::of("tia", "on-1", "nps.submitted", AT, json!({"score": 9}));
    canary["company_id"] = "teh".into();
    assert_eq!(server.push(&[canary])["applied"], 1);
    server.put("/v1/sources/communication", &json!({"enabled": true}));
    // What was ignored claimed no id.
    assert_eq!(push(&server, ADMIN, "off-1").json()["applied"], 1);
    server.assert_clean();

    let fresh = Server::start();
    fresh.put("/v1/companies/kopi", &life::company());
    for module in MODULES {
        assert_eq!(fresh.get(&format!("/v1/sources/{module}"))["enabled"], false, "{module}");
    }
    assert_eq!(push(&fresh, ADMIN, "first").json()["ignored"], 1);
}
