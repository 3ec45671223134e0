//! Every route of `/openapi.json` is called, and answers with a status that it documents.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::life::{COMPANY, company, of};
use crate::rig;
use crate::support::{ADMIN, Server};

/// One call of a route.
struct Call {
    verb: &'static str,
    /// As the description writes it.
    route: &'static str,
    /// What stands for the part in braces.
    part: String,
    query: &'static str,
    body: Value,
    status: u16,
}

fn call(verb: &'static str, route: &'static str, part: &str, status: u16) -> Call {
    Call { verb, route, part: part.to_owned(), query: "", body: Value::Null, status }
}

impl Call {
    fn with(mut self, body: Value) -> Self {
        self.body = body;
        self
    }

    fn asking(mut self, query: &'static str) -> Self {
        self.query = query;
        self
    }

    fn path(&self) -> String {
        let open = self.route.find('{');
        let close = self.route.find('}');
        match (open, close) {
            (Some(open), Some(close)) => {
                format!("{}{}{}{}", &self.route[..open], self.part, &self.route[close + 1..], self.query)
            }
            _ => format!("{}{}", self.route, self.query),
        }
    }

    fn send(&self, server: &Server, key: Option<&str>) -> rig::Reply {
        let bearer = key.map(|key| format!("Bearer {key}"));
        let mut headers = vec![("x-company-id", COMPANY), ("content-type", "application/json")];
        headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
        let body = if self.body.is_null() { String::new() } else { self.body.to_string() };
        rig::send(server, self.verb, &self.path(), &headers, body.as_bytes())
    }
}

fn registered() -> Value {
    json!({"name": "till.opened", "module": "conversion", "concerns": "nobody",
        "attributes": {"till_id": {"type": "id", "required": true}},
        "valid": [{"why": "opened", "attributes": {"till_id": "t-1"}}],
        "invalid": [{"why": "which?", "attributes": {}, "code": "missing_field", "path": "event_attributes.till_id"}]})
}

/// What a source says it sent in an hour.
fn sent() -> Value {
    json!({"source_module": "cdp", "from": "2026-11-02T02:00:00Z", "to": "2026-11-02T03:00:00Z",
        "counts": {"customer.created": 1}})
}

/// Reads of a company.
fn reads(receipt: &str) -> Vec<Call> {
    vec![
        call("GET", "/v1/backfills", "", 200),
        call("GET", "/v1/backfills/{id}", "nobody", 404),
        call("GET", "/v1/catalog", "", 200),
        call("GET", "/v1/catalog/events/{name}", "deal.won", 200),
        call("GET", "/v1/catalog/events/{name}", "no.such", 404),
        call("GET", "/v1/catalog/events/{name}/schema", "deal.won", 200),
        call("GET", "/v1/cluster", "", 200),
        call("GET", "/v1/companies", "", 200),
        call("GET", "/v1/companies/{id}", COMPANY, 200),
        call("GET", "/v1/companies/{id}", "nobody", 404),
        call("GET", "/v1/companies/{id}/fields", COMPANY, 200),
        call("GET", "/v1/conflicts", "", 200),
        call("GET", "/v1/customers", "", 200).asking("?phone=0811-1234-789"),
        call("GET", "/v1/customers", "", 400),
        call("GET", "/v1/customers", "", 404).asking("?email=nobody@example.com"),
        call("GET", "/v1/customers/{id}", "ayu", 200),
        call("GET", "/v1/customers/{id}", "nobody", 404),
        call("GET", "/v1/customers/{id}/identity", "ayu", 200),
        call("GET", "/v1/customers/{id}/metrics", "ayu", 200),
        call("GET", "/v1/customers/{id}/timeline", "ayu", 200),
        call("GET", "/v1/keys", "", 200),
        call("GET", "/v1/metrics", "", 200),
        call("GET", "/v1/metrics/{name}", "reply_rate", 200),
        call("GET", "/v1/metrics/{name}", "reply_rat", 400),
        call("GET", "/v1/operations", "", 200),
        call("GET", "/v1/quarantine", "", 200),
        call("GET", "/v1/quarantine/{id}", receipt, 200),
        call("GET", "/v1/reconciliations", "", 200),
        call("GET", "/v1/reconciliations/{id}", "nobody", 404),
        call("GET", "/v1/sources", "", 200),
        call("GET", "/v1/sources/{module}", "campaign", 200),
        call("GET", "/v1/sources/{module}", "nobody", 404),
        call("GET", "/v1/teams", "", 200),
        call("GET", "/v1/teams/{id}", "drained", 200),
        call("GET", "/v1/verify/{id}", "nobody", 404),
    ]
}

/// What needs no key, and what changes something.
fn acts(receipt: &str, key: &str) -> Vec<Call> {
    let mended = of("ayu", "x", "nps.submitted", "2026-11-02T10:00:00+07:00", json!({"score": 9}));
    vec![
        call("GET", "/livez", "", 200),
        call("GET", "/readyz", "", 200),
        call("GET", "/metrics", "", 200),
        call("GET", "/v1/backup", "", 200),
        call("POST", "/v1/events", "", 200).with(json!([])),
        call("POST", "/v1/backfills", "", 202).asking("?name=history").with(json!([])),
        call("POST", "/v1/reconciliations", "", 200).with(sent()),
        call("PUT", "/v1/catalog/events/{name}", "till.opened", 200).with(registered()),
        call("PUT", "/v1/catalog/events/{name}", "deal.won", 409).with(json!({"attributes": {}})),
        call("POST", "/v1/cluster/nodes/{node}", "node-1", 409).with(json!({"draining": true})),
        call("POST", "/v1/cluster/nodes/{node}", "node-1", 400).with(json!({"drain": true})),
        call("PUT", "/v1/companies/{id}", COMPANY, 200).with(json!({"name": "Kopi"})),
        call("PUT", "/v1/companies/{id}/fields", COMPANY, 200).with(json!({"hobby": "profile"})),
        call("PUT", "/v1/sources/{module}", "ads", 200).with(json!({"enabled": true})),
        call("PUT", "/v1/teams/{id}", "drained", 200).with(json!({"modules": ["cdp"], "pii_classes": []})),
        call("POST", "/v1/keys", "", 200).with(json!({"role": "reader"})),
        call("DELETE", "/v1/keys/{id}", key, 200),
        call("POST", "/v1/quarantine/{id}/replay", receipt, 200).with(mended),
        call("POST", "/v1/customers/{id}/unlink", "ayu", 200).with(json!({"from": "budi"})),
        call("POST", "/v1/verify", "", 202),
        call("DELETE", "/v1/customers/{id}", "ayu", 200),
        call("GET", "/v1/customers/{id}", "ayu", 410),
        call("GET", "/v1/customers/{id}/timeline", "ayu", 410),
    ]
}

/// Proves CORE-S01-PERM-2 and CORE-NG-4 for every route: each is called, answers what it documents, and turns away who
/// brings no key; no answer is a redirection or a fault.
#[test]
fn every_route_is_called_and_answers_what_it_documents() {
    let server = Server::with_company(COMPANY, company());
    let fields = json!([{"name": "phone", "value": "0811-1234-789"}]);
    let about = json!({"qontak_customer_id": "ayu", "default_fields": fields});
    let at = "2026-11-02T09:00:00+07:00";
    let wrong = of("ayu", "e-2", "nps.submitted", at, json!({"score": 11}));
    let pushed = server.push(&[of("ayu", "e-1", "customer.created", at, about), wrong]);
    let receipt = pushed["results"][1]["receipt"].as_str().expect("a receipt").to_owned();
    server.drain();
    let (id, _) = rig::key(&server, json!({"role": "reader"}));
    let description = server.get("/openapi.json");
    let mut called = BTreeSet::new();
    for call in reads(&receipt).iter().chain(&acts(&receipt, &id)) {
        let about = format!("{} {}", call.verb, call.path());
        let described = &description["paths"][call.route][call.verb.to_lowercase()];
        if call.route.starts_with("/v1/") {
            let stranger = call.send(&server, None);
            assert_eq!((stranger.status, stranger.code()), (401, "key_required".into()), "{about}");
        }
        let reply = call.send(&server, Some(ADMIN));
        assert_eq!(reply.status, call.status, "{about}: {}", reply.text());
        assert!(
            described["responses"][call.status.to_string()].is_object(),
            "{about} does not document {}",
            call.status
        );
        if reply.status >= 400 {
            assert!(!reply.code().is_empty(), "{about}: {}", reply.text());
        }
        called.insert((call.route.to_owned(), call.verb.to_lowercase()));
    }
    let mut described = BTreeSet::new();
    for (path, verbs) in description["paths"].as_object().expect("paths") {
        described.extend(verbs.as_object().expect("verbs").keys().map(|verb| (path.clone(), verb.clone())));
    }
    assert_eq!(called, described);
    let nowhere = rig::send_as(&server, ADMIN, "GET", "/v1/nowhere", b"");
    assert_eq!((nowhere.status, nowhere.code()), (404, "not_found".into()));
    let verb = rig::send_as(&server, ADMIN, "PATCH", "/v1/events", b"");
    assert_eq!((verb.status, verb.code()), (405, "method_not_allowed".into()));
}
