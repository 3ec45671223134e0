//! A cluster of the real binary: its nodes share the work, take over from each other, and bear the loss of what they
//! work on. Nothing acknowledged is lost, nothing is double, and the store is what its log gives.
#![allow(clippy::unwrap_used, reason = "an unwrap is how a test fails")]

#[path = "../real_data/compare.rs"]
mod compare;
mod load;
#[path = "../../../queue/tests/support/nats.rs"]
mod nats;
#[path = "../../../central/tests/support/postgres.rs"]
mod postgres;
mod pushing;
mod real;
mod rig;
#[path = "../real_data/sets.rs"]
mod sets;
#[path = "../support/mod.rs"]
mod support;
mod way;

use std::io::BufRead;

use cebe_catalog::Shard;
use load::{Load, check, payment};
use rig::{Cluster, NEVER};
use serde_json::{Value, json};
use way::Way;

fn companies() -> Vec<String> {
    (0..6).map(|n| format!("company-{n}")).collect()
}

/// Proves ANCHOR-TP-4 in a cluster: nodes die, sleep and come back, the database and NATS crash, all under load.
#[test]
fn nodes_take_over_and_nothing_is_lost_or_double() {
    let (mut cluster, companies) = (Cluster::start(3), companies());
    cluster.found(&companies);
    println!("first settled after {:?}", cluster.settle(0, &[0, 1, 2]));
    let load = Load::start(&cluster, &[0, 0, 1], &companies);
    load.more(400);
    cluster.nodes[2].kill9();
    println!("a killed node's shards were taken after {:?}", cluster.settle(0, &[0, 1]));
    load.more(400);
    cluster.nodes[2].restart_as_it_was();
    println!("a node that came back had its share after {:?}", cluster.settle(0, &[0, 1, 2]));
    cluster.postgres.crash_and_restart();
    load.more(400);
    cluster.nats[0].kill();
    cluster.nats[0].restart();
    load.more(400);
    // The lease holder wakes up late: others have its shards, and it writes nothing.
    cluster.nodes[2].signal("STOP");
    println!("a sleeping node's shards were taken after {:?}", cluster.settle(0, &[0, 1]));
    load.more(400);
    cluster.nodes[2].signal("CONT");
    cluster.settle(1, &[0, 1, 2]);
    let acknowledged = load.end();
    println!("{} payments were acknowledged", acknowledged.len());
    cluster.drain(&[0, 1, 2]);
    check(&cluster.nodes[2], &companies, &acknowledged);
    cluster.nodes[0].assert_clean();
    let report = cluster.nodes[1].verify();
    assert_eq!(report["received"]["compared"], true, "{report:#}");
}

#[test]
fn a_drained_node_gives_its_shards_away_and_a_stopped_one_too() {
    let mut cluster = Cluster::start(2);
    cluster.settle(0, &[0, 1]);
    let told = cluster.nodes[0].command(&["cluster", "drain", "node-1"]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    cluster.settle(0, &[0]);
    let shown = cluster.nodes[0].command(&["cluster", "--json"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    let draining = |name: &str| {
        let nodes = shown["nodes"].as_array().unwrap();
        let node = nodes.iter().find(|node| node["node"].as_str().unwrap().starts_with(name)).unwrap();
        (node["draining"].clone(), node["shards"].clone())
    };
    assert_eq!((draining("node-0"), draining("node-1")), ((json!(false), json!(65)), (json!(true), json!(0))));
    assert!(cluster.nodes[0].command(&["cluster", "resume", "node-1"]).status.success());
    cluster.settle(0, &[0, 1]);
    assert!(cluster.nodes[0].stop().success());
    cluster.settle(1, &[1]);
}

/// Proves CORE-S01-ERR1-a: events are taken, also by a door that starts then, and applied on its return.
#[test]
fn without_the_database_events_are_taken_and_applied_later() {
    let (mut cluster, companies) = (Cluster::start(1), companies());
    cluster.found(&companies);
    let address = cluster.postgres.url(cluster.database(), "postgres");
    cluster.join("adapter", &address);
    let load = Load::start(&cluster, &[0, 1], &companies);
    load.more(200);
    cluster.postgres.crash();
    load.more(400);
    let read = cluster.nodes[0].ask("GET", "/v1/metrics/total_spend?company_id=company-0", None);
    let is_honest = read.status == 503 || read.body["freshness"]["stale"] == true;
    assert!(is_honest, "{} {:#}", read.status, read.body);
    let acknowledged = load.end();
    cluster.nodes[1].kill9();
    cluster.nodes[1].restart_as_it_was();
    let late = Load::start_at(1_000_000, &cluster, &[1], &companies);
    late.more(200);
    let late = late.end();
    assert_eq!(cluster.nodes[1].ask("GET", "/readyz", None).status, 200, "a door that takes events is ready");
    cluster.postgres.restart();
    cluster.drain(&[0]);
    let all = acknowledged.union(&late).copied().collect();
    check(&cluster.nodes[0], &companies, &all);
    cluster.nodes[0].assert_clean();
}

/// What is wrong with a node's settings ends its start with the way out.
#[test]
fn a_start_that_cannot_be_says_why() {
    let mut cluster = Cluster::start(0);
    let (address, folder) = (cluster.address(), tempfile::tempdir().unwrap());
    let start = |more: [&str; 2]| {
        let mut command = std::process::Command::new(support::BINARY);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(folder.path());
        command.envs(cluster.settings("all", &address)).env(more[0], more[1]);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (more, code, words) in [
        (["CEBE_POSTGRES_MIGRATE", "false"], 5, "run `cebe migrate`"),
        (["CEBE_NATS_CERT_FILE", "cert.pem"], 2, "nats_key_file"),
        (["CEBE_POSTGRES_URL", ""], 2, "both nats_url and postgres_url"),
        (["CEBE_ROLE", "door"], 2, "adapter"),
    ] {
        let (found, told) = start(more);
        assert!(found == Some(code) && told.contains(words), "{more:?}: {found:?} {told}");
    }
    let migrated =
        std::process::Command::new(support::BINARY).arg("migrate").envs(cluster.settings("all", &address)).status();
    assert!(migrated.unwrap().success());
    cluster.join("all", &address);
    cluster.settle(0, &[0]);
}

/// A record that the database takes in no batch ends as one quarantined record; its shard goes on.
#[test]
fn a_poison_record_is_quarantined_and_its_shard_goes_on() {
    let (cluster, companies) = (Cluster::start(1), companies());
    cluster.found(&companies);
    cluster.settle(0, &[0]);
    let node = &cluster.nodes[0];
    const POISON: &str = "ALTER TABLE cebe.events ADD CONSTRAINT poison CHECK (event_id <> 'pay-7')";
    cluster.postgres.sql(cluster.database(), POISON);
    let payments = |numbers: std::ops::Range<u64>| json!(numbers.map(|n| payment("company-0", n)).collect::<Vec<_>>());
    node.post("/v1/events", &payments(0..20));
    node.drain();
    let counts = |name: &str| {
        node.get("/v1/sources?company_id=company-0")["sources"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|source| source["outcomes"][name].as_u64())
            .sum::<u64>()
    };
    assert_eq!(["received", "applied", "quarantined"].map(counts), [20, 19, 1]);
    let refused = node.get("/v1/quarantine?company_id=company-0");
    let refused = refused["quarantine"].as_array().expect("a list");
    assert_eq!((refused.len(), &refused[0]["code"]), (1, &json!("engine_fault")), "{refused:#?}");
    assert_eq!(refused[0]["event_id"], "pay-7");
    let next = node.post("/v1/events?wait=true&timeout_ms=20000", &payments(20..40));
    assert_eq!(next["applied"], 20, "the shard goes on: {next:#}");
    assert_eq!(node.metric("company-0", "total_spend")["value"], "48.75");
    node.assert_clean();
    assert_eq!(node.verify()["received"]["compared"], true);
}

/// A queue that ends before what the database has applied has lost records: the shard stands still, and its node says why.
#[test]
fn a_queue_that_lost_records_is_named_and_nothing_is_skipped() {
    let (mut cluster, companies) = (Cluster::start(1), companies());
    cluster.found(&companies);
    cluster.nodes[0].post("/v1/events?wait=true&timeout_ms=20000", &json!([payment("company-0", 1)]));
    cluster.nodes[0].kill9();
    let shard = Shard::of(&"company-0".into());
    let ahead = format!(
        "UPDATE cebe.shards SET live_position = live_position + (1::bigint << 40) WHERE shard = {}",
        shard.number()
    );
    cluster.postgres.sql(cluster.database(), &ahead);
    let log = cluster.nodes[0].restart_as_it_was_logged();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::spawn(move || log.lines().map_while(Result::ok).try_for_each(|line| tell.send(line)));
    let is_named = |line: &String| line.contains(&format!("shard {shard}")) && line.contains("has lost records");
    while !is_named(&told.recv_timeout(NEVER).expect("it is said")) {}
    let node = &cluster.nodes[0];
    node.post("/v1/events", &json!([payment("company-0", 2)]));
    let other = companies.iter().find(|company| Shard::of(&company.as_str().into()) != shard).unwrap();
    let applied = node.post("/v1/events?wait=true&timeout_ms=20000", &json!([payment(other, 3)]));
    assert_eq!(applied["applied"], 1, "the other shards go on: {applied:#}");
    assert_eq!(node.metric("company-0", "total_spend")["value"], "1.25", "nothing is skipped");
}

/// A node that is cut off from the database takes events, and its shards go to the others.
#[test]
fn a_node_cut_off_from_the_database_loses_its_shards_and_nothing_else() {
    let (mut cluster, companies) = (Cluster::start(1), companies());
    cluster.found(&companies);
    let way = Way::to(cluster.postgres.socket());
    let address = format!("postgresql://postgres@127.0.0.1:{}/{}", way.port(), cluster.database());
    cluster.join("all", &address);
    cluster.settle(0, &[0, 1]);
    let load = Load::start(&cluster, &[0, 1], &companies);
    load.more(300);
    way.cut();
    println!("a cut-off node's shards were taken after {:?}", cluster.settle(0, &[0]));
    load.more(300);
    way.mend();
    cluster.settle(0, &[0, 1]);
    let acknowledged = load.end();
    cluster.drain(&[0, 1]);
    check(&cluster.nodes[1], &companies, &acknowledged);
    cluster.nodes[0].assert_clean();
}
