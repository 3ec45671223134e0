//! Settings: each has a default, which `cebe.toml` replaces, which `CEBE_<NAME>` replaces, which a flag replaces. This
//! file is the whole list; `cebe settings` prints it with what is in force and where it comes from.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

/// The file looked for in the working folder when none is named.
pub(crate) const FILE: &str = "cebe.toml";

/// Names of settings that are never printed.
const SECRETS: [&str; 2] = ["key", "admin_key"];

macro_rules! settings {
    ($($(#[doc = $doc:literal])+ $name:ident: $type:ty = $default:expr;)+) => {
        /// All settings, as plain values.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(crate) struct Settings { $($(#[doc = $doc])+ pub(crate) $name: $type,)+ }

        impl Default for Settings {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        /// Every setting with what it means, in the order of this file.
        pub(crate) const MEANINGS: &[(&str, &str)] = &[$((stringify!($name), concat!($($doc),+)),)+];
    };
}

settings! {
    /// Where commands find the server.
    server: String = "http://127.0.0.1:8080".into();
    /// The key that commands send (secret; rather in the environment than in a file).
    key: String = String::new();
    /// The company that commands mean, for keys that serve several.
    company: String = String::new();
    /// Folder of the store.
    data: String = "cebe-data".into();
    /// Address to serve at; port 0 takes a free one.
    listen: String = "127.0.0.1:8080".into();
    /// What this process does; `all` is everything.
    role: String = "all".into();
    /// The first admin key, instead of one that is made and printed at the first start (secret).
    admin_key: String = String::new();
    /// File with the master key (128 hex digits); empty: `master.key` in the data folder.
    master_key_file: String = String::new();
    /// What is logged: a level, or rules such as `info,cebe_worker=debug`.
    log: String = "info".into();
    /// Largest request body as it arrives, in bytes.
    request_bytes_max: u64 = 10 * 1024 * 1024;
    /// Longest time what was committed stays unpersisted in the Central DB, in milliseconds.
    persist_every_ms: u64 = 1_000;
    /// Time between two ticks, which retention and timers run on, in seconds.
    tick_every_s: u64 = 3_600;
    /// How long a graceful stop waits for what was accepted to be applied, in seconds.
    drain_max_s: u64 = 30;
    /// Size of a queue segment, in bytes.
    queue_segment_bytes: u64 = 64 * 1024 * 1024;
    /// Most bytes that may wait in one lane of the queue; beyond it publishers are told to come back.
    queue_waiting_bytes_max: u64 = 64 * 1024 * 1024;
    /// How long queue segments stay after they were persisted downstream, in seconds.
    queue_keep_s: u64 = 24 * 60 * 60;
}

/// Where a setting's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Origin {
    /// Built in.
    Default,
    /// `cebe.toml`.
    File,
    /// A `CEBE_*` variable.
    Environment,
    /// The command line.
    Flag,
}

/// Settings in force, and where each comes from.
#[derive(Clone, Debug)]
pub(crate) struct Effective {
    /// The values.
    pub(crate) settings: Settings,
    /// Origin by name.
    pub(crate) origins: BTreeMap<&'static str, Origin>,
}

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{path} is not TOML: {source}")]
    NotToml {
        /// Which.
        path: String,
        /// Why.
        source: toml::de::Error,
    },
    /// A name that is no setting, or a value of the wrong type.
    #[error("a setting does not fit: {0}")]
    Wrong(#[from] toml::de::Error),
    /// A value that is no number.
    #[error("CEBE_{name} must be a number")]
    NoNumber {
        /// Of which setting, upper case.
        name: String,
    },
}

/// Overlays the sources. `flags` are the settings given on the command line.
pub(crate) fn load(
    file: Option<&Path>,
    variable: &dyn Fn(&str) -> Option<String>,
    flags: &[(&'static str, String)],
) -> Result<Effective, SettingsError> {
    let mut table = defaults();
    let mut origins: BTreeMap<&'static str, Origin> =
        MEANINGS.iter().map(|(name, _)| (*name, Origin::Default)).collect();
    for (name, value) in read_file(file)? {
        mark(&mut origins, &name, Origin::File);
        table.insert(name, value);
    }
    for (name, _) in MEANINGS {
        if let Some(text) = variable(&format!("CEBE_{}", name.to_uppercase())) {
            overlay(&mut table, name, text)?;
            mark(&mut origins, name, Origin::Environment);
        }
    }
    for (name, text) in flags {
        overlay(&mut table, name, text.clone())?;
        mark(&mut origins, name, Origin::Flag);
    }
    Ok(Effective { settings: table.try_into()?, origins })
}

impl Effective {
    /// Name, value (secrets starred), origin and meaning of each setting.
    pub(crate) fn lines(&self) -> Vec<(&'static str, String, Origin, &'static str)> {
        let table = Table::try_from(&self.settings).unwrap_or_default();
        let shown = |name: &str| match table.get(name) {
            Some(Value::String(text)) if SECRETS.contains(&name) && !text.is_empty() => "*****".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let origin = |name: &str| self.origins.get(name).copied().unwrap_or(Origin::Default);
        MEANINGS.iter().map(|(name, meaning)| (*name, shown(name), origin(name), meaning.trim())).collect()
    }
}

fn defaults() -> Table {
    Table::try_from(Settings::default()).expect("settings hold only what TOML can write")
}

fn read_file(file: Option<&Path>) -> Result<Table, SettingsError> {
    let path = file.unwrap_or(Path::new(FILE));
    if file.is_none() && !path.exists() {
        return Ok(Table::new());
    }
    let shown = || path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| SettingsError::Unreadable { path: shown(), source })?;
    text.parse().map_err(|source| SettingsError::NotToml { path: shown(), source })
}

/// Puts a text in the place of a setting, as the type its default has.
fn overlay(table: &mut Table, name: &str, text: String) -> Result<(), SettingsError> {
    let value = match table.get(name) {
        Some(Value::Integer(_)) => {
            let number = text.parse().map_err(|_| SettingsError::NoNumber { name: name.to_uppercase() })?;
            Value::Integer(number)
        }
        _ => Value::String(text),
    };
    table.insert(name.to_owned(), value);
    Ok(())
}

fn mark(origins: &mut BTreeMap<&'static str, Origin>, name: &str, origin: Origin) {
    if let Some(known) = origins.get_mut(name) {
        *known = origin;
    }
}

#[cfg(test)]
mod tests;
