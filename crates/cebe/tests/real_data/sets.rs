//! The public data sets: where they are, their events as lines, and what must come out.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// One data set.
pub struct Set {
    pub name: &'static str,
    pub lines: Vec<String>,
    pub expected: Value,
}

/// The folder of public data, when it is there.
pub fn folder() -> Option<PathBuf> {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?;
    let named = std::env::var_os("CEBE_SHARED").map(PathBuf::from);
    let data = named.unwrap_or_else(|| project.join("../shared")).join("data");
    if data.join("to_events.py").is_file() {
        return Some(data);
    }
    println!("the folder of public data is not there: nothing to compare with");
    None
}

/// The set, or `None` with a line about why.
pub fn read(name: &'static str) -> Option<Set> {
    let data = folder()?;
    let Ok(made) = Command::new("python3").arg(data.join("to_events.py")).arg(name).output() else {
        println!("python3 is not there: the public data cannot be turned into events");
        return None;
    };
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let text = String::from_utf8(made.stdout).expect("events are UTF-8");
    let expected = std::fs::read_to_string(data.join("expected.json")).expect("expected.json is there");
    let expected: Value = serde_json::from_str(&expected).expect("expected.json is JSON");
    Some(Set { name, lines: text.lines().map(str::to_owned).collect(), expected: expected[name].clone() })
}
