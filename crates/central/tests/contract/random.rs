//! Random histories: both implementations hold the same bytes, and the log, the dedup rows and the points are what a
//! plain map says they are.

use crate::{fixtures::*, pg_server, pg_settings, settings};
use cebe_catalog::{EventRecord, Lane, Micros};
use cebe_central::{Central, Embedded, KeyRange, Memory, Order, Table, postgres::Database};
use cebe_engine::{
    change::{Changes, Removed},
    rows::{NodeKey, Place, Point, PointKey, Sum},
};
use proptest::prelude::*;
use std::{collections::BTreeMap, ops::ControlFlow::Continue};

const COMPANIES: [&str; 3] = ["a", "a\0", "b"];
const IDS: [&str; 5] = ["018f0000-0000-7000-8000-00000000000a", "x", "x\0", "", "é"];

/// One act on one event, point or node.
#[derive(Clone, Debug)]
enum Act {
    Apply { company: usize, id: usize, anchor: u8, month: i64 },
    Retire { company: usize, id: usize },
    Displace { company: usize, id: usize, anchor: u8 },
    Add { company: usize, bucket: i64, sum: i64 },
    Link { company: usize, anchor: u8, gone: bool },
}

fn act() -> impl Strategy<Value = Act> {
    let (company, id) = (0..COMPANIES.len(), 0..IDS.len());
    prop_oneof![
        4 => (company.clone(), id.clone(), 0..4u8, 0..3i64)
            .prop_map(|(company, id, anchor, month)| Act::Apply { company, id, anchor, month }),
        1 => (company.clone(), id.clone()).prop_map(|(company, id)| Act::Retire { company, id }),
        1 => (company.clone(), id, 0..4u8).prop_map(|(company, id, anchor)| Act::Displace { company, id, anchor }),
        2 => (company.clone(), 0..3i64, -2..3i64)
            .prop_map(|(company, bucket, sum)| Act::Add { company, bucket, sum }),
        1 => (company, 0..4u8, any::<bool>()).prop_map(|(company, anchor, gone)| Act::Link { company, anchor, gone }),
    ]
}

fn histories() -> impl Strategy<Value = Vec<Vec<Act>>> {
    prop::collection::vec(prop::collection::vec(act(), 0..12), 1..10)
}

/// What a plain map knows of an event key.
#[derive(Clone, Debug, PartialEq)]
enum Known {
    Live(Box<EventRecord>, Place),
    Retired,
}

#[derive(Default)]
struct Model {
    events: BTreeMap<(usize, usize), Known>,
    points: BTreeMap<(usize, i64), i128>,
    index: u64,
}

impl Model {
    fn commit(&mut self, acts: &[Act]) -> Changes {
        let mut changes = Changes::default();
        let mut touched = Vec::new();
        for act in acts {
            match *act {
                Act::Apply { company, id, anchor, month } => {
                    if self.events.contains_key(&(company, id)) {
                        continue;
                    }
                    touched.push((company, id));
                    self.apply(&mut changes, company, id, anchor, month);
                }
                Act::Retire { company, id } if !touched.contains(&(company, id)) => {
                    if let Some(Known::Live(event, _)) = self.events.get(&(company, id)) {
                        changes.removed.push(retiring(event));
                        self.events.insert((company, id), Known::Retired);
                        touched.push((company, id));
                    }
                }
                Act::Displace { company, id, anchor } if !touched.contains(&(company, id)) => {
                    if let Some(Known::Live(event, _)) = self.events.get(&(company, id)) {
                        changes.removed.push(Removed { key: seen_key(event), seen: None });
                        self.apply(&mut changes, company, id, anchor, 0);
                        touched.push((company, id));
                    }
                }
                Act::Retire { .. } | Act::Displace { .. } => {}
                Act::Add { company, bucket, sum } => self.add(&mut changes, company, bucket, sum),
                Act::Link { company, anchor, gone } => {
                    let key = NodeKey { company: COMPANIES[company].into(), node: phone(anchor) };
                    changes.nodes.push((key, (!gone).then(Default::default)));
                }
            }
        }
        changes.positions = vec![Place { lane: Lane::Live, index: self.index }];
        changes
    }

    fn apply(&mut self, changes: &mut Changes, company: usize, id: usize, anchor: u8, month: i64) {
        let anchor = (anchor > 0).then(|| phone(anchor));
        let mut event = event(&COMPANIES[company].into(), IDS[id], anchor, 1);
        event.header.received_at.0 += month * 31 * 86_400_000_000;
        changes.applied.extend(applying(self.index, std::slice::from_ref(&event)).applied);
        self.events.insert((company, id), Known::Live(Box::new(event), place(self.index)));
        self.index += 1;
    }

    fn add(&mut self, changes: &mut Changes, company: usize, bucket: i64, sum: i64) {
        let (component, bucket_start) = ("c".into(), Micros(bucket));
        let key = PointKey { company: COMPANIES[company].into(), component, bucket: bucket_start, dimensions: vec![] };
        let live = Sum { sum: sum.into(), count: 0 };
        changes.points.push((key, Point { live, sealed: Sum::default() }));
        *self.points.entry((company, bucket)).or_default() += i128::from(sum);
    }

    /// Live events of a company, by place.
    fn log(&self, company: usize) -> BTreeMap<Place, EventRecord> {
        let known = self.events.iter().filter(|((c, _), _)| *c == company);
        known
            .filter_map(|(_, known)| match known {
                Known::Live(event, place) => Some((*place, (**event).clone())),
                Known::Retired => None,
            })
            .collect()
    }

    fn check(&self, store: &dyn Central) {
        let now = store.snapshot().unwrap();
        for (company, name) in COMPANIES.iter().enumerate() {
            let mut log = BTreeMap::new();
            now.log(&(*name).into(), &mut |event, place| {
                assert!(log.insert(place, event).is_none(), "each event once");
                Continue(())
            })
            .unwrap();
            assert_eq!(log, self.log(company));
            let mut points = Vec::new();
            now.all_points(&(*name).into(), &mut |key, point| {
                points.push(((company, key.bucket.0), point.live.sum));
                Continue(())
            })
            .unwrap();
            let model = self.points.iter().filter(|((c, _), sum)| *c == company && **sum != 0);
            assert_eq!(points, model.map(|(key, sum)| (*key, *sum)).collect::<Vec<_>>());
        }
        for ((company, id), known) in &self.events {
            let key = seen_key(&event(&COMPANIES[*company].into(), IDS[*id], None, 1));
            let seen = now.seen(&key).unwrap().expect("a known key has a dedup row");
            assert_eq!(seen.retired, *known == Known::Retired);
        }
    }
}

fn scan(store: &dyn Central, table: Table, order: Order) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut rows = Vec::new();
    let now = store.snapshot().unwrap();
    now.view()
        .scan(table, KeyRange::all(), order, &mut |key, value| {
            rows.push((key.to_vec(), value.to_vec()));
            Continue(())
        })
        .unwrap();
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn both_stores_hold_what_the_history_says(history in histories()) {
        let dir = tempfile::tempdir().unwrap();
        let (memory, embedded) = (Memory::new(), Embedded::open(dir.path(), settings()).unwrap());
        let mut model = Model::default();
        for acts in &history {
            let changes = model.commit(acts);
            memory.commit(&changes).unwrap();
            embedded.commit(&changes).unwrap();
        }
        model.check(&memory);
        model.check(&embedded);
        for table in Table::ALL.into_iter().filter(|table| *table != Table::Meta) {
            let rows = scan(&memory, table, Order::Forward);
            prop_assert_eq!(&rows, &scan(&embedded, table, Order::Forward));
            let backward: Vec<_> = rows.into_iter().rev().collect();
            prop_assert_eq!(&backward, &scan(&memory, table, Order::Backward));
            prop_assert_eq!(&backward, &scan(&embedded, table, Order::Backward));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 20, ..ProptestConfig::default() })]

    /// The same rows, whatever tables they lie in; events apart, which are compared as events, and nodes, whose numbers do
    /// not lie in the same place.
    #[test]
    fn postgres_holds_what_memory_holds(history in histories()) {
        let database = Database::connect(&pg_server::shared().database(), pg_settings()).unwrap();
        let (memory, postgres) = (Memory::new(), database.central().unwrap());
        let mut model = Model::default();
        for acts in &history {
            let changes = model.commit(acts);
            memory.commit(&changes).unwrap();
            postgres.commit(&changes).unwrap();
        }
        model.check(&*postgres);
        let apart = [Table::Meta, Table::Body, Table::Node, Table::NodeCounts];
        for table in Table::ALL.into_iter().filter(|table| !apart.contains(table)) {
            for order in [Order::Forward, Order::Backward] {
                prop_assert_eq!(scan(&memory, table, order), scan(&*postgres, table, order), "{:?}", table);
            }
        }
    }
}
