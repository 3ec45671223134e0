//! Backfills through the real binary: killed on the way, from CSV, beside live traffic, reconciled afterwards.

mod support;

use serde_json::{Value, json};
use support::Server;

const COMPANY: &str = "history";
const EVENTS: u64 = 12_000;

/// No id of its own; every hundredth is the same as the one before.
fn line(number: u64) -> String {
    let number = number - u64::from(number % 100 == 1);
    let event = json!({"company_id": COMPANY, "source_module": "conversion", "event_name": "order.paid",
        "qontak_customer_id": format!("customer-{}", number % 50), "event_timestamp": "2025-12-01T09:00:00Z",
        "event_attributes": {"payment_type": "full", "paid_amount": "1.25", "payment_id": format!("p-{number}")}});
    format!("{event}\n")
}

fn server() -> Server {
    Server::with_company(COMPANY, json!({"retention_months": 0}))
}

fn write(server: &Server, name: &str, text: &str) {
    std::fs::write(server.data().with_file_name(name), text).expect("the folder can be written");
}

/// Waits until this holds of the backfill, or it has ended.
fn until(server: &Server, id: &str, holds: impl Fn(&Value) -> bool) -> Value {
    loop {
        let seen = server.get(&format!("/v1/backfills/{id}"));
        if seen["state"] != "running" || holds(&seen) {
            return seen;
        }
        std::thread::yield_now();
    }
}

/// Requirements BF-RESUME, CORE-CON-BF, CORE-S01-AC3-b, ANCHOR-TP-6: kill -9 on the way; it goes on by itself, nothing is lost or
/// doubled, the file sent again is all duplicates.
#[test]
fn a_killed_backfill_goes_on_by_itself() {
    let mut server = server();
    let text: String = (0..EVENTS).map(line).collect();
    write(&server, "history.ndjson", &text);
    let sent = server.command(&["backfill", "history.ndjson", "--detach", "--json"]);
    assert!(sent.status.success(), "{sent:?}");
    let sent: Value = serde_json::from_slice(&sent.stdout).unwrap();
    let id = sent[0]["id"].as_str().unwrap().to_owned();
    for percent in [10.0, 40.0] {
        until(&server, &id, |seen| seen["percent_complete"].as_f64().unwrap_or(0.0) >= percent);
        server.kill9();
        server.restart();
    }
    let done = until(&server, &id, |_| false);
    assert_eq!((&done["state"], &done["percent_complete"]), (&json!("done"), &json!(100.0)), "{done:#}");
    assert_eq!(done["outcomes"]["applied"], EVENTS, "{done:#}");
    // Repeats are events of their own, but pay the same payment.
    assert_eq!(
        server.metric(COMPANY, "total_spend")["value"],
        format!("{}.00", (EVENTS - EVENTS / 100) * 5 / 4).as_str()
    );
    let again = server.command(&["backfill", "history.ndjson", "--json"]);
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(again[0]["outcomes"]["duplicate"], EVENTS, "{again:#}");
    let source = server.get("/v1/sources/conversion");
    assert_eq!(source["backfill"], "done", "{source:#}");
    let told = server.get("/v1/operations?kind=cebe_backfill_progress&limit=1000");
    let ends = told["operations"].as_array().unwrap().iter().filter(|told| told["properties"]["state"] == "done");
    assert_eq!(ends.count(), 2);
    server.assert_clean();
}

/// Requirements MKT-MIG, CORE-B2-a, CORE-ALERT-3, CORE-GATE-2: a CSV of another system, reconciled with what was meant to be sent.
#[test]
fn a_table_is_loaded_and_reconciled() {
    let server = server();
    write(
        &server,
        "map.toml",
        "[constants]\nevent_name = \"order.paid\"\nsource_module = \"conversion\"\n\
        company_id = \"history\"\nevent_attributes.payment_type = \"full\"\n[columns]\nOrder = [{ to = \"event_id\" }, \
        { to = \"event_attributes.payment_id\" }]\nWho = \"qontak_customer_id\"\nDay = { to = \"event_timestamp\", \
        time = \"%d/%m/%Y\" }\nPaid = { to = \"event_attributes.paid_amount\", as = \"number\" }\n",
    );
    write(&server, "orders.csv", "Order,Who,Day,Paid\nA-1,c-1,03/11/2025,10.50\nA-2,c-1,04/11/2025,\"1,000.25\"\n");
    let loaded = server.command(&["backfill", "orders.csv", "--map", "map.toml"]);
    assert!(loaded.status.success(), "{loaded:?}");
    assert_eq!(server.metric(COMPANY, "total_spend")["value"], "1010.75");
    write(&server, "bad.csv", "Order,Who,Day,Paid\nA-3,c-1,2025-11-03,1\n");
    let bad = server.command(&["backfill", "bad.csv", "--map", "map.toml"]);
    let words = String::from_utf8_lossy(&bad.stderr).into_owned();
    assert!(bad.status.code() == Some(2) && words.contains("line 2, column \"Day\""), "{words}");

    let sent = |id: &str, day: &str| {
        json!({"event_id": id, "source_module": "conversion", "event_name": "order.paid",
            "event_timestamp": format!("2025-11-{day}T00:00:00Z")})
        .to_string()
    };
    write(&server, "sent.ndjson", &format!("{}\n{}\n", sent("A-1", "03"), sent("A-2", "04")));
    let same = server.command(&["--company", COMPANY, "reconcile", "sent.ndjson"]);
    assert!(same.status.success(), "{same:?}");
    write(&server, "sent.ndjson", &format!("{}\n{}\n{}\n", sent("A-1", "03"), sent("A-2", "04"), sent("A-9", "04")));
    let lost = server.command(&["--company", COMPANY, "--json", "reconcile", "sent.ndjson"]);
    let found: Value = serde_json::from_slice(&lost.stdout).unwrap();
    assert_eq!((lost.status.code(), &found[0]["names"]["order.paid"]["missing_ids"]), (Some(1), &json!(["A-9"])));
    let told = server.get("/v1/operations?kind=cebe_reconciliation_mismatch");
    assert_eq!(told["operations"][0]["properties"]["missing"], 1, "{told:#}");
    let kept = server.get(&format!("/v1/reconciliations?company_id={COMPANY}"));
    assert_eq!(kept["reconciliations"].as_array().map(Vec::len), Some(2), "{kept:#}");
    assert_eq!(kept["reconciliations"][0]["from"], "2025-11-03T00:00:00Z", "{kept:#}");
}
