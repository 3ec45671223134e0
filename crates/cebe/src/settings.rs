//! Settings: each has a default, which `cebe.toml` replaces, which `CEBE_<NAME>` replaces, which a flag replaces. This
//! file is the whole list; `cebe settings` prints it with what is in force and where it comes from.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use toml::{Table, Value};

/// The file looked for in the working folder when none is named.
pub(crate) const FILE: &str = "cebe.toml";

/// Names of settings that are never printed, each with the setting that names a file which holds it.
const SECRETS: [(&str, &str); 5] = [
    ("key", "key_file"),
    ("admin_key", "admin_key_file"),
    ("alerts_webhook_url", "alerts_webhook_url_file"),
    ("nats_url", "nats_url_file"),
    ("postgres_url", "postgres_url_file"),
];

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
    /// The key that commands send (secret).
    key: String = String::new();
    /// File with the key that commands send, for when it is not given itself.
    key_file: String = String::new();
    /// File with the certificate authority that commands trust instead of the usual ones, in PEM.
    ca_file: String = String::new();
    /// The company that commands mean, for keys that serve several.
    company: String = String::new();
    /// Folder of the store.
    data: String = "cebe-data".into();
    /// Address to serve at; port 0 takes a free one.
    listen: String = "127.0.0.1:8080".into();
    /// What this process does: `all`, or in a cluster some of adapter, worker, retriever, separated by commas.
    role: String = "all".into();
    /// NATS servers of a cluster, separated by commas; empty: the queue is a folder of this machine (secret).
    nats_url: String = String::new();
    /// File with those addresses, for when they are not given themselves.
    nats_url_file: String = String::new();
    /// File of NATS credentials (JWT and seed), instead of a user or a token in the addresses.
    nats_credentials_file: String = String::new();
    /// File with the certificate authority of the NATS servers, in PEM; given: TLS is insisted on.
    nats_ca_file: String = String::new();
    /// File with this node's certificate for NATS servers that ask for one, in PEM.
    nats_cert_file: String = String::new();
    /// File with that certificate's private key, in PEM.
    nats_key_file: String = String::new();
    /// What the names of streams and subjects begin with.
    nats_prefix: String = "cebe".into();
    /// On how many NATS servers each record is kept.
    nats_replicas: u64 = 3;
    /// Most bytes that a lane keeps on each NATS server, beyond which publishers are told 503; 0: as the servers allow.
    nats_lane_bytes_max: u64 = 0;
    /// PostgreSQL database of a cluster; empty: the store is a folder of this machine (secret).
    postgres_url: String = String::new();
    /// File with that address, for when it is not given itself.
    postgres_url_file: String = String::new();
    /// Most connections to PostgreSQL of this process.
    postgres_connections_max: u64 = 24;
    /// Whether a start makes or changes the tables of the database when this release needs it; else `cebe migrate` does.
    postgres_migrate: bool = true;
    /// This node's name in the cluster; empty: the machine's.
    node: String = String::new();
    /// How long a node that is not heard of keeps its shards, in milliseconds.
    lease_ms: u64 = 5_000;
    /// The first admin key, instead of one that is made and printed at the first start (secret).
    admin_key: String = String::new();
    /// File with the first admin key, for when it is not given itself.
    admin_key_file: String = String::new();
    /// File with the master key (128 hex digits); empty: `master.key` in the data folder.
    master_key_file: String = String::new();
    /// What is logged: a level, or rules such as `info,cebe_worker=debug`.
    log: String = "info,fjall=warn,lsm_tree=warn".into();
    /// Where traces of requests are posted to by OTLP (HTTP, protobuf), such as http://127.0.0.1:4318/v1/traces; empty: none.
    traces_url: String = String::new();
    /// One request in so many is traced; one whose sender says whether it is traced is as it says.
    traces_one_in: u64 = 100;
    /// Largest request body as it arrives, in bytes.
    request_bytes_max: u64 = 10 * 1024 * 1024;
    /// File with the certificate chain to serve TLS with, in PEM; empty: plain HTTP.
    tls_cert_file: String = String::new();
    /// File with the certificate's private key, in PEM.
    tls_key_file: String = String::new();
    /// Most open connections; one more is told 503.
    connections_max: u64 = 10_000;
    /// How long a client may take for the head of a request, leave its connection idle, or read nothing of its answer, in
    /// seconds.
    idle_max_s: u64 = 75;
    /// How long a client may take to send a body, in seconds.
    body_max_s: u64 = 30;
    /// Bytes of bodies worked on at one time, shared fairly by companies; beyond it publishers are told 503.
    bodies_bytes_max: u64 = 256 * 1024 * 1024;
    /// Requests that one key may make in a second, beyond which it is told 429; 0 for no limit.
    key_requests_per_s_max: u64 = 0;
    /// Address that alerts are posted to as JSON, for those who run no Prometheus; empty: none (secret).
    alerts_webhook_url: String = String::new();
    /// File with that address, for when it is not given itself.
    alerts_webhook_url_file: String = String::new();
    /// How often the conditions of alerts are looked at, in seconds.
    alerts_every_s: u64 = 15;
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
    /// A file that should hold a secret.
    #[error("cannot read {path}, which {name} names: {source}")]
    NoSecret {
        /// Which setting.
        name: &'static str,
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A value of another kind.
    #[error("CEBE_{name} must be {wanted}")]
    OtherKind {
        /// Of which setting, upper case.
        name: String,
        /// What it must be.
        wanted: &'static str,
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
    read_secrets(&mut table, &mut origins)?;
    Ok(Effective { settings: table.try_into()?, origins })
}

/// Reads secrets from the files that are named, where they are not given themselves.
fn read_secrets(table: &mut Table, origins: &mut BTreeMap<&'static str, Origin>) -> Result<(), SettingsError> {
    let text = |table: &Table, name: &str| table.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    for (secret, name) in SECRETS {
        let path = text(table, name);
        if path.is_empty() || !text(table, secret).is_empty() {
            continue;
        }
        let value = std::fs::read_to_string(&path).map_err(|source| SettingsError::NoSecret { name, path, source })?;
        table.insert(secret.to_owned(), Value::String(value.trim().to_owned()));
        if let Some(origin) = origins.get(name).copied() {
            mark(origins, secret, origin);
        }
    }
    Ok(())
}

impl Effective {
    /// Name, value (secrets starred), origin and meaning of each setting.
    pub(crate) fn lines(&self) -> Vec<(&'static str, String, Origin, &'static str)> {
        let table = Table::try_from(&self.settings).unwrap_or_default();
        let shown = |name: &str| match table.get(name) {
            Some(Value::String(text)) if SECRETS.iter().any(|(secret, _)| *secret == name) && !text.is_empty() => {
                "*****".to_owned()
            }
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
    let table: Table = text.parse().map_err(|source| SettingsError::NotToml { path: shown(), source })?;
    Ok(table.into_iter().flat_map(|(name, value)| named_in_full(name, value)).collect())
}

/// `[alerts] every_s = 5` is `alerts_every_s = 5`.
fn named_in_full(name: String, value: Value) -> Vec<(String, Value)> {
    match value {
        Value::Table(inner) => inner.into_iter().map(|(end, value)| (format!("{name}_{end}"), value)).collect(),
        value => vec![(name, value)],
    }
}

/// Puts a text in the place of a setting, as the type its default has.
fn overlay(table: &mut Table, name: &str, text: String) -> Result<(), SettingsError> {
    let other = |wanted| SettingsError::OtherKind { name: name.to_uppercase(), wanted };
    let value = match table.get(name) {
        Some(Value::Integer(_)) => Value::Integer(text.parse().map_err(|_| other("a number"))?),
        Some(Value::Boolean(_)) => Value::Boolean(text.parse().map_err(|_| other("true or false"))?),
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
