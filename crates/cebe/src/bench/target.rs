//! What is measured: a server process of its own on an empty store, or one that runs already.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::process::Process;
use super::wire::Wire;
use crate::client::Client;
use crate::failure::Failure;
use crate::serve;
use crate::settings::Settings;
use cebe_traffic::Company;

/// How long everything that was taken may need to be applied.
const DRAIN_WITHIN: Duration = Duration::from_secs(600);
/// How long what goes on behind a load may need.
const SETTLE: Duration = Duration::from_secs(3);

const MODULES: [&str; 7] = ["communication", "ticketing", "deals", "marketing", "conversion", "cdp", "loyalty"];

/// A server to measure.
pub(super) struct Target {
    url: String,
    key: String,
    /// The company that reads are about.
    company: OnceLock<String>,
    own: Option<Own>,
}

struct Own {
    child: Child,
    data: PathBuf,
    _folder: Option<TempDir>,
}

impl Target {
    /// The settings' server.
    pub(super) fn running(settings: &Settings) -> Self {
        Self { url: settings.server.clone(), key: settings.key.clone(), company: OnceLock::new(), own: None }
    }

    /// A server of its own, in this folder or a temporary one.
    pub(super) fn start(data: Option<PathBuf>) -> Result<Self> {
        let folder = match data {
            Some(_) => None,
            None => Some(tempfile::Builder::new().prefix("cebe-bench-").tempdir()?),
        };
        let data = data.or_else(|| folder.as_ref().map(|folder| folder.path().to_owned()));
        let data = data.context("a folder is made when none is named")?;
        let key = serve::made_key()?;
        let (child, url) = spawn(&data, &key)?;
        Ok(Self { url, key, company: OnceLock::new(), own: Some(Own { child, data, _folder: folder }) })
    }

    /// Companies and sources of the load.
    pub(super) fn prepare(&self, companies: &[Company]) -> Result<(), Failure> {
        let client = Client::to(&self.url, &self.key, "");
        for company in companies {
            let settings = json!({"name": company.name, "time_zone": company.time_zone,
                "phone_region": company.phone_region, "currency": company.currency});
            client.write("PUT", &format!("/v1/companies/{}", company.id), &settings)?;
        }
        for module in MODULES {
            client.write("PUT", &format!("/v1/sources/{module}"), &json!({"enabled": true}))?;
        }
        let first = companies.first().map_or("", |company| company.id);
        self.company.get_or_init(|| first.to_owned());
        Ok(())
    }

    fn company(&self) -> &str {
        self.company.get().map_or("", String::as_str)
    }

    /// A connection.
    pub(super) fn wire(&self) -> Result<Wire> {
        let address = self.url.trim_start_matches("http://").trim_end_matches('/');
        Wire::connect(address, &self.key, self.company())
    }

    /// The server's process, when it is ours.
    pub(super) fn process(&self) -> Option<Process> {
        Some(Process(self.own.as_ref()?.child.id()))
    }

    /// Gives what goes on behind a load the time to end: the last persist, tables that are merged.
    pub(super) fn settle(&self) {
        std::thread::sleep(SETTLE);
    }

    /// Starts loading a file of history; its id.
    pub(super) fn backfill(&self, file: Vec<u8>) -> Result<String, Failure> {
        let answer = self.client().upload(
            "/v1/backfills",
            &[("content-type", "application/x-ndjson")],
            std::io::Cursor::new(file),
        )?;
        match answer.body["id"].as_str() {
            Some(id) if (200..300).contains(&answer.status) => Ok(id.to_owned()),
            _ => Err(Failure::from_answer(answer.status, &answer.body)),
        }
    }

    /// How far a backfill is.
    pub(super) fn backfill_state(&self, id: &str) -> Result<Value, Failure> {
        self.client().get(&format!("/v1/backfills/{id}"), &[])
    }

    /// Kills the server as a power cut would, starts it again, and waits until it is ready; how long that took.
    pub(super) fn kill_and_start(&mut self) -> Result<Duration> {
        let own = self.own.as_mut().context("only a server of our own can be killed")?;
        own.child.kill().context("the server is not killed")?;
        own.child.wait().context("the server does not end")?;
        let started = Instant::now();
        (own.child, self.url) = spawn(&own.data, &self.key)?;
        loop {
            let ready = self.wire().and_then(|mut wire| wire.get("/readyz"));
            if ready.is_ok_and(|(status, _)| status == 200) {
                return Ok(started.elapsed());
            }
            if started.elapsed() > DRAIN_WITHIN {
                bail!("the server does not become ready");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits until everything that was taken is applied.
    pub(super) fn drain(&self) -> Result<(), Failure> {
        let (client, started) = (self.client(), Instant::now());
        loop {
            // Readiness is cheap to ask for, and is told before an answer is.
            let is_near = client.get("/readyz", &[]).is_ok_and(|ready| ready["lag_ms"] == 0);
            if is_near && client.get("/v1/metrics/conversations", &[])?["freshness"]["lag_ms"] == 0 {
                return Ok(());
            }
            if started.elapsed() > DRAIN_WITHIN {
                let within = DRAIN_WITHIN.as_secs();
                return Err(anyhow!("what was sent is not applied {within} s later; send less at once").into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// For how long the oldest event that is not yet applied has waited; nothing waits at 0.
    pub(super) fn behind_ms(&self) -> Result<f64> {
        // Answered with 503 too, because a server that is far behind is not ready.
        let (_, answer) = self.wire()?.get("/readyz")?;
        let ready: Value = serde_json::from_slice(&answer)?;
        ready["lag_ms"].as_f64().context("the server does not say how far behind it is")
    }

    /// Bytes of queue and Central DB.
    pub(super) fn disk_bytes(&self) -> Option<(u64, u64)> {
        let data = &self.own.as_ref()?.data;
        Some((folder_bytes(&data.join("queue")), folder_bytes(&data.join("central"))))
    }

    fn client(&self) -> Client {
        Client::to(&self.url, &self.key, self.company())
    }
}

/// Starts a server on a folder; gives its address once it listens.
fn spawn(data: &Path, key: &str) -> Result<(Child, String)> {
    let mut command = Command::new(std::env::current_exe().context("this program is not found")?);
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data);
    command.env("CEBE_ADMIN_KEY", key).env("CEBE_LOG", "error").stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().context("the server does not start")?;
    let stdout = child.stdout.take().context("the server's output is not there")?;
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let url = lines.find_map(|line| line.strip_prefix("listening on ").map(str::to_owned));
    Ok((child, url.context("the server ended before it listened")?))
}

impl Drop for Own {
    fn drop(&mut self) {
        // It may have ended by itself; its store goes with it in any case.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn folder_bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => folder_bytes(&entry.path()),
            Ok(metadata) => blocks_bytes(&metadata),
            Err(_) => 0,
        })
        .sum()
}

/// What a file takes on disk: journals are made at full length and filled later.
#[cfg(unix)]
fn blocks_bytes(metadata: &fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    metadata.blocks() * 512
}

#[cfg(not(unix))]
fn blocks_bytes(metadata: &fs::Metadata) -> u64 {
    metadata.len()
}

/// How many events an answer says are in the store.
pub(super) fn taken(body: &[u8]) -> u64 {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    ["accepted", "applied", "duplicate"].iter().filter_map(|name| answer[*name].as_u64()).sum()
}
