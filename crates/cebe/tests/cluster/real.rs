//! Public data through three nodes on three NATS servers, while everything that may fail does, one after the other: the
//! numbers must be those that an independent script computed. The smallest set always; CEBE_REAL_DATA=full runs all of
//! them, the names of sets run theirs (made for a release build: `make real-data`).

use std::time::Instant;

use serde_json::json;

use crate::compare;
use crate::pushing::{Doors, Pushing};
use crate::rig::Cluster;
use crate::sets;
use crate::way::Way;

/// What is done to the cluster while events come in.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// Each node in turn is killed and started again.
    NodesKilled,
    /// The database crashes and comes back.
    DatabaseCrashed,
    /// Each NATS server in turn is killed and comes back.
    NatsKilled,
    /// A node that holds shards is stopped, and wakes up when others have them.
    Asleep,
    /// Between one node and the database nothing passes.
    CutOff,
}

const FAULTS: [Fault; 5] =
    [Fault::NodesKilled, Fault::DatabaseCrashed, Fault::NatsKilled, Fault::Asleep, Fault::CutOff];
const NODES: [usize; 3] = [0, 1, 2];
/// How often a round of faults goes on pushing.
const STEPS: usize = 14;
/// Events that one round of faults is for, and events of a chunk.
const ROUND_EVENTS: usize = 100_000;
const CHUNK_EVENTS_MAX: usize = 500;

/// A cluster whose first node reaches the database by a way that can be cut.
struct Stage {
    cluster: Cluster,
    way: Way,
}

impl Stage {
    fn new(company: &str) -> Self {
        let mut cluster = Cluster::of_three_servers();
        let way = Way::to(cluster.postgres.socket());
        let by_way = format!("postgresql://postgres@127.0.0.1:{}/{}", way.port(), cluster.database());
        let address = cluster.address();
        for address in [&by_way, &address, &address] {
            cluster.join("all", address);
        }
        let (region, currency) = if company == "olist" { ("BR", "BRL") } else { ("US", "USD") };
        let settings = json!({"sso_id": format!("sso-{company}"), "time_zone": "UTC", "phone_region": region,
            "currency": currency, "retention_months": 0});
        cluster.nodes[0].put(&format!("/v1/companies/{company}"), &settings);
        cluster.found(&[]);
        cluster.settle(0, &NODES);
        Self { cluster, way }
    }

    /// Bears a fault while events come in, and has all nodes at work again.
    fn bear(&mut self, fault: Fault, doors: &Doors, pushing: &mut Pushing<'_>, step: usize) {
        pushing.more(step);
        match fault {
            Fault::NodesKilled => self.kill_nodes(doors, pushing, step),
            Fault::DatabaseCrashed => {
                self.cluster.postgres.crash();
                pushing.more(step);
                self.cluster.postgres.restart();
            }
            Fault::NatsKilled => {
                for server in &mut self.cluster.nats {
                    server.kill();
                    pushing.more(step);
                    server.restart();
                    server.wait_until_well();
                }
            }
            Fault::Asleep => self.stop_one(doors, pushing, step),
            Fault::CutOff => {
                self.way.cut();
                println!("a cut-off node's shards were taken after {:?}", self.cluster.settle(1, &[1, 2]));
                pushing.more(step);
                self.way.mend();
            }
        }
        self.cluster.settle(1, &NODES);
    }

    fn kill_nodes(&mut self, doors: &Doors, pushing: &mut Pushing<'_>, step: usize) {
        for node in NODES {
            doors.close(node);
            self.cluster.nodes[node].kill9();
            pushing.more(step);
            if node == 2 {
                println!("a killed node's shards were taken after {:?}", self.cluster.settle(0, &[0, 1]));
            }
            self.cluster.nodes[node].restart_as_it_was();
            doors.open(node, &self.cluster.nodes[node]);
        }
    }

    fn stop_one(&mut self, doors: &Doors, pushing: &mut Pushing<'_>, step: usize) {
        doors.close(2);
        // What it was asked last has its answer when it wakes up.
        pushing.wait_until_under_way(1);
        self.cluster.nodes[2].signal("STOP");
        println!("a sleeping node's shards were taken after {:?}", self.cluster.settle(0, &[0, 1]));
        pushing.more(step);
        self.cluster.nodes[2].signal("CONT");
        doors.open(2, &self.cluster.nodes[2]);
    }
}

fn run(name: &'static str) {
    let Some(set) = sets::read(name) else { return };
    let (mut stage, began) = (Stage::new(name), Instant::now());
    let rounds = set.lines.len().div_ceil(ROUND_EVENTS);
    let chunk = (set.lines.len() / (rounds * STEPS * 4)).clamp(1, CHUNK_EVENTS_MAX);
    let step = set.lines.len().div_ceil(chunk * rounds * STEPS);
    let doors = Doors::of(&stage.cluster.nodes);
    std::thread::scope(|scope| {
        let mut pushing = Pushing::start(scope, &doors, &set.lines, chunk);
        for fault in FAULTS.iter().cycle().take(rounds * FAULTS.len()) {
            stage.bear(*fault, &doors, &mut pushing, step);
        }
        pushing.finish();
    });
    let cluster = &stage.cluster;
    cluster.drain(&NODES);
    compare::outcomes(&cluster.nodes[1], &set, set.lines.len());
    compare::numbers(&cluster.nodes[2], &set);
    cluster.nodes[0].assert_clean();
    let report = cluster.nodes[1].verify();
    assert_eq!(report["received"]["compared"], true, "{report:#}");
    println!(
        "{name}: {} events through three nodes in {:?}, every fault {rounds} times, all numbers as expected, verified",
        set.lines.len(),
        began.elapsed(),
    );
}

/// Proves CORE-CON-SLA and CORE-CON-EXACTLY-ONCE in a cluster on real input.
#[test]
fn real_data_gives_the_expected_numbers_whatever_fails() {
    let wish = std::env::var("CEBE_REAL_DATA").unwrap_or_else(|_| "identity".to_owned());
    for name in ["identity", "olist", "servicenow", "starbucks"] {
        if wish == "full" || wish.split(',').any(|wish| wish == name) {
            run(name);
        }
    }
}
