//! The command line as people and scripts meet it: help, exit codes, and data on stdout.

mod support;

use std::process::{Command, Output};

use serde_json::{Value, json};
use support::{ADMIN, BINARY, Server};

fn cebe(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(BINARY);
    command.args(arguments).current_dir(folder.path()).env_remove("CEBE_SERVER").env_remove("CEBE_KEY");
    command.output().expect("the binary runs")
}

fn code(output: &Output) -> Option<i32> {
    output.status.code()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn help_says_what_there_is() {
    insta::assert_snapshot!(stdout(&cebe(&["--help"])));
}

#[test]
fn wrong_usage_and_an_absent_server_have_codes_of_their_own() {
    assert_eq!(code(&cebe(&["metric"])), Some(2));
    assert_eq!(code(&cebe(&["no-such-command"])), Some(2));
    // Port 9 of this machine is the discard service, which nobody runs.
    let absent = cebe(&["metrics", "--server", "http://127.0.0.1:9"]);
    assert_eq!(code(&absent), Some(3));
    assert!(absent.stdout.is_empty() && !absent.stderr.is_empty());
    let no_store = cebe(&["verify", "--data", "nowhere"]);
    assert_eq!(code(&no_store), Some(5));
}

#[test]
fn definition_files_are_checked_without_a_server() {
    assert_eq!(code(&cebe(&["catalog", "check"])), Some(0));
    let folder = tempfile::tempdir().expect("a folder");
    let wrong = folder.path().join("events.toml");
    std::fs::write(&wrong, "[module]\nname = \"x\"\nno_such_key = 1\n").expect("a file");
    let checked = cebe(&["catalog", "check", wrong.to_str().expect("a path")]);
    assert_eq!(code(&checked), Some(1), "{}", stdout(&checked));
}

/// Proves CORE-S01-PERM-2 from the command line.
#[test]
fn a_wrong_key_is_told_so() {
    let server = Server::start();
    let mut command = Command::new(BINARY);
    command.args(["metrics", "--server", server.url()]).env("CEBE_KEY", "wrong");
    assert_eq!(code(&command.output().expect("the binary runs")), Some(4));
}

#[test]
fn settings_are_shown_and_secrets_are_not() {
    let mut command = Command::new(BINARY);
    command.args(["settings", "--json"]).env("CEBE_KEY", ADMIN).env("CEBE_LISTEN", "127.0.0.1:1");
    let shown = stdout(&command.output().expect("the binary runs"));
    let settings: Value = serde_json::from_str(&shown).expect("JSON");
    let of = |name: &str| settings.as_array().and_then(|all| all.iter().find(|one| one["name"] == name)).cloned();
    assert_eq!(of("key").map(|key| key["value"].clone()), Some(json!("*****")));
    assert_eq!(of("listen").map(|listen| listen["from"].clone()), Some(json!("environment")));
    assert!(!shown.contains(ADMIN));
}

#[test]
fn a_file_is_pushed_and_asked_about() {
    let mut server = Server::start();
    let settings = ["company", "set", "shop", "sso_id=sso-shop", "currency=USD", "retention_months=0"];
    assert_eq!(code(&server.command(&settings)), Some(0));
    assert_eq!(code(&server.command(&["source", "enable", "conversion"])), Some(0));
    let event = |id: &str, amount: Value| {
        json!({"event_id": id, "company_id": "shop", "company_sso_id": "sso-shop", "qontak_customer_id": "c-1",
            "event_timestamp": "2026-11-02T09:00:00Z", "source_module": "conversion", "event_name": "order.paid",
            "event_attributes": {"payment_type": "full", "paid_amount": amount}})
    };
    let file = server.data().with_file_name("events.ndjson");
    std::fs::write(&file, format!("{}\n{}\n", event("e-1", json!("10.50")), event("e-2", json!(2)))).expect("a file");
    let path = file.to_str().expect("a path");

    let pushed = server.command(&["push", path, "--wait", "--json"]);
    assert_eq!(code(&pushed), Some(0), "{}", String::from_utf8_lossy(&pushed.stderr));
    let tally: Value = serde_json::from_str(&stdout(&pushed)).expect("JSON");
    assert_eq!(tally["applied"], 2, "{tally:#}");

    let spend = server.command(&["metric", "total_spend", "--company", "shop", "--json"]);
    let spend: Value = serde_json::from_str(&stdout(&spend)).expect("JSON");
    assert_eq!(spend["value"], "12.50");
    assert!(stdout(&server.command(&["timeline", "c-1", "--company", "shop"])).contains("order.paid"));
    assert_eq!(code(&server.command(&["customer", "nobody", "--company", "shop"])), Some(1));

    // A refused event is the answer no, with its code and path.
    std::fs::write(&file, event("e-3", json!("a lot")).to_string()).expect("a file");
    let refused = server.command(&["push", path, "--wait"]);
    assert_eq!(code(&refused), Some(1));
    assert!(stdout(&refused).contains("event_attributes.paid_amount"), "{}", stdout(&refused));

    // A live store is verified over HTTP; its folder only once it has stopped.
    assert_eq!(code(&server.command(&["verify"])), Some(0));
    let folder = server.data();
    let folder = folder.to_str().expect("a path");
    let locked = server.command(&["verify", "--data", folder]);
    assert_eq!(code(&locked), Some(5), "{}", stdout(&locked));
    assert!(String::from_utf8_lossy(&locked.stderr).contains("another process"));
    assert!(server.stop().success());
    assert_eq!(code(&server.command(&["verify", "--data", folder])), Some(0));
}
