//! The processes of CEBE: a door that takes and answers, and workers that apply.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::database::Database;
use crate::nats::Nats;

const KEY: &str = "cebe_key_of_the_benchmark";

/// All of them.
pub(crate) struct Nodes {
    door: Node,
    workers: Vec<Node>,
    url: String,
    _folder: TempDir,
}

struct Node(Child);

impl Drop for Node {
    fn drop(&mut self) {
        // What it holds goes with its servers.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Nodes {
    /// Starts them; the door has the tables made.
    pub(crate) fn start(cebe: &Path, workers: usize, nats: &Nats, database: &Database) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("bench-cebe-").tempdir()?;
        std::fs::write(folder.path().join("master.key"), "7a".repeat(64))?;
        let start = |name: &str, role: &str| start(cebe, folder.path(), (name, role), nats, database);
        // Workers first: a door that makes the first key waits until it is applied.
        let applying: Result<Vec<Node>> =
            (1..=workers).map(|number| Ok(start(&format!("worker-{number}"), "worker")?.0)).collect();
        let workers = applying?;
        let (door, url) = start("door", "adapter,retriever")?;
        Ok(Self { door, workers, url, _folder: folder })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn key(&self) -> &str {
        KEY
    }

    /// The process that takes events.
    pub(crate) fn door(&self) -> u32 {
        self.door.0.id()
    }

    /// Those that apply them.
    pub(crate) fn workers(&self) -> impl Iterator<Item = u32> {
        self.workers.iter().map(|worker| worker.0.id())
    }
}

fn start(
    cebe: &Path,
    folder: &Path,
    (name, role): (&str, &str),
    nats: &Nats,
    database: &Database,
) -> Result<(Node, String)> {
    let mut command = Command::new(cebe);
    command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(folder.join(name)).current_dir(folder);
    let settings = [
        ("CEBE_NATS_URL", nats.url()),
        ("CEBE_NATS_REPLICAS", "1".into()),
        ("CEBE_POSTGRES_URL", database.url()),
        ("CEBE_MASTER_KEY_FILE", folder.join("master.key").display().to_string()),
        ("CEBE_ADMIN_KEY", KEY.into()),
        ("CEBE_NODE", name.into()),
        ("CEBE_ROLE", role.into()),
        ("CEBE_LOG", "error".into()),
    ];
    command.envs(settings).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().with_context(|| format!("{} does not start", cebe.display()))?;
    let stdout = child.stdout.take().context("its output is not there")?;
    let node = Node(child);
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let url = lines.find_map(|line| line.strip_prefix("listening on ").map(str::to_owned));
    Ok((node, url.with_context(|| format!("{name} ended before it listened"))?))
}
