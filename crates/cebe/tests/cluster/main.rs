//! A cluster of the real binary: its nodes share the work, take over from each other, and bear the loss of what they
//! work on. Nothing acknowledged is lost, nothing is double, and the store is what its log gives.
#![allow(clippy::unwrap_used, reason = "an unwrap is how a test fails")]

#[path = "../real_data/compare.rs"]
mod compare;
#[path = "../../../queue/tests/support/nats.rs"]
mod nats;
#[path = "../../../central/tests/support/postgres.rs"]
mod postgres;
mod rig;
#[path = "../real_data/sets.rs"]
mod sets;
#[path = "../support/mod.rs"]
mod support;

use rig::{Cluster, Load, Way, check};
use serde_json::{Value, json};

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
    cluster.nats.kill();
    cluster.nats.restart();
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

/// Public data through three nodes, one of which is killed again and again: the numbers an independent script computed.
#[test]
fn real_data_gives_the_expected_numbers_whatever_dies() {
    let Some(set) = sets::read("olist") else { return };
    let mut cluster = Cluster::start(3);
    let settings = json!({"sso_id": "sso-olist", "time_zone": "UTC", "phone_region": "BR", "currency": "BRL",
        "retention_months": 0});
    cluster.nodes[0].put("/v1/companies/olist", &settings);
    cluster.found(&[]);
    let (mut sent, chunks) = (0, set.lines.chunks(5_000));
    let deaths_every = chunks.len() / 6 + 1;
    for (place, lines) in chunks.enumerate() {
        cluster.push(place % 3, lines);
        sent += lines.len();
        if place % deaths_every == deaths_every - 1 {
            let node = &mut cluster.nodes[place / deaths_every % 3];
            node.kill9();
            node.restart_as_it_was();
        }
    }
    cluster.drain(&[0, 1, 2]);
    compare::outcomes(&cluster.nodes[1], &set, sent);
    compare::numbers(&cluster.nodes[2], &set);
    cluster.nodes[0].assert_clean();
    println!("olist: {sent} events through three nodes, all numbers as expected, verified");
}
