//! Nodes of the real binary on real NATS and PostgreSQL servers, all of this test's own.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::nats::Nats;
use crate::postgres;
use crate::support::{MODULES, Server};

/// What the nodes want NATS to take at once.
const PAYLOAD_BYTES_MAX: usize = 8 << 20;
/// Long enough that only what never comes reaches it.
pub const NEVER: Duration = Duration::from_secs(120);
/// How long a silent node keeps its shards here.
const LEASE_MS: &str = "5000";
/// Nodes and what they work on. The nodes go first.
pub struct Cluster {
    pub nodes: Vec<Server>,
    /// One server, or three that keep every record each.
    pub nats: Vec<Nats>,
    pub postgres: postgres::Server,
    database: String,
    folder: tempfile::TempDir,
}

impl Cluster {
    /// So many nodes that do everything, on one NATS server.
    pub fn start(nodes: usize) -> Self {
        let mut cluster = Self::on(vec![Nats::taking(PAYLOAD_BYTES_MAX)]);
        for _ in 0..nodes {
            let address = cluster.database.clone();
            cluster.join("all", &address);
        }
        cluster
    }

    /// Three NATS servers and a database, without nodes.
    pub fn of_three_servers() -> Self {
        Self::on(Nats::start_three(PAYLOAD_BYTES_MAX).into())
    }

    fn on(nats: Vec<Nats>) -> Self {
        let postgres = postgres::Server::own();
        let (database, folder) = (postgres.database(), tempfile::tempdir().unwrap());
        std::fs::write(folder.path().join("master.key"), "7a".repeat(64)).unwrap();
        Self { nodes: Vec::new(), nats, postgres, database, folder }
    }

    /// One more node, which reaches the database at this address.
    pub fn join(&mut self, role: &str, database: &str) {
        let settings = self.settings(role, database);
        let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.nodes.push(Server::start_with(&settings, Stdio::inherit()));
    }

    /// The settings of the next node.
    pub fn settings(&self, role: &str, database: &str) -> [(&'static str, String); 9] {
        let nats = self.nats.iter().map(Nats::url).collect::<Vec<_>>().join(",");
        let key = self.folder.path().join("master.key").display().to_string();
        [
            ("CEBE_NATS_URL", nats),
            ("CEBE_NATS_REPLICAS", self.nats.len().to_string()),
            ("CEBE_POSTGRES_URL", database.to_owned()),
            ("CEBE_POSTGRES_CONNECTIONS_MAX", "12".to_owned()),
            ("CEBE_MASTER_KEY_FILE", key),
            ("CEBE_LEASE_MS", LEASE_MS.to_owned()),
            ("CEBE_NODE", format!("node-{}", self.nodes.len())),
            ("CEBE_ROLE", role.to_owned()),
            ("CEBE_LOG", "error".to_owned()),
        ]
    }

    /// The address of the database.
    pub fn address(&self) -> String {
        self.database.clone()
    }

    /// The database's name.
    pub fn database(&self) -> &str {
        postgres::name(&self.database)
    }

    /// Companies with every source switched on.
    pub fn found(&self, companies: &[String]) {
        for company in companies {
            self.nodes[0].put(&format!("/v1/companies/{company}"), &json!({"retention_months": 0}));
        }
        for module in MODULES {
            self.nodes[0].put(&format!("/v1/sources/{module}"), &json!({"enabled": true}));
        }
    }

    /// How many shards each node holds, as this one sees it, when every shard is held by one of these.
    fn shares(&self, by: usize, holders: &[usize]) -> Option<BTreeMap<String, usize>> {
        let seen = self.nodes[by].ask("GET", "/v1/cluster", None);
        if seen.status != 200 || seen.body["stale"] != false {
            return None;
        }
        let mut shares = BTreeMap::new();
        for shard in seen.body["shards"].as_array()? {
            let node = shard["node"].as_str()?.split('/').next()?.to_owned();
            if !holders.iter().any(|holder| node == format!("node-{holder}")) {
                return None;
            }
            *shares.entry(node).or_default() += 1;
        }
        Some(shares)
    }

    /// Waits until these nodes hold all shards, as evenly as can be; how long that took.
    pub fn settle(&self, by: usize, holders: &[usize]) -> Duration {
        let (began, most) = (Instant::now(), 65_usize.div_ceil(holders.len()));
        loop {
            let shares = self.shares(by, holders);
            if shares.as_ref().is_some_and(|s| s.len() == holders.len() && s.values().all(|held| *held <= most)) {
                return began.elapsed();
            }
            assert!(began.elapsed() < NEVER, "the shards settle on {holders:?}: {shares:?}");
            thread::yield_now();
        }
    }

    /// Waits until everything accepted is applied, whichever node took it.
    pub fn drain(&self, nodes: &[usize]) {
        for node in nodes.iter().chain(nodes) {
            self.nodes[*node].drain();
        }
    }
}
