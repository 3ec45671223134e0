//! Every command, as scripts use it: `--json` gives JSON on stdout, people get words, and the exit code says how it went.

mod support;

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};

use serde_json::{Value, json};
use support::{BINARY, Server};

const COMPANY: &str = "shop";

fn event(who: &str, id: &str, name: &str, attributes: Value) -> Value {
    json!({"event_id": id, "company_id": COMPANY, "qontak_customer_id": who, "event_timestamp": "2025-11-03T09:00:00Z",
        "source_module": "conversion", "event_name": name, "event_attributes": attributes})
}

fn payment(who: &str, id: &str, amount: &str) -> Value {
    event(who, id, "order.paid", json!({"payment_type": "full", "paid_amount": amount}))
}

/// A shop with two customers, a refused event, and files to work with.
fn shop() -> (Server, String) {
    let server = Server::with_company(COMPANY, json!({"currency": "USD", "retention_months": 0}));
    let refused = payment("c-1", "e-3", "a lot");
    let pushed = server.push(&[payment("c-1", "e-1", "10.50"), payment("c-2", "e-2", "2"), refused]);
    let receipt = pushed["results"][2]["receipt"].as_str().expect("a receipt").to_owned();
    let write = |name: &str, events: &[Value]| {
        let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
        fs::write(server.data().with_file_name(name), lines).expect("a file");
    };
    write("more.ndjson", &[payment("c-1", "e-4", "1")]);
    write("old.ndjson", &[payment("c-1", "h-1", "3")]);
    write(
        "sent.ndjson",
        &[
            payment("c-1", "e-1", "10.50"),
            payment("c-2", "e-2", "2"),
            payment("c-1", "e-4", "1"),
            payment("c-1", "h-1", "3"),
        ],
    );
    write("mended.json", &[payment("c-1", "e-3", "4")]);
    (server, receipt)
}

fn run(server: &Server, line: &str, json: bool) -> Output {
    let mut words: Vec<&str> = line.split(' ').collect();
    words.extend(["--company", COMPANY]);
    if json {
        words.push("--json");
    }
    server.command(&words)
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Command lines in an order in which they work, and a part of what a person is told.
fn lines(receipt: &str, key: &str) -> Vec<(String, &'static str)> {
    let line = |text: &str| text.replace("RECEIPT", receipt).replace("KEY", key);
    [
        ("company set shop name=Shop", "Shop"),
        ("company show shop", "USD"),
        ("company list", "shop"),
        ("source enable conversion --for shop", "conversion"),
        ("source disable loyalty", "loyalty"),
        ("source list", "conversion"),
        ("team set night --module conversion --pii contact", "night"),
        ("team list", "night"),
        ("key create robot --role reader --for shop --team night", "cebe_"),
        ("key list", "robot"),
        ("key remove KEY", ""),
        ("push more.ndjson --wait", "applied"),
        ("backfill old.ndjson", "100"),
        ("backfill", "old.ndjson"),
        ("reconcile sent.ndjson", "order.paid"),
        ("reconcile", "conversion"),
        ("customer c-1", "c-1"),
        ("customer --identifier qontak_customer_id=c-2", "c-2"),
        ("customer c-1 --metrics", "total_spend"),
        ("timeline c-1", "order.paid"),
        ("timeline c-1 --event-name order.paid --limit 1", "order.paid"),
        ("metrics", "reply_rate"),
        ("metric total_spend", "16.50"),
        ("metric total_spend --from 2025-11-01 --to 2025-12-01 --interval day --group-by currency --filter currency=USD", "USD"),
        ("quarantine list", "invalid_attribute"),
        ("quarantine list --code invalid_attribute", "e-3"),
        ("quarantine replay RECEIPT --correction mended.json", ""),
        ("identity show c-1", "c-1"),
        ("identity unlink c-1 --apart-from c-2", ""),
        ("catalog list", "order.paid"),
        ("catalog show order.paid", "paid_amount"),
        ("catalog show order.paid --schema", "2020-12"),
        ("catalog check", ""),
        ("cluster", ""),
        ("operations", ""),
        ("operations --kind cebe_backfill_progress", "cebe_backfill_progress"),
        ("verify", "0"),
        ("settings", "listen"),
        ("doctor", ""),
        ("erase c-2 --yes", ""),
    ]
    .map(|(text, part)| (line(text), part))
    .to_vec()
}

/// Commands that the help lists.
fn commands() -> BTreeSet<String> {
    let help = Command::new(BINARY).arg("--help").output().expect("the binary runs");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let listed = help.split("Commands:").nth(1).and_then(|rest| rest.split("Options:").next()).expect("a list");
    let names = listed.lines().filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    names.filter_map(|line| line.split_whitespace().next().map(str::to_owned)).collect()
}

/// Proves the command line of DESIGN section 9 as far as it reaches: each command does what it is for, in JSON for scripts
/// and in words for people, and ends with 0.
#[test]
fn every_command_answers_scripts_and_people() {
    const ELSEWHERE: [&str; 7] = ["serve", "demo", "bench", "backup", "restore", "migrate", "help"];
    let mut used: BTreeSet<String> = ELSEWHERE.map(str::to_owned).into();
    for json in [true, false] {
        let (server, receipt) = shop();
        let key = server.post("/v1/keys", &json!({"name": "leaver", "role": "reader"}));
        for (line, part) in lines(&receipt, key["id"].as_str().expect("an id")) {
            let output = run(&server, &line, json);
            assert_eq!(output.status.code(), Some(0), "cebe {line}: {}", told(&output));
            if json {
                let answer: Result<Value, _> = serde_json::from_slice(&output.stdout);
                assert!(answer.is_ok(), "cebe {line} --json: {answer:?}\n{}", told(&output));
            }
            assert!(told(&output).contains(part), "cebe {line} does not say {part}: {}", told(&output));
            used.insert(line.split(' ').next().unwrap_or_default().to_owned());
        }
    }
    let unused: Vec<String> = commands().into_iter().filter(|name| !used.contains(name)).collect();
    assert_eq!(unused, Vec::<String>::new(), "nobody tries these");
}

/// The answer no, a wrong key, a key that may not, and a server that is not there: each with its code, nothing on stdout.
#[test]
fn what_goes_wrong_has_a_code_and_words() {
    let (mut server, _) = shop();
    let reader = server.post("/v1/keys", &json!({"name": "reader", "role": "reader"}));
    let reader = reader["key"].as_str().expect("a key").to_owned();
    let as_key = |server: &Server, key: &str, line: &str| {
        let mut command = Command::new(BINARY);
        command.args(line.split(' ')).args(["--company", COMPANY, "--server", server.url()]).env("CEBE_KEY", key);
        command.output().expect("the binary runs")
    };
    for (line, code) in [
        ("customer nobody", 1),
        ("timeline nobody", 1),
        ("metric no_such_metric", 2),
        ("metric total_spend --group-by nonsense", 2),
        ("quarantine replay nothing", 1),
        ("catalog show no.such", 1),
        ("company set shop time_zone=Mars/Olympus", 2),
        ("push no-such-file.ndjson", 2),
    ] {
        let output = run(&server, line, false);
        assert_eq!(output.status.code(), Some(code), "cebe {line}: {}", told(&output));
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "cebe {line}: {}", told(&output));
    }
    for (key, line) in
        [("wrong", "metrics"), (reader.as_str(), "source disable cdp"), (reader.as_str(), "erase c-1 --yes")]
    {
        let output = as_key(&server, key, line);
        assert_eq!(output.status.code(), Some(4), "cebe {line}: {}", told(&output));
    }
    server.kill9();
    let output = run(&server, "metrics", false);
    assert_eq!(output.status.code(), Some(3), "{}", told(&output));
    assert!(output.stdout.is_empty() && !output.stderr.is_empty());
}
