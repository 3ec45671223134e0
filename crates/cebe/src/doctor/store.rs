//! The data folder: whether queue and store are there together, and whether the master key is, readable by nobody else.

use std::fs;
use std::path::{Path, PathBuf};

use super::Finding;
use crate::settings::Settings;

/// Hex digits of a master key.
const KEY_DIGITS: usize = 128;

pub(super) fn folder(settings: &Settings) -> Finding {
    let data = Path::new(&settings.data);
    let (queue, central) = (data.join("queue/store.json"), data.join("central"));
    match (queue.exists(), central.exists()) {
        (false, false) => {
            Finding::good("store", format!("{} holds none yet; the first start makes it", data.display()))
        }
        (true, true) => Finding::good("store", identity(&queue)),
        (has_queue, _) => Finding::bad(
            "store",
            format!(
                "{} holds the {} without the other half",
                data.display(),
                if has_queue { "queue" } else { "store" }
            ),
            "queue and central belong together: put back the folder that is missing from the same backup",
        ),
    }
}

fn identity(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let id = json["store"].as_str().unwrap_or("unknown");
    format!("queue and store are there, id {id}; a start compares their ids")
}

pub(super) fn master_key(settings: &Settings) -> Finding {
    let (data, named) = (Path::new(&settings.data), &settings.master_key_file);
    let path = if named.is_empty() { data.join("master.key") } else { PathBuf::from(named) };
    let shown = path.display();
    let Ok(text) = fs::read_to_string(&path) else {
        return missing(&path, data.join("central").exists() || !named.is_empty());
    };
    let text = text.trim();
    if text.len() != KEY_DIGITS || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Finding::bad(
            "master key",
            format!("{shown} does not hold {KEY_DIGITS} hex digits"),
            "put the right file back",
        );
    }
    if open_to_others(&path) {
        return Finding::bad("master key", format!("{shown} can be read by others"), format!("chmod 600 {shown}"));
    }
    if named.is_empty() {
        let advice = "keep a copy apart from the data; CEBE_MASTER_KEY_FILE can name a place outside of it";
        return Finding::doubtful("master key", format!("{shown} lies beside the data"), advice);
    }
    Finding::good("master key", shown.to_string())
}

fn missing(path: &Path, needed: bool) -> Finding {
    let found = format!("{} is not there", path.display());
    if needed {
        return Finding::bad(
            "master key",
            found,
            "put it back from its backup; without it no sealed value can be read",
        );
    }
    Finding::good("master key", format!("{found}; the first start makes it"))
}

#[cfg(unix)]
fn open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|facts| facts.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn open_to_others(_path: &Path) -> bool {
    false
}
