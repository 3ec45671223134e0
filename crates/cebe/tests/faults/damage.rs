//! One byte changes in one file, for every kind of file there is. Nothing may be lost in silence: the store is refused
//! with words that say what to do, or what was damaged is made good and everything acknowledged is there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::fault::files_in;
use crate::support::load::{self, Load};
use crate::support::{ADMIN, BINARY, Server};

/// Runs a command on a folder; nothing of a server is asked.
fn run(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(BINARY);
    command.args(arguments).env("CEBE_ADMIN_KEY", ADMIN).env("CEBE_LOG", "error").current_dir(folder);
    command.output().expect("the binary runs")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

/// A stopped store, and what was acknowledged into it.
fn stopped() -> (Server, Load) {
    let mut server = Server::start();
    load::prepare(&server);
    let mut load = Load::default();
    load.until(&mut server, 12, |_| ());
    server.drain();
    assert!(server.stop().success());
    (server, load)
}

/// The same store as tables, which is how a large one lies on the disk: through a backup.
fn as_tables(server: &Server) -> PathBuf {
    let folder = server.data().parent().unwrap().join("tables");
    let (data, tables) = (server.data(), folder.join("data"));
    let backup = folder.with_extension("backup");
    let taken = run(&["backup", backup.to_str().unwrap(), "--data", data.to_str().unwrap()], data.parent().unwrap());
    assert!(taken.status.success(), "{taken:?}");
    let made = run(&["restore", backup.to_str().unwrap(), "--data", tables.to_str().unwrap()], data.parent().unwrap());
    assert!(made.status.success(), "{made:?}");
    fs::copy(data.join("master.key"), tables.join("master.key")).unwrap();
    tables
}

/// What became of a damaged copy of a store.
#[derive(Debug, PartialEq)]
enum End {
    /// The start was refused, or verification found it.
    Told,
    /// Everything is there in spite of it.
    MadeGood,
}

fn damaged(original: &Path, file: &Path, at: usize, load: &Load) -> End {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    copy(original, &data);
    let file = data.join(file);
    flip(&file, at);
    let shown = format!("byte {at} of {}", file.strip_prefix(&data).unwrap().display());
    let checked = run(&["verify", "--data", data.to_str().unwrap()], folder.path());
    let words = String::from_utf8_lossy(&checked.stderr);
    match checked.status.code() {
        Some(0) => {
            let server = Server::on(folder);
            load.account(&server);
            End::MadeGood
        }
        Some(1 | 5) => {
            assert!(words.trim().len() > 20, "{shown}: {words:?} does not say what is wrong");
            assert!(!words.contains("panicked"), "{shown}: {words}");
            End::Told
        }
        other => panic!("{shown}: ended with {other:?}: {words}"),
    }
}

/// The file and a few of its bytes.
fn places(original: &Path, file: &Path) -> Vec<usize> {
    let length = usize::try_from(fs::metadata(original.join(file)).unwrap().len()).unwrap();
    let mut places: Vec<usize> =
        [0, length / 2, length.saturating_sub(1)].into_iter().filter(|at| *at < length).collect();
    places.dedup();
    places
}

fn every_file(original: &Path, load: &Load) -> Vec<(String, End)> {
    let mut ends = Vec::new();
    for path in files_in(original) {
        let file = path.strip_prefix(original).unwrap();
        for at in places(original, file) {
            ends.push((file.display().to_string(), damaged(original, file, at, load)));
        }
    }
    ends
}

fn ends_of(ends: &[(String, End)], part: &str) -> Vec<&'static str> {
    let of = ends.iter().filter(|(file, _)| file.contains(part));
    of.map(|(_, end)| if *end == End::Told { "told" } else { "made good" }).collect()
}

/// A store as a stop leaves it: queue segments, their identity, the store's journal and manifests, the master key.
#[test]
fn a_changed_byte_in_any_file_of_a_store() {
    let (server, load) = stopped();
    let ends = every_file(&server.data(), &load);
    println!("{ends:#?}");
    assert_eq!(ends_of(&ends, "queue/live"), ["told", "told", "told"], "what is flushed is never cut");
    assert!(ends_of(&ends, "store.json").contains(&"told"));
    assert!(ends_of(&ends, ".jnl").contains(&"made good"), "the queue has what the journal lost");
    assert!(ends_of(&ends, "master.key").contains(&"told"));
}

/// A key that is a key, and not the one of this store, is refused: with it every company would be an unknown one.
#[test]
fn the_key_of_another_store_is_refused() {
    let (server, _) = stopped();
    let path = server.data().join("master.key");
    let key = fs::read_to_string(&path).unwrap();
    let digit = if key.starts_with('0') { "1" } else { "0" };
    fs::write(&path, format!("{digit}{}", &key[1..])).unwrap();
    let refused = run(&["verify", "--data", server.data().to_str().unwrap()], server.data().parent().unwrap());
    let words = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(5) && words.contains("it is not the key of this store"), "{words}");
}

/// A store whose rows lie in tables.
#[test]
fn a_changed_byte_in_any_file_of_the_tables() {
    let (server, load) = stopped();
    let tables = as_tables(&server);
    let mut ends = Vec::new();
    for path in files_in(&tables.join("central")) {
        let file = path.strip_prefix(&tables).unwrap();
        for at in places(&tables, file) {
            ends.push((file.display().to_string(), damaged(&tables, file, at, &load)));
        }
    }
    println!("{ends:#?}");
    assert!(ends_of(&ends, "/tables/").contains(&"told"), "no table was damaged: there was nothing to prove");
}
