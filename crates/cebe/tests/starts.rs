//! Starting: what a first start makes, and what a start refuses with the way out.

mod support;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::json;
use support::{BINARY, Server};

/// Starts a server without a named key, and stops it once it listens; the lines it printed.
fn printed_by_a_start(data: &Path) -> Vec<String> {
    let mut command = Command::new(BINARY);
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    command.env_remove("CEBE_ADMIN_KEY").env("CEBE_LOG", "error").stdout(Stdio::piped());
    let mut child = command.spawn().expect("the binary starts");
    let mut lines = Vec::new();
    for line in BufReader::new(child.stdout.take().expect("stdout is piped")).lines() {
        lines.push(line.expect("stdout can be read"));
        if lines.last().is_some_and(|line| line.starts_with("listening on ")) {
            break;
        }
    }
    let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(asked.expect("kill runs").success());
    assert!(child.wait().expect("it has ended").success());
    lines
}

fn refused_start(data: &Path) -> Output {
    let mut command = Command::new(BINARY);
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).env("CEBE_LOG", "error");
    let output = command.output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(5), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_first_start_prints_an_admin_key_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = printed_by_a_start(folder.path());
    assert!(first[0].starts_with("admin key cebe_") && first[1].starts_with("listening on http://"), "{first:?}");
    let second = printed_by_a_start(folder.path());
    assert!(second.len() == 1 && second[0].starts_with("listening on http://"), "{second:?}");
}

#[test]
fn a_store_in_use_is_refused() {
    let server = Server::start();
    assert!(words(&refused_start(&server.data())).contains("in use"));
}

#[test]
fn a_store_without_its_queue_or_its_key_is_refused_with_the_way_out() {
    let mut server = Server::start();
    assert!(server.stop().success());
    let (queue, aside) = (server.data().join("queue"), server.data().join("aside"));
    std::fs::rename(&queue, &aside).expect("the queue is moved away");
    assert!(words(&refused_start(&server.data())).contains("do not belong together"));
    std::fs::remove_dir_all(&queue).expect("the new one goes");
    std::fs::rename(&aside, &queue).expect("the queue is put back");
    std::fs::remove_file(server.data().join("master.key")).expect("the key is lost");
    assert!(words(&refused_start(&server.data())).contains("CEBE_MASTER_KEY_FILE"));
}

/// A queue that was put back from an older copy ends before what the store has applied: to go on would give positions out
/// twice.
#[test]
fn a_queue_older_than_its_store_is_refused_with_the_way_out() {
    let mut server = Server::start();
    assert!(server.stop().success());
    let (queue, aside) = (server.data().join("queue"), server.data().join("aside"));
    let copied = Command::new("cp").arg("-r").args([&queue, &aside]).status();
    assert!(copied.expect("cp runs").success());
    server.restart();
    server.put("/v1/companies/acme", &json!({"sso_id": "sso-acme"}));
    assert!(server.stop().success());
    std::fs::remove_dir_all(&queue).expect("the queue goes");
    std::fs::rename(&aside, &queue).expect("the older one comes in its place");
    let refused = refused_start(&server.data());
    assert!(words(&refused).contains("the queue has lost records"), "{}", words(&refused));
}
