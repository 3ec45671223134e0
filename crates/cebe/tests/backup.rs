//! Backups from outside: taken under load, restored elsewhere, and what a restore means for erased people.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::{Value, json};
use support::load::{self, BATCH, COMPANY, Load, batch};
use support::{ADMIN, Server};
use tempfile::TempDir;

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A folder in which a backup of this server was restored, with the master key put back.
fn restored(server: &Server, backup: &Path) -> (TempDir, Value) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let made = server.command(&["restore", backup.to_str().unwrap(), "--data", data.to_str().unwrap(), "--json"]);
    assert!(made.status.success(), "{}", words(&made));
    assert!(words(&made).contains("put the master key back"), "{}", words(&made));
    assert!(!data.join("master.key").exists(), "the key is not in a backup");
    std::fs::copy(server.data().join("master.key"), data.join("master.key")).unwrap();
    (folder, serde_json::from_slice(&made.stdout).unwrap())
}

fn backup_path(folder: &TempDir) -> PathBuf {
    folder.path().join("store.backup")
}

/// A backup taken while four writers push holds everything that was acknowledged before it, once; the same events pushed
/// again are duplicates; and the server it was taken from goes on unharmed.
#[test]
fn a_backup_under_load_is_a_whole_store() {
    // Small segments, trimmed as soon as they may be: a backup must hold on to what it needs.
    let settings = [("CEBE_QUEUE_SEGMENT_BYTES", "20000"), ("CEBE_QUEUE_KEEP_S", "0"), ("CEBE_PERSIST_EVERY_MS", "20")];
    let mut server = Server::start_with(&settings, Stdio::inherit());
    load::prepare(&server);
    let (mut load, folder) = (Load::default(), tempfile::tempdir().unwrap());
    let path = backup_path(&folder);
    load.until(&mut server, 60, |_| ());
    let mut before = load.clone();
    let taken = load.until(&mut server, 5, |server| server.command(&["backup", path.to_str().unwrap(), "--json"]));
    assert!(taken.status.success(), "{}", words(&taken));
    let shown: Value = serde_json::from_slice(&taken.stdout).unwrap();
    assert!(shown["rows"].as_u64() > Some(before.acknowledged.len() as u64 * BATCH), "{shown:#}");

    let (restored_folder, summary) = restored(&server, &path);
    assert_eq!((&summary["rows"], &summary["store"]), (&shown["rows"], &shown["store"]));
    let data = restored_folder.path().join("data");
    let checked = server.command(&["verify", "--data", data.to_str().unwrap()]);
    assert!(checked.status.success(), "{} {}", words(&checked), String::from_utf8_lossy(&checked.stdout));
    let copy = Server::on(restored_folder);
    load.account(&server);
    let events = before.account(&copy);
    for first in &before.acknowledged {
        let again = copy.push(&batch(*first));
        assert_eq!(again["duplicate"], BATCH, "{again:#}");
    }
    assert_eq!(before.account(&copy), events);
    assert!(before.push(&copy), "the copy takes new events");
}

/// What must not happen: a backup over another, a store over another, a backup by who may not, in silence.
#[test]
fn nothing_is_overwritten_and_a_backup_is_written_down() {
    let mut server = Server::start();
    let folder = tempfile::tempdir().unwrap();
    let path = backup_path(&folder);
    let file = path.to_str().unwrap();
    assert!(server.command(&["backup", file]).status.success());
    let again = server.command(&["backup", file]);
    assert_eq!(again.status.code(), Some(2), "{}", words(&again));
    let over = server.command(&["restore", file, "--data", server.data().to_str().unwrap()]);
    assert_eq!(over.status.code(), Some(2), "{}", words(&over));
    assert!(words(&over).contains("is not replaced"), "{}", words(&over));
    for role in ["operator", "admin"] {
        let companies = if role == "admin" { json!(["acme"]) } else { json!(["*"]) };
        let key = server.post("/v1/keys", &json!({"role": role, "companies": companies}));
        let refused = server.ask_as(key["key"].as_str().unwrap(), "GET", "/v1/backup", None);
        assert_eq!((refused.status, &refused.body["error"]["code"]), (403, &json!("role_not_allowed")), "{role}");
    }
    let told = server.get("/v1/operations?kind=backup_taken");
    assert_eq!(told["operations"].as_array().map(Vec::len), Some(1), "{told:#}");
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let data = folder.path().join("data");
    let damaged = server.command(&["restore", file, "--data", data.to_str().unwrap()]);
    assert_eq!(damaged.status.code(), Some(1), "{}", words(&damaged));
    assert!(words(&damaged).contains("damaged at byte") && words(&damaged).contains("nothing was restored"));
    assert!(!data.join("central").exists() && !data.join("queue").exists());
    // The folder of a running server is in use; of a stopped one it is read.
    let own = server.data();
    let second = folder.path().join("second.backup");
    let arguments = ["backup", second.to_str().unwrap(), "--data", own.to_str().unwrap()];
    let locked = server.command(&arguments);
    assert_eq!(locked.status.code(), Some(5), "{}", words(&locked));
    assert!(words(&locked).contains("another process") && !second.exists(), "{}", words(&locked));
    assert!(server.stop().success());
    assert!(server.command(&arguments).status.success());
}

/// Requirements RETN-TOMB, PII-ERASE (backups policy): a backup is older than the erasures after it. The person is there
/// again after a restore, and the list of erasures, which can be read by whoever may read audits, is repeated.
#[test]
fn an_erasure_after_the_backup_is_repeated_after_the_restore() {
    let server = Server::start();
    load::prepare(&server);
    assert_eq!(server.push(&batch(0))["applied"], BATCH);
    let folder = tempfile::tempdir().unwrap();
    let path = backup_path(&folder);
    assert!(server.command(&["backup", path.to_str().unwrap()]).status.success());
    let person = format!("/v1/customers/customer-3?company_id={COMPANY}");
    let erased = |server: &Server| server.ask_as(ADMIN, "DELETE", &person, None);
    assert_eq!(erased(&server).status, 200);
    assert_eq!(server.ask("GET", &person, None).status, 410);
    let list = server.get(&format!("/v1/operations?kind=erased&company_id={COMPANY}"));
    let who = list["operations"][0]["properties"]["customer"].as_str().expect("who was erased").to_owned();
    assert_eq!((who.as_str(), list["operations"].as_array().map(Vec::len)), ("customer-3", Some(1)), "{list:#}");

    let copy = Server::on(restored(&server, &path).0);
    assert_eq!(copy.ask("GET", &person, None).status, 200, "the backup is older than the erasure");
    let repeated = copy.command(&["erase", &who, "--yes", "--company", COMPANY]);
    assert!(repeated.status.success(), "{}", words(&repeated));
    assert_eq!(copy.ask("GET", &person, None).status, 410);
    let again = copy.push(&batch(0));
    assert_eq!((&again["duplicate"], &again["applied"]), (&json!(BATCH), &json!(0)), "{again:#}");
    assert_eq!(copy.ask("GET", &person, None).status, 410, "a copy of an erased event brings nobody back");
    assert_eq!(copy.metric(COMPANY, "total_spend")["value"], "31.25");
    copy.assert_clean();
}
