//! Personal data planted in every place that takes some: none of it is found anywhere, and a key with the right to it
//! gets it back, with an entry in the audit.

use std::process::Stdio;

use cebe_central::Table;
use serde_json::{Value, json};

use crate::life::{self, COMPANY};
use crate::pii_plants::{DIGITS, Plants, WORD};
use crate::pii_search::{assert_clean, files_clean, leaks, queue_clean, rows, store, store_clean};
use crate::rig::{self, Reply};
use crate::support::{ADMIN, MODULES, Server};

/// A server that logs everything to a file, with the company of the catalog's examples.
fn logging() -> (Server, tempfile::NamedTempFile) {
    let log = tempfile::NamedTempFile::new().expect("a file for the log");
    let words = Stdio::from(log.reopen().expect("the file again"));
    let server = Server::start_logging("trace,fjall=info,lsm_tree=info", words);
    server.put(
        "/v1/companies/demo",
        &json!({"sso_id": "sso-demo", "time_zone": "Asia/Jakarta", "phone_region": "ID",
        "currency": "IDR", "retention_months": 0}),
    );
    for module in MODULES {
        server.put(&format!("/v1/sources/{module}"), &json!({"enabled": true}));
    }
    (server, log)
}

fn lines(server: &Server, path: &str, body: &str) -> Reply {
    let bearer = format!("Bearer {ADMIN}");
    let headers = [("authorization", &*bearer), ("content-type", "application/x-ndjson"), ("x-company-id", "demo")];
    rig::send(server, "POST", path, &headers, body.as_bytes())
}

/// Bodies of which nothing can be read, and requests whose addresses and headers hold what they should not.
fn hostile_requests(server: &Server, plants: &mut Plants) {
    let coded = |text: &str| text.replace('%', "%25").replace('+', "%2B").replace(' ', "%20").replace('@', "%40");
    let (phone, email, name) = (coded(&plants.phone()), coded(&plants.email()), coded(&plants.name()));
    let mut replies = vec![
        rig::send_as(server, ADMIN, "POST", "/v1/events", format!("{{\"phone\": \"{}\", ", plants.phone()).as_bytes()),
        rig::send_as(server, ADMIN, "POST", "/v1/events", plants.text().as_bytes()),
        rig::send_as(server, ADMIN, "PUT", "/v1/companies/demo", json!({plants.email(): 1}).to_string().as_bytes()),
        rig::send_as(
            server,
            ADMIN,
            "PUT",
            "/v1/companies/demo",
            json!({"sso_id": plants.email()}).to_string().as_bytes(),
        ),
        rig::send_as(
            server,
            ADMIN,
            "PUT",
            "/v1/companies/demo",
            json!({"time_zone": plants.name()}).to_string().as_bytes(),
        ),
        rig::send_as(
            server,
            ADMIN,
            "PUT",
            "/v1/companies/demo/fields",
            json!({plants.email(): "x"}).to_string().as_bytes(),
        ),
        rig::send_as(server, ADMIN, "PUT", "/v1/teams/x", json!({"modules": [plants.name()]}).to_string().as_bytes()),
        rig::send_as(server, ADMIN, "POST", "/v1/keys", json!({"role": plants.name()}).to_string().as_bytes()),
        rig::send_as(server, &plants.phone(), "GET", "/v1/companies", b""),
    ];
    let on_customer = |verb: &str, part: &str, body: Value| {
        rig::send_as(server, ADMIN, verb, &format!("/v1/customers/{part}?company_id=demo"), body.to_string().as_bytes())
    };
    replies.push(on_customer("POST", "who-1/unlink", json!({"from": "who-2", "reason": plants.text()})));
    replies.push(on_customer("POST", "who-1/unlink", json!({"from": plants.email()})));
    replies.push(on_customer(
        "POST",
        "who-1/unlink",
        json!({"links": [{"anchor": "who-1", "other": format!("phone:+62{DIGITS}0009")}]}),
    ));
    replies.push(on_customer("POST", &format!("+62{DIGITS}0008/unlink"), json!({"from": "who-2"})));
    replies.push(on_customer("DELETE", &phone, Value::Null));
    for path in [
        format!("/v1/customers?phone={phone}"),
        format!("/v1/customers?email={email}"),
        format!("/v1/customers?name={name}"),
        format!("/v1/customers?{email}=1"),
        format!("/v1/customers?company_id={email}"),
        format!("/v1/customers/{phone}?company_id=demo"),
        format!("/v1/customers/{email}/timeline?company_id=demo"),
        format!("/v1/customers/who-1/timeline?company_id=demo&before={email}"),
        format!("/v1/customers/who-1/timeline?company_id=demo&module={email}"),
        format!("/v1/metrics/{email}?company_id=demo"),
        format!("/v1/metrics/reply_rate?company_id=demo&group_by={email}"),
        format!("/v1/metrics/reply_rate?company_id=demo&{email}=1"),
        format!("/v1/metrics/reply_rate?company_id=demo&from={name}"),
        format!("/v1/quarantine?company_id=demo&code={email}"),
        format!("/v1/quarantine/{phone}?company_id=demo"),
        format!("/v1/operations?kind={email}"),
        format!("/v1/catalog/events/{email}?company_id=demo"),
        format!("/v1/sources/{email}"),
        format!("/v1/companies/{email}"),
        format!("/v1/teams/{email}"),
        format!("/v1/nowhere/{email}?x={phone}"),
        format!("/v1/verify/{email}"),
    ] {
        replies.push(rig::send_as(server, ADMIN, "GET", &path, b""));
    }
    let (request, agent, company) = (format!("0{DIGITS}0003"), plants.text(), plants.email());
    let bearer = format!("Bearer {ADMIN}");
    let headers = [
        ("authorization", &*bearer),
        ("x-request-id", &*request),
        ("user-agent", &*agent),
        ("referer", &*agent),
        ("x-company-id", &*company),
        ("content-type", &*agent),
        ("cookie", &*agent),
    ];
    for (verb, path) in [("GET", "/v1/metrics/reply_rate"), ("GET", "/v1/nowhere"), ("POST", "/v1/events")] {
        replies.push(rig::send(server, verb, path, &headers, b"{"));
    }
    for reply in replies {
        assert!(reply.status < 500 && !(300..400).contains(&reply.status), "{}", reply.text());
        assert_clean("an answer to a hostile request", reply.text().as_bytes());
    }
}

/// Everything that can be read without the right to reveal.
fn reads_are_clean(server: &Server, key: &str) {
    let get = |path: &str| {
        let reply = rig::send(
            server,
            "GET",
            path,
            &[("authorization", &format!("Bearer {key}")), ("x-company-id", "demo")],
            b"",
        );
        assert_eq!(reply.status, 200, "{path}: {}", reply.text());
        assert_clean(path, &reply.bytes);
        reply.json()
    };
    let customers = cebe_catalog::Definitions::standard().events.len() * 40;
    let mut events = 0;
    for n in 0..customers {
        let id = format!("who-{n}");
        let found = rig::send(
            server,
            "GET",
            &format!("/v1/customers/{id}?company_id=demo"),
            &[("authorization", &format!("Bearer {key}"))],
            b"",
        );
        if found.status == 404 {
            continue;
        }
        for part in ["", "/timeline?limit=1000", "/identity", "/metrics"] {
            let answer = get(&format!("/v1/customers/{id}{part}"));
            events += answer["events"].as_array().map_or(0, Vec::len);
        }
    }
    assert!(events > 40, "only {events} events are on timelines");
    for path in [
        "/v1/quarantine?limit=1000",
        "/v1/conflicts",
        "/v1/operations",
        "/v1/sources",
        "/v1/companies",
        "/v1/companies/demo/fields",
        "/v1/catalog",
        "/v1/keys",
        "/v1/teams",
    ] {
        get(path);
    }
    for metric in cebe_catalog::Definitions::standard().metrics.values().filter(|metric| metric.company) {
        let by = metric
            .dimensions
            .iter()
            .filter(|name| *name != "currency")
            .map(|name| name.as_str())
            .collect::<Vec<_>>()
            .join(",");
        get(&format!("/v1/metrics/{}?group_by={by}", metric.name));
    }
}

/// Proves ANCHOR-TP-7, CORE-CON-SEC-1, CORE-S01-PII, PII-OPEN, PII-QUAR, PII-URL, ANCHOR-RISK-7 and law 6: what was planted
/// in 52 events, in refused bodies and in hostile requests is in no answer, log line, measurement, record, row or file.
#[test]
fn nothing_personal_is_found_anywhere() {
    let (mut server, log) = logging();
    let mut plants = Plants::default();
    let events = plants.events();
    assert!(events.iter().all(|event| leaks(event.to_string().as_bytes()).len() > 20), "the plants can be found");
    let body: String = events.iter().map(|event| format!("{event}\n")).collect();
    let pushed = lines(&server, "/v1/events?wait=true&verbose=true", &body);
    assert_eq!(pushed.json()["applied"], events.len(), "{}", pushed.text());
    assert_clean("the answer to events", &pushed.bytes);
    let mut other = events[0].clone();
    other["event_attributes"]["undeclared"] = plants.name().into();
    assert_eq!(lines(&server, "/v1/events?wait=true", &other.to_string()).json()["conflict"], 1);

    let refused = plants.refused();
    for line in &refused {
        let reply = lines(&server, "/v1/events?verbose=true", &format!("{line}\n{{}}"));
        let json = reply.json();
        assert_eq!(json["results"][0]["status"], "quarantined", "{line}\n{json:#}");
        assert_clean(line, &reply.bytes);
    }
    hostile_requests(&server, &mut plants);
    server.drain();
    reads_are_clean(&server, ADMIN);
    assert_clean("/metrics", &rig::send_as(&server, ADMIN, "GET", "/metrics", b"").bytes);
    assert_clean("/openapi.json", &rig::send_as(&server, ADMIN, "GET", "/openapi.json", b"").bytes);
    server.assert_clean();

    assert!(server.stop().success());
    let logged = std::fs::read(log.path()).expect("the log");
    assert!(logged.windows(19).any(|part| part == b"cebe_event_rejected"), "the log tells of refusals");
    assert_clean("the log", &logged);
    assert!(queue_clean(&server.data()) > events.len() + refused.len());
    store_clean(&server.data());
    assert!(files_clean(&server.data()) > 50_000);
}

fn revealing(server: &Server) -> String {
    rig::key(server, json!({"role": "admin", "reveal": true})).1
}

fn audits(server: &Server) -> Vec<Value> {
    let list = server.get(&format!("/v1/operations?kind=pii_revealed&company_id={COMPANY}"));
    list["operations"].as_array().expect("a list").clone()
}

/// A customer whose every value can be asked back.
fn rina() -> Vec<Value> {
    let at = "2026-11-02T09:00:00+07:00";
    let fields = json!([{"name": "full_name", "value": "Rina Zqleak"}, {"name": "phone", "value": format!("0{DIGITS}0001")},
        {"name": "email", "value": "P.Zqleak@mail.example"}, {"name": "address", "value": "Jalan zqleak 1"}]);
    vec![
        life::of(
            "rina",
            "e-1",
            "customer.created",
            at,
            json!({"qontak_customer_id": "rina", "default_fields": fields}),
        ),
        life::of("rina", "e-2", "nps.submitted", at, json!({"score": 11, "comment": "I am zqleak"})),
    ]
}

/// Proves PII-AUDIT, CORE-CON-SEC-1 and law 9: with the right, values come back, and who saw what is on record before it is
/// shown, a crash the moment after included; without the right nothing is shown and nothing recorded.
#[test]
fn a_reveal_gives_the_value_back_and_is_on_record_first() {
    let mut server = Server::with_company(COMPANY, life::company());
    let pushed = server.push(&rina());
    let receipt = pushed["results"][1]["receipt"].as_str().expect("a receipt").to_owned();
    let key = revealing(&server);
    let profile = format!("/v1/customers/rina?reveal=true&company_id={COMPANY}");
    let quarantined = format!("/v1/quarantine/{receipt}?reveal=true&company_id={COMPANY}");

    for role in ["reader", "analyst", "operator", "admin"] {
        let plain = rig::key_of(&server, role, &["*"]);
        let reply = rig::send_as(&server, &plain, "GET", &profile, b"");
        assert_eq!((reply.status, leaks(&reply.bytes)), (403, vec![]), "{role}");
    }
    let blind = rig::key(&server, json!({"role": "publisher", "reveal": true})).1;
    assert_eq!(rig::send_as(&server, &blind, "GET", &profile, b"").status, 403);
    assert_eq!(audits(&server), Vec::<Value>::new());

    let shown = rig::send_as(&server, &key, "GET", &profile, b"");
    let text = shown.text();
    for value in ["Rina Zqleak", &format!("+62{DIGITS}0001"), "p.zqleak@mail.example", "Jalan zqleak 1"] {
        assert!(text.contains(value), "{value} is not in {text}");
    }
    server.kill9();
    server.restart();
    let on_record = audits(&server);
    assert_eq!(on_record.len(), 1, "{on_record:#?}");
    assert_eq!(on_record[0]["properties"]["customer"], "rina", "{on_record:#?}");
    assert!(on_record[0]["properties"]["fields"].to_string().contains("full_name"), "{on_record:#?}");
    assert_eq!(leaks(on_record[0].to_string().as_bytes()), Vec::<String>::new());

    let body = rig::send_as(&server, &key, "GET", &quarantined, b"");
    assert_eq!(body.json()["body"]["event_attributes"]["comment"], "I am zqleak", "{}", body.text());
    let on_record = audits(&server);
    assert_eq!((on_record.len(), &on_record[0]["properties"]["quarantined"]), (2, &json!(receipt)), "{on_record:#?}");
}

fn erin() -> Vec<Value> {
    let at = |minute: u32| format!("2026-11-02T09:{minute:02}:00+07:00");
    let fields = json!([{"name": "full_name", "value": format!("Erin {WORD}")}, {"name": "phone", "value": format!("0{DIGITS}0007")}]);
    let of = |id: &str, name: &str, minute: u32, about: Value| life::of("erin", id, name, &at(minute), about);
    let send = json!({"campaign_id": "c-1", "channel": "whatsapp", "broadcast_message_id": "b-1"});
    vec![
        of("er-1", "customer.created", 0, json!({"qontak_customer_id": "erin", "default_fields": fields})),
        of("er-2", "order.created", 1, json!({"order_id": "o-1", "items": [], "total_value": "5000"})),
        of("er-3", "order.paid", 2, json!({"order_id": "o-1", "payment_type": "full", "paid_amount": "5000"})),
        of("er-4", "campaign.sent", 3, send.clone()),
        of("er-5", "campaign.replied", 4, send),
        of(
            "er-6",
            "membership.enrolled",
            5,
            json!({"qontak_customer_id": "erin", "member_id": "m-1", "program_id": "gold", "available_point": 10}),
        ),
        of(
            "er-7",
            "ticket.created",
            6,
            json!({"ticket_id": "t-1", "pipeline_id": "p", "stage_id": "s", "customer_association": ["erin", "budi"]}),
        ),
        life::of("budi", "bu-1", "customer.created", &at(0), json!({"qontak_customer_id": "budi"})),
        life::of("budi", "bu-2", "nps.submitted", &at(8), json!({"score": 9, "comment": "mine"})),
    ]
}

fn company_metrics(server: &Server) -> Vec<(String, Value)> {
    // What the engine says of itself is about people who are there.
    let metrics = cebe_catalog::Definitions::standard().metrics.values();
    let metrics = metrics.filter(|metric| metric.company && metric.module != "engine");
    let answer = |name: &str| {
        let mut answer = server.metric(COMPANY, name);
        answer.as_object_mut().expect("an answer").remove("freshness");
        answer
    };
    metrics.map(|metric| (metric.name.to_string(), answer(&metric.name))).collect()
}

fn vault_rows(server: &mut Server) -> usize {
    assert!(server.stop().success());
    let count = rows(&store(&server.data()), Table::Vault);
    server.restart();
    count
}

/// Proves PII-ERASE, RETN-TOMB's ground and law 5's exception: an erased person is gone from vault, profile and timeline,
/// the receipt stays, the company's numbers do not move, a late copy is a duplicate, and the store verifies.
#[test]
fn an_erased_person_is_gone_and_the_numbers_stay() {
    let mut server = Server::with_company(COMPANY, life::company());
    let events = erin();
    assert_eq!(server.push(&events)["applied"], events.len());
    let (before, sealed) = (company_metrics(&server), vault_rows(&mut server));
    let erased = server.ask("DELETE", &format!("/v1/customers/erin?company_id={COMPANY}"), None);
    assert_eq!(erased.status, 200, "{:#}", erased.body);
    let receipt = erased.body["receipt"].as_str().expect("a receipt").to_owned();

    let key = revealing(&server);
    for part in ["", "/timeline", "/metrics", "/identity", "?reveal=true"] {
        let mark = if part.contains('?') { '&' } else { '?' };
        let path = format!("/v1/customers/erin{part}{mark}company_id={COMPANY}");
        let reply = rig::send_as(&server, &key, "GET", &path, b"");
        assert_eq!((reply.status, reply.code()), (410, "erased".into()), "{path}: {}", reply.text());
        assert!(reply.text().contains(&receipt), "{path}: {}", reply.text());
        assert_clean(&path, &reply.bytes);
    }
    let found = server.ask("GET", &format!("/v1/customers?phone=0{DIGITS}0007&company_id={COMPANY}"), None);
    assert_eq!(found.status, 410, "{:#}", found.body);
    let after = company_metrics(&server);
    let moved: Vec<_> = before.iter().zip(&after).filter(|(before, after)| before != after).collect();
    assert!(moved.is_empty(), "{moved:#?}");
    let budi = server.get(&format!("/v1/customers/budi/timeline?company_id={COMPANY}"));
    assert!(budi["events"].as_array().is_some_and(|events| events.len() >= 2), "{budi:#}");

    // The phone and the name are gone from the vault; the comment of another person is not.
    assert_eq!(vault_rows(&mut server), sealed - 2);
    let again = server.push(&events[..7]);
    assert_eq!((&again["duplicate"], &again["applied"]), (&json!(7), &json!(0)), "{again:#}");
    assert_eq!(vault_rows(&mut server), sealed - 2);
    rig::assert_balanced(&server, COMPANY);
    server.assert_clean();
}
