//! Three nodes of the real binary on real NATS and PostgreSQL servers, all of this test's own.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::nats::Nats;
use crate::postgres;
use crate::support::{Line, MODULES, Server};

/// What the nodes want NATS to take at once.
const PAYLOAD_BYTES_MAX: usize = 8 << 20;
/// Long enough that only what never comes reaches it.
const NEVER: Duration = Duration::from_secs(120);
/// How long a silent node keeps its shards here.
const LEASE_MS: &str = "5000";
/// Events of one request.
const BATCH: u64 = 25;

/// Nodes and what they work on. The nodes go first.
pub struct Cluster {
    pub nodes: Vec<Server>,
    pub nats: Nats,
    pub postgres: postgres::Server,
    database: String,
    folder: tempfile::TempDir,
}

impl Cluster {
    /// So many nodes that do everything.
    pub fn start(nodes: usize) -> Self {
        let (nats, postgres) = (Nats::taking(PAYLOAD_BYTES_MAX), postgres::Server::own());
        let (database, folder) = (postgres.database(), tempfile::tempdir().unwrap());
        std::fs::write(folder.path().join("master.key"), "7a".repeat(64)).unwrap();
        let mut cluster = Self { nodes: Vec::new(), nats, postgres, database, folder };
        for _ in 0..nodes {
            let address = cluster.database.clone();
            cluster.join("all", &address);
        }
        cluster
    }

    /// One more node, which reaches the database at this address.
    pub fn join(&mut self, role: &str, database: &str) {
        let name = format!("node-{}", self.nodes.len());
        let (nats, key) = (self.nats.url(), self.folder.path().join("master.key").display().to_string());
        let settings = [
            ("CEBE_NATS_URL", nats.as_str()),
            ("CEBE_NATS_REPLICAS", "1"),
            ("CEBE_POSTGRES_URL", database),
            ("CEBE_POSTGRES_CONNECTIONS_MAX", "12"),
            ("CEBE_MASTER_KEY_FILE", key.as_str()),
            ("CEBE_LEASE_MS", LEASE_MS),
            ("CEBE_NODE", name.as_str()),
            ("CEBE_ROLE", role),
            ("CEBE_LOG", "error"),
        ];
        self.nodes.push(Server::start_with(&settings, Stdio::inherit()));
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

    /// Pushes lines to a node, again when it says that it cannot take them now.
    pub fn push(&self, node: usize, lines: &[String]) {
        let (line, body) = (self.nodes[node].line(), lines.join("\n").into_bytes());
        let began = Instant::now();
        loop {
            match line.ask("POST", "/v1/events", body.clone()) {
                Some(answer) if answer.status == 200 => {
                    return assert_eq!(answer.body["accepted"], lines.len(), "{:#}", answer.body["results"][0]);
                }
                answer => assert!(began.elapsed() < NEVER, "lines are taken: {answer:?}"),
            }
        }
    }

    /// Waits until everything accepted is applied, whichever node took it.
    pub fn drain(&self, nodes: &[usize]) {
        for node in nodes.iter().chain(nodes) {
            self.nodes[*node].drain();
        }
    }
}

/// Payments of several companies, pushed to several nodes until told to stop.
pub struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<BTreeSet<u64>>>,
    threads: Vec<JoinHandle<()>>,
}

fn payment(company: &str, number: u64) -> Value {
    json!({
        "event_id": format!("pay-{number}"),
        "company_id": company,
        "qontak_customer_id": format!("customer-{}", number % BATCH),
        "event_timestamp": "2026-11-02T09:00:00Z",
        "source_module": "conversion",
        "event_name": "order.paid",
        "event_attributes": {"payment_type": "full", "paid_amount": "1.25", "payment_id": format!("p-{number}")},
    })
}

/// Which company a payment belongs to.
fn company_of(companies: &[String], number: u64) -> &str {
    let place = usize::try_from(number / BATCH).unwrap_or(0) % companies.len();
    &companies[place]
}

impl Load {
    pub fn start(cluster: &Cluster, nodes: &[usize], companies: &[String]) -> Self {
        Self::start_at(0, cluster, nodes, companies)
    }

    /// The same with payments from this number on.
    pub fn start_at(first: u64, cluster: &Cluster, nodes: &[usize], companies: &[String]) -> Self {
        let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let next = Arc::new(AtomicU64::new(first));
        let threads = nodes.iter().map(|node| {
            let (line, companies, next) = (cluster.nodes[*node].line(), companies.to_vec(), Arc::clone(&next));
            let (stop, acknowledged) = (Arc::clone(&stop), Arc::clone(&acknowledged));
            thread::spawn(move || write(&line, &companies, &next, &stop, &acknowledged))
        });
        let threads = threads.collect();
        Self { stop, acknowledged, threads }
    }

    /// How many payments were acknowledged.
    pub fn count(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// Waits until so many more are.
    pub fn more(&self, more: usize) {
        let (wanted, began) = (self.count() + more, Instant::now());
        while self.count() < wanted {
            assert!(began.elapsed() < NEVER, "events go on being taken");
            thread::yield_now();
        }
    }

    pub fn end(self) -> BTreeSet<u64> {
        self.stop.store(true, Ordering::SeqCst);
        self.threads.into_iter().for_each(|thread| thread.join().unwrap());
        std::mem::take(&mut *self.acknowledged.lock().unwrap())
    }
}

/// Half of the requests hold events of two companies, which lie in different queues.
fn write(line: &Line, companies: &[String], next: &AtomicU64, stop: &AtomicBool, acknowledged: &Mutex<BTreeSet<u64>>) {
    while !stop.load(Ordering::SeqCst) {
        let first = next.fetch_add(2 * BATCH, Ordering::SeqCst);
        let numbers = first..first + 2 * BATCH;
        let events: Vec<Value> = numbers.clone().map(|n| payment(company_of(companies, n), n)).collect();
        // What was refused or cut off is sent again, as a publisher would.
        while !stop.load(Ordering::SeqCst) {
            // Waiting for the commit, at most a second, keeps the load small and gives each way of answering its turn.
            match line.ask("POST", "/v1/events?wait=true&timeout_ms=1000", json!(events).to_string().into_bytes()) {
                Some(answer) if answer.status == 200 => {
                    let taken = ["accepted", "applied", "duplicate"].map(|status| answer.body[status].as_u64());
                    let taken: u64 = taken.into_iter().flatten().sum();
                    assert_eq!(taken, 2 * BATCH, "{:#}", answer.body);
                    acknowledged.lock().unwrap().extend(numbers);
                    break;
                }
                Some(answer) => assert_eq!(answer.status, 503, "{:#}", answer.body),
                None => {}
            }
        }
    }
}

/// Everything acknowledged is there once, and the numbers say the same.
pub fn check(node: &Server, companies: &[String], acknowledged: &BTreeSet<u64>) {
    for company in companies {
        let wanted = acknowledged.iter().filter(|number| company_of(companies, **number) == company);
        let mut seen = BTreeSet::new();
        for customer in 0..BATCH {
            for id in timeline(node, company, customer) {
                assert!(seen.insert(id.clone()), "{id} is there twice");
            }
        }
        let lost: Vec<u64> = wanted.filter(|number| !seen.contains(&format!("pay-{number}"))).copied().collect();
        assert_eq!(lost, Vec::<u64>::new(), "acknowledged and lost");
        let spend = seen.len() * 125;
        let expected = format!("{}.{:02}", spend / 100, spend % 100);
        let metric = node.metric(company, "total_spend");
        assert_eq!(metric["value"], expected.as_str(), "{metric:#}");
    }
}

fn timeline(node: &Server, company: &str, customer: u64) -> Vec<String> {
    let (mut ids, mut before) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/customers/customer-{customer}/timeline?company_id={company}&limit=1000{before}");
        let page = node.get(&path);
        let events = page["events"].as_array().expect("a timeline has events");
        ids.extend(events.iter().filter_map(|event| event["event_id"].as_str().map(str::to_owned)));
        match page["next"].as_str() {
            Some(next) => before = format!("&before={next}"),
            None => return ids,
        }
    }
}

/// A way to the database that can be cut.
pub struct Way {
    port: u16,
    cut: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
}

impl Way {
    pub fn to(socket: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (cut, open) = (Arc::new(AtomicBool::new(false)), Arc::<Mutex<Vec<TcpStream>>>::default());
        let (is_cut, kept) = (Arc::clone(&cut), Arc::clone(&open));
        thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                if is_cut.load(Ordering::SeqCst) {
                    continue;
                }
                let Ok(far) = UnixStream::connect(&socket) else { continue };
                kept.lock().unwrap().push(near.try_clone().unwrap());
                let (mut near_in, mut far_out) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                let (mut far_in, mut near_out) = (far, near);
                thread::spawn(move || carry(&mut near_in, &mut far_out));
                thread::spawn(move || {
                    carry(&mut far_in, &mut near_out);
                    let _ended = near_out.shutdown(Shutdown::Both);
                });
            }
        });
        Self { port, cut, open }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Nothing passes any more, and what was open breaks.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        for stream in self.open.lock().unwrap().drain(..) {
            let _ended = stream.shutdown(Shutdown::Both);
        }
    }

    pub fn mend(&self) {
        self.cut.store(false, Ordering::SeqCst);
    }
}

fn carry(from: &mut impl Read, to: &mut impl Write) {
    let mut bytes = [0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..read]).is_err() {
            return;
        }
    }
}
