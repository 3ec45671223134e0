//! What the worker notes of commits: latencies add up, the last time stays.

use crate::{everywhere, fixtures::company};
use cebe_catalog::Micros;
use cebe_central::{Central, Snapshot};
use cebe_engine::{
    change::Changes,
    latency::{Latencies, Spread},
    rows::{LastSeen, LastSeenKey, OutcomeKey},
};
use std::ops::ControlFlow::Continue;

fn key() -> OutcomeKey {
    OutcomeKey { company: company(), module: "ticketing".into(), hour: Micros(0) }
}

fn took(millis: &[i64]) -> Latencies {
    let mut receipt = Spread::default();
    millis.iter().for_each(|millis| receipt.note(millis * 1_000));
    Latencies { emission: receipt.clone(), receipt }
}

fn stored(now: &Snapshot, module: &str) -> Vec<Latencies> {
    let mut rows = Vec::new();
    now.latencies_of(&company(), &module.into(), Micros(0), Micros(1), &mut |_, row| {
        rows.push(row.clone());
        Continue(())
    })
    .unwrap();
    rows
}

/// CORE-MET-1: how long events took adds up over commits, by source and hour, beside the outcome counts.
#[test]
fn latencies_add_up() {
    everywhere(|store: &dyn Central| {
        let commit = |rows| store.commit(&Changes { latencies: rows, ..Changes::default() }).unwrap();
        commit(vec![(key(), took(&[1, 20])), (key(), took(&[300]))]);
        commit(vec![(key(), took(&[20, 9_000]))]);
        let now = store.snapshot().unwrap();
        assert_eq!(stored(&now, "ticketing"), [took(&[1, 20, 300, 20, 9_000])]);
        assert_eq!(stored(&now, "ticket"), []);
    });
}

/// ANCHOR-MET-1: the newest time of each name stays, whatever the order of commits.
#[test]
fn the_last_time_stays() {
    everywhere(|store: &dyn Central| {
        let name = |name: &str| LastSeenKey { company: company(), module: "deals".into(), name: name.into() };
        let row = |received: i64, applied: Option<i64>| LastSeen {
            received_at: Some(Micros(received)),
            applied_at: applied.map(Micros),
        };
        let commit = |rows| store.commit(&Changes { last_seen: rows, ..Changes::default() }).unwrap();
        commit(vec![(name("deal.won"), row(5, Some(5))), (name("deal.won"), row(9, None))]);
        commit(vec![(name("deal.won"), row(3, Some(3))), (name(""), row(2, None))]);
        let found = store.snapshot().unwrap().last_seen(&company(), &"deals".into()).unwrap();
        assert_eq!(found, [(name(""), row(2, None)), (name("deal.won"), row(9, Some(5)))]);
        assert!(store.snapshot().unwrap().last_seen(&company(), &"deal".into()).unwrap().is_empty());
    });
}
