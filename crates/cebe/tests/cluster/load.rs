//! Payments that are pushed to several nodes while something is done to them, and what must have become of them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use serde_json::{Value, json};

use crate::rig::{Cluster, NEVER};
use crate::support::{Line, Server, load::timeline_ids};

/// Events of one request.
const BATCH: u64 = 25;

/// Payments of several companies, pushed to several nodes until told to stop.
pub struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<BTreeSet<u64>>>,
    threads: Vec<JoinHandle<()>>,
}

pub fn payment(company: &str, number: u64) -> Value {
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
            for id in timeline_ids(node, company, &format!("customer-{customer}")) {
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
