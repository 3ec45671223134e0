//! What is measured: a server process of its own on an empty store, or one that runs already.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::wire::Wire;
use crate::client::Client;
use crate::failure::Failure;
use crate::serve;
use crate::settings::Settings;
use crate::traffic::Company;

/// How long everything that was taken may need to be applied.
const DRAIN_WITHIN: Duration = Duration::from_secs(600);

/// A server to measure.
pub(super) struct Target {
    url: String,
    key: String,
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
        Self { url: settings.server.clone(), key: settings.key.clone(), own: None }
    }

    /// A server of its own.
    pub(super) fn start(data: Option<String>) -> Result<Self> {
        let folder =
            if data.is_none() { Some(tempfile::Builder::new().prefix("cebe-bench-").tempdir()?) } else { None };
        let data = match (&data, &folder) {
            (Some(data), _) => PathBuf::from(data),
            (None, Some(folder)) => folder.path().to_path_buf(),
            (None, None) => unreachable!("a folder is made when none is named"),
        };
        let key = serve::made_key()?;
        let mut command = Command::new(std::env::current_exe().context("this program is not found")?);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
        command.env("CEBE_ADMIN_KEY", &key).env("CEBE_LOG", "error").stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().context("the server does not start")?;
        let stdout = child.stdout.take().context("the server's output is not there")?;
        let lines = BufReader::new(stdout).lines().map_while(Result::ok);
        let url = lines.into_iter().find_map(|line| line.strip_prefix("listening on ").map(str::to_owned));
        let url = url.context("the server ended before it listened")?;
        Ok(Self { url, key, own: Some(Own { child, data, _folder: folder }) })
    }

    /// The company and sources of the load.
    pub(super) fn prepare(&self) -> Result<(), Failure> {
        let (client, company) = (self.client(), &Company::JAKARTA);
        let settings = json!({"name": company.name, "sso_id": format!("sso-{}", company.id),
            "time_zone": company.time_zone, "phone_region": company.phone_region, "currency": company.currency});
        client.write("PUT", &format!("/v1/companies/{}", company.id), &settings)?;
        for module in ["communication", "ticketing", "deals", "marketing", "conversion", "cdp", "loyalty"] {
            client.write("PUT", &format!("/v1/sources/{module}"), &json!({"enabled": true}))?;
        }
        Ok(())
    }

    /// A connection.
    pub(super) fn wire(&self) -> Result<Wire> {
        let address = self.url.trim_start_matches("http://").trim_end_matches('/');
        Wire::connect(address, &self.key, Company::JAKARTA.id)
    }

    /// Waits until everything that was taken is applied.
    pub(super) fn drain(&self) -> Result<(), Failure> {
        let (client, started) = (self.client(), Instant::now());
        loop {
            let answer = client.get("/v1/metrics/conversations", &[])?;
            if answer["freshness"]["lag_ms"] == 0 {
                return Ok(());
            }
            if started.elapsed() > DRAIN_WITHIN {
                let message = "the queue does not drain".to_owned();
                return Err(Failure::NotNow { status: 200, message });
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Peak resident memory of the server, where the system tells.
    pub(super) fn memory_peak_bytes(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.own.as_ref()?.child.id())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? * 1_024)
    }

    /// Bytes of queue and Central DB.
    pub(super) fn disk_bytes(&self) -> Option<(u64, u64)> {
        let data = &self.own.as_ref()?.data;
        Some((folder_bytes(&data.join("queue")), folder_bytes(&data.join("central"))))
    }

    fn client(&self) -> Client {
        Client::to(&self.url, &self.key, Company::JAKARTA.id)
    }
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
