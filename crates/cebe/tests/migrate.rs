//! `cebe migrate` from outside: tables are made once, by whatever setting names the database, and what cannot be is said.
#![allow(clippy::unwrap_used, reason = "an unwrap is how a test fails")]

#[path = "../../central/tests/support/postgres.rs"]
mod postgres;

use std::path::Path;
use std::process::{Command, Output};

use postgres::{name, shared};
use serde_json::{Value, json};

/// Runs it in this folder with these variables.
fn migrate(folder: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cebe"));
    command.arg("migrate").args(arguments).current_dir(folder).env_remove("CEBE_POSTGRES_URL");
    command.envs(variables.iter().copied()).output().unwrap()
}

/// Its exit code, and everything it said.
fn told(output: &Output) -> (Option<i32>, String) {
    let words = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    (output.status.code(), words.concat())
}

fn folder_with(url: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("cebe.toml"), format!("postgres_url = {url:?}\n")).unwrap();
    folder
}

fn answer(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{:?}", told(output)))
}

fn tables(url: &str) -> String {
    const SQL: &str = "SELECT count(*) FROM pg_tables WHERE schemaname = 'cebe'";
    shared().ask(name(url), "postgres", SQL).unwrap()
}

#[test]
fn a_new_database_gets_its_tables_once() {
    let url = shared().database();
    let folder = folder_with(&url);
    let run = |arguments: &[&str]| migrate(folder.path(), &[], arguments);
    let (code, words) = told(&run(&["--dry-run"]));
    assert!(code == Some(1) && words.contains("version 0"), "{code:?} {words}");
    assert_eq!(tables(&url), "0", "only said");
    let made = run(&["--json"]);
    assert_eq!(made.status.code(), Some(0), "{}", told(&made).1);
    assert_eq!(answer(&made), json!({"found": 0, "version": 2, "needed": 2, "taken": ["1 tables", "2 sealed parts"]}));
    assert_ne!(tables(&url), "0");
    for arguments in [&["--dry-run"][..], &[]] {
        let (code, words) = told(&run(arguments));
        assert!(code == Some(0) && words.contains("nothing to do"), "{code:?} {words}");
    }
}

/// Flags before variables before the file, and a secret of its own file, as everywhere.
#[test]
fn the_database_is_named_as_for_every_command() {
    let [in_file, in_variable, in_flag, in_secret] = std::array::from_fn(|_| shared().database());
    let (folder, none) = (folder_with(&in_file), tempfile::tempdir().unwrap());
    let made = |databases: [&str; 4]| databases.map(|url| tables(url) != "0");
    let all = [in_file.as_str(), &in_variable, &in_flag, &in_secret];
    let variable = [("CEBE_POSTGRES_URL", in_variable.as_str())];
    assert!(migrate(folder.path(), &variable, &["--postgres-url", &in_flag]).status.success());
    assert_eq!(made(all), [false, false, true, false]);
    assert!(migrate(folder.path(), &variable, &[]).status.success());
    assert_eq!(made(all), [false, true, true, false]);
    let secret = none.path().join("url");
    std::fs::write(&secret, format!("{in_secret}\n")).unwrap();
    let named = [("CEBE_POSTGRES_URL_FILE", secret.to_str().unwrap())];
    assert!(migrate(none.path(), &named, &[]).status.success());
    assert_eq!(made(all), [false, true, true, true]);
    let (code, words) = told(&migrate(none.path(), &[], &[]));
    assert!(code == Some(2) && words.contains("postgres_url"), "{code:?} {words}");
}

#[test]
fn a_newer_database_a_role_without_rights_and_no_database_are_refused() {
    let url = shared().database();
    let folder = folder_with(&url);
    let bare = format!("{}_bare", name(&url));
    shared().sql(name(&url), &format!("CREATE ROLE {bare} LOGIN"));
    let bare = shared().url(name(&url), &format!("{bare}:very-secret"));
    let (code, words) = told(&migrate(folder.path(), &[("CEBE_POSTGRES_URL", &bare)], &[]));
    assert!(code == Some(5) && words.contains("must own the database"), "{code:?} {words}");
    assert!(!words.contains("very-secret"), "{words}");
    assert_eq!(tables(&url), "0", "nothing was made half");

    assert!(migrate(folder.path(), &[], &[]).status.success());
    shared().sql(name(&url), "INSERT INTO cebe.migrations VALUES (99, 'from tomorrow')");
    for arguments in [&[][..], &["--dry-run"]] {
        let (code, words) = told(&migrate(folder.path(), &[], arguments));
        assert!(code == Some(5) && words.contains("start the release that wrote it"), "{code:?} {words}");
    }

    let nowhere = [("CEBE_POSTGRES_URL", "postgresql://me:very-secret@127.0.0.1:1/cebe")];
    let (code, words) = told(&migrate(folder.path(), &nowhere, &[]));
    assert!(code == Some(5) && words.contains("cannot be reached") && !words.contains("very-secret"), "{words}");
}
