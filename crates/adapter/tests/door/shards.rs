//! In a cluster each company's records go to the queue of its shard, and what concerns the installation to one of its own.

use crate::house::{ADMIN, House, NOW};
use axum::{body::Body, http::Request};
use cebe_adapter::{Branch, Desk, Door, DoorSettings, Log, tag::Tag};
use cebe_catalog::{Definitions, Micros, Record, Shard, time::HOUR};
use cebe_queue::{Lane, Memory, MemorySettings, Position, Queue, ReadLimit, StoreId, system_clock};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::watch;
use tower::ServiceExt;

const ALL: ReadLimit = ReadLimit { records_max: usize::MAX, bytes_max: usize::MAX };

/// A door of a cluster over the settings of a house.
struct Cluster {
    queues: Vec<Arc<Memory>>,
    applied: Vec<watch::Sender<[u64; 2]>>,
    router: axum::Router,
}

impl Cluster {
    fn over(house: &House) -> Self {
        let queue = |_| Arc::new(Memory::new(MemorySettings::default(), StoreId([7; 16]), system_clock()));
        Self::at(house, Shard::all().map(queue).collect(), NOW)
    }

    /// A door on these queues whose clock shows this.
    fn at(house: &House, queues: Vec<Arc<Memory>>, now: Micros) -> Self {
        let applied: Vec<_> = Shard::all().map(|_| watch::channel([0, 0]).0).collect();
        let branches = queues.iter().zip(&applied);
        let branches = branches.map(|(queue, applied)| Branch { queue: queue.clone(), applied: applied.subscribe() });
        let door = Door {
            log: Log::sharded(branches.collect()),
            central: house.store.clone(),
            definitions: Arc::new(Definitions::standard().clone()),
            master: house.master.clone(),
            clock: Arc::new(move || now),
            random: cebe_adapter::system_random(),
            settings: DoorSettings::default(),
        };
        let desk = Desk::new(door).unwrap();
        let guard = axum::middleware::from_fn_with_state(desk.clone(), cebe_adapter::guard);
        Self { queues, applied, router: desk.router().layer(guard) }
    }

    async fn ask(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {ADMIN}"));
        let response = self.router.clone().oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap())
    }

    /// The receipt of an event that is refused.
    async fn refuse(&self) -> String {
        let (status, answer) = self.ask("POST", "/v1/events", json!({"company_id": "demo"})).await;
        assert_eq!((status, &answer["quarantined"]), (200, &json!(1)), "{answer}");
        answer["results"][0]["receipt"].as_str().unwrap().to_owned()
    }

    fn records(&self, shard: Shard) -> Vec<Record> {
        let found = self.queues[usize::from(shard.number())].read(Lane::Live, Position::START, ALL).unwrap();
        found.iter().map(|(_, bytes)| Record::from_bytes(bytes).unwrap()).collect()
    }

    fn received(&self, shard: Shard) -> u32 {
        let frames = self.queues[usize::from(shard.number())].frames(Lane::Live, Position::START, 99).unwrap();
        frames.iter().flat_map(|frame| Tag::from_bytes(&frame.tag).unwrap().0).map(|row| row.received).sum()
    }

    /// Says that everything is applied.
    fn apply(&self) {
        for (queue, applied) in self.queues.iter().zip(&self.applied) {
            applied.send_replace([queue.end(Lane::Live).0, queue.end(Lane::Backfill).0]);
        }
    }
}

fn event(company: &str, n: u32) -> Value {
    json!({"event_id": format!("e-{n}"), "company_id": company, "source_module": "conversion",
        "event_name": "order.placed", "producer": {"id": "till", "seq": n}, "event_attributes": {}})
}

#[tokio::test]
async fn each_company_has_the_queue_of_its_shard() {
    let house = House::open().await;
    assert_eq!(house.put("/v1/companies/acme", &json!({"name": "Acme"})).await.status, 200);
    let cluster = Cluster::over(&house);
    let [demo, acme] = ["demo", "acme"].map(|company| Shard::of(&company.into()));
    assert_ne!(demo, acme);
    let events: Vec<Value> = (0..9).map(|n| event(if n % 3 == 0 { "acme" } else { "demo" }, n)).collect();
    let (status, answer) = cluster.ask("POST", "/v1/events?verbose=true", json!(events)).await;
    assert_eq!((status, answer["results"].as_array().unwrap().len()), (200, 9), "{answer}");
    for (shard, company, count) in [(acme, "acme", 3), (demo, "demo", 6)] {
        let records = cluster.records(shard);
        let of_company = |record: &&Record| record.header().is_some_and(|header| header.company.as_str() == company);
        assert_eq!(records.iter().filter(of_company).count(), count);
        assert_eq!((records.len(), cluster.received(shard) as usize), (count + 1, count), "and their sequence numbers");
    }
    let elsewhere = Shard::all().filter(|shard| ![demo, acme].contains(shard));
    assert!(elsewhere.clone().all(|shard| cluster.records(shard).is_empty()));
}

#[tokio::test]
async fn changes_go_where_what_they_concern_stands_and_answers_wait_there() {
    let house = House::open().await;
    let cluster = Cluster::over(&house);
    let asked = async {
        let (status, _) = cluster.ask("PUT", "/v1/companies/acme", json!({"name": "Acme"})).await;
        let (flag, _) = cluster.ask("PUT", "/v1/sources/cdp", json!({"enabled": true})).await;
        let (waited, answer) = cluster.ask("POST", "/v1/events?wait=true&timeout_ms=60000", event("demo", 1)).await;
        assert_eq!(answer["accepted"].as_u64().unwrap() + answer["quarantined"].as_u64().unwrap(), 1, "{answer}");
        [status, flag, waited]
    };
    let applying = async {
        loop {
            cluster.apply();
            tokio::task::yield_now().await;
        }
    };
    let statuses = tokio::select! {
        statuses = asked => statuses,
        () = applying => unreachable!("it never ends"),
    };
    assert_eq!(statuses[1..], [200, 200]);
    let is_control = |record: &Record| matches!(record, Record::Control(_));
    assert!(cluster.records(Shard::of(&"acme".into())).iter().all(is_control));
    assert_eq!(cluster.records(Shard::of(&"acme".into())).len(), 1);
    assert_eq!(cluster.records(Shard::CONTROL).len(), 1);
    assert_eq!(cluster.received(Shard::of(&"demo".into())), 1);
}

/// Events of several companies lie in several queues, so a backfill is of one company, and says so when none is named.
#[tokio::test]
async fn a_backfill_is_of_one_company() {
    let house = House::open().await;
    let (status, answer) = Cluster::over(&house).ask("POST", "/v1/backfills", event("demo", 1)).await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!("company_required")), "{answer}");
    assert!(answer["error"]["hint"].as_str().unwrap().contains("a file of its own for each company"), "{answer}");
}

/// A receipt is the key of a refused event: doors whose clocks show the same give each their own, and a door that starts
/// again with its clock set back goes on behind what was received, through whatever door.
#[tokio::test]
async fn no_receipt_is_given_twice_by_several_doors_or_over_a_restart() {
    let house = House::open().await;
    let one = Cluster::over(&house);
    let other = Cluster::at(&house, one.queues.clone(), NOW);
    let (mut same, time) = (Vec::new(), |receipt: &String| receipt.split('-').next().unwrap().to_owned());
    for door in [&one, &other, &other, &one] {
        same.push(door.refuse().await);
    }
    assert_eq!(time(&same[0]), time(&same[1]), "their clocks show the same");
    let again = Cluster::at(&house, one.queues.clone(), Micros(NOW.0 - HOUR)).refuse().await;
    assert!(same.iter().all(|before| *before < again), "{again} after {same:?}");
    same.push(again);
    same.sort();
    same.dedup();
    assert_eq!(same.len(), 5, "{same:?}");
    let of_demo = one.records(Shard::of(&"demo".into()));
    let mut stored: Vec<String> = of_demo
        .iter()
        .filter_map(|record| match record {
            Record::Quarantined(refused) => Some(refused.receipt.to_string()),
            _ => None,
        })
        .collect();
    stored.sort();
    assert_eq!(stored, same, "what is answered is what is stored");
}
