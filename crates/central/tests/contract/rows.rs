//! Rows, deltas, positions, control: what was committed is what is read.

use crate::{everywhere, fixtures::*};
use cebe_catalog::{EventId, Lane, Micros, Token, control::TeamRow, time::Day};
use cebe_central::{KeyRange, Memory, Order, Table};
use cebe_engine::{
    change::{Changes, ControlChange, ControlKind, ControlRow, Counts},
    rows::*,
    want::{Kept, Wants},
};
use smol_str::SmolStr;
use std::ops::ControlFlow::{Break, Continue};

fn node_row(blocked: bool) -> NodeRow {
    NodeRow { blocked, together: vec![customer("x")], ..NodeRow::default() }
}

fn node_key(id: &str) -> NodeKey {
    NodeKey { company: company(), node: customer(id) }
}

fn fact_key(owner: Owner, fact: &str, key: &str) -> FactKey {
    FactKey { company: company(), owner, fact: fact.into(), key: key.into() }
}

fn fact_row(truncated: u64) -> FactRow {
    FactRow { entries: Vec::new(), truncated }
}

fn point_key(component: &str, bucket: i64, dimensions: &[&str]) -> PointKey {
    let dimensions = dimensions.iter().map(SmolStr::new).collect();
    PointKey { company: company(), component: component.into(), bucket: Micros(bucket), dimensions }
}

fn live(sum: i128) -> Point {
    Point { live: Sum { sum, count: 1 }, sealed: Sum::default() }
}

/// CORE-CON-SLA, RETN-QUEUE: state and queue position come and stay together, so nothing is lost between them.
#[test]
fn a_commit_is_visible_at_once_and_whole() {
    everywhere(|store| {
        let before = store.snapshot().unwrap();
        let event = event(&company(), "e1", Some(customer("c")), 5);
        let mut changes = applying(0, std::slice::from_ref(&event));
        changes.nodes.push((node_key("c"), Some(node_row(true).into())));
        changes.vault.push((company(), Token([1; 16]), vec![0, 1, 255]));
        store.commit(&changes).unwrap();

        let after = store.snapshot().unwrap();
        assert_eq!(after.seen(&seen_key(&event)).unwrap(), Some(seen(&event, place(0), false)));
        assert_eq!(after.event(&seen_key(&event)).unwrap(), Some(event.clone()));
        assert_eq!(after.node(&company(), &customer("c")).unwrap(), Some(node_row(true)));
        assert_eq!(after.vault(&company(), &Token([1; 16])).unwrap(), Some(vec![0, 1, 255]));
        assert_eq!(after.positions().unwrap(), [place(1)]);
        assert_eq!(store.persist().unwrap(), [place(1)]);
        assert_eq!(store.facts().commits, 1);

        assert_eq!(before.seen(&seen_key(&event)).unwrap(), None, "an older view stays as it was");
        assert_eq!(before.positions().unwrap(), []);
        assert!(before.companies_with_log().unwrap().is_empty());
    });
}

#[test]
fn positions_move_lane_by_lane() {
    everywhere(|store| {
        let backfill = Place { lane: Lane::Backfill, index: 7 };
        store.commit(&Changes { positions: vec![backfill], ..Changes::default() }).unwrap();
        store.commit(&Changes { positions: vec![place(3)], ..Changes::default() }).unwrap();
        store.commit(&Changes::default()).unwrap();
        assert_eq!(store.snapshot().unwrap().positions().unwrap(), [place(3), backfill]);
        assert_eq!(store.persist().unwrap(), [place(3), backfill]);
    });
}

#[test]
fn loading_answers_in_the_order_asked() {
    everywhere(|store| {
        let events: Vec<_> = ["b", "a", "c"].map(|id| event(&company(), id, Some(customer("p")), 1)).into();
        let mut changes = applying(0, &events);
        changes.nodes.push((node_key("n2"), Some(node_row(false).into())));
        let owner = Owner::Anchor(customer("p"));
        changes.facts.push((fact_key(owner.clone(), "order", "1"), Some(fact_row(1).into())));
        changes.facts.push((fact_key(Owner::Entity, "order", "2"), Some(fact_row(2).into())));
        let day = ActivityKey { company: company(), component: "k".into(), day: Day(1), anchor: customer("p") };
        let marks = Marks { live: 1, sealed: 2 };
        let of_another = ActivityKey { anchor: customer("o"), ..day.clone() };
        changes.activity = vec![(day.clone(), marks), (of_another, marks)];
        let tally = TallyKey { company: company(), anchor: customer("p"), component: "spend".into() };
        let added = Tally::of_log(Sum { sum: 10, count: 1 });
        changes.tallies.push((tally.clone(), added));
        store.commit(&changes).unwrap();

        let absent = event(&company(), "z", None, 1);
        let keys = vec![seen_key(&events[2]), seen_key(&absent), seen_key(&events[0]), seen_key(&events[1])];
        let wants = Wants {
            seen: keys.clone(),
            nodes: vec![node_key("n3"), node_key("n2"), node_key("n1")],
            facts: vec![fact_key(Owner::Entity, "order", "2"), fact_key(Owner::Entity, "order", "1")],
            persons: vec![node_key("q"), node_key("p")],
            events: keys,
            histories: vec![node_key("p"), node_key("q")],
            kept: vec![node_key("q"), node_key("p")],
        };
        let loaded = store.snapshot().unwrap().load(&wants).unwrap();
        let places: Vec<_> = loaded.seen.iter().map(|seen| seen.as_ref().map(|seen| seen.place.index)).collect();
        assert_eq!(places, [Some(2), None, Some(0), Some(1)]);
        assert_eq!(loaded.nodes, [None, Some(node_row(false).into()), None]);
        assert_eq!(loaded.facts, [Some(fact_row(2).into()), None]);
        assert_eq!(loaded.persons, [vec![], vec![(fact_key(owner, "order", "1"), fact_row(1).into())]]);
        let ids: Vec<_> = loaded.events.iter().map(|event| event.as_ref().map(|event| event.id.as_str())).collect();
        assert_eq!(ids, [Some("c"), None, Some("b"), Some("a")]);
        assert_eq!(loaded.histories.iter().map(Vec::len).collect::<Vec<_>>(), [3, 0]);
        let kept = Kept { tallies: vec![(tally, added)], activity: vec![(day, marks)] };
        assert_eq!(loaded.kept, [Kept::default(), kept]);
    });
}

#[test]
fn rows_replace_and_none_deletes() {
    everywhere(|store| {
        let held = HeldKey { company: company(), anchor: customer("c"), fact: "ticket".into(), key: "t1".into() };
        let (gone, kept) = (Token([1; 16]), Token([2; 16]));
        let first = Changes {
            nodes: vec![(node_key("a"), Some(node_row(false).into())), (node_key("b"), Some(node_row(false).into()))],
            facts: vec![(fact_key(Owner::Entity, "ticket", "t1"), Some(fact_row(1).into()))],
            held: vec![held.clone()],
            vault: vec![(company(), gone, vec![1]), (company(), kept, vec![2])],
            ..Changes::default()
        };
        store.commit(&first).unwrap();
        let second = Changes {
            nodes: vec![(node_key("a"), None), (node_key("b"), Some(node_row(true).into()))],
            facts: vec![(fact_key(Owner::Entity, "ticket", "t1"), None)],
            vault_removed: vec![(company(), gone)],
            ..Changes::default()
        };
        store.commit(&second).unwrap();
        let now = store.snapshot().unwrap();
        let mut nodes = Vec::new();
        now.nodes(&company(), &mut |node, row| {
            nodes.push((node, row.blocked));
            Continue(())
        })
        .unwrap();
        assert_eq!(nodes, [(customer("b"), true)]);
        assert_eq!(now.fact(&fact_key(Owner::Entity, "ticket", "t1")).unwrap(), None);
        assert_eq!(now.held(&company(), &customer("c")).unwrap(), [held]);
        assert_eq!(now.vault(&company(), &gone).unwrap(), None);
        assert_eq!(now.vault(&company(), &kept).unwrap(), Some(vec![2]));
    });
}

/// ANCHOR-MET-3: outcome counts add up over commits, whatever the order.
#[test]
fn deltas_add_up_and_zero_rows_vanish() {
    everywhere(|store| {
        let points = |sum| vec![(point_key("sent", 0, &["wa"]), live(sum)), (point_key("sent", 0, &["wa"]), live(sum))];
        let activity = ActivityKey { company: company(), component: "sent".into(), day: Day(3), anchor: customer("c") };
        let tally = TallyKey { company: company(), anchor: customer("c"), component: "spend".into() };
        let hour = OutcomeKey { company: company(), module: "ticketing".into(), hour: Micros(0) };
        let counts = Outcomes { received: 2, applied: 1, duplicate: 1, ..Outcomes::default() };
        let change = |sign: i64| Changes {
            points: points(i128::from(sign) * 5)
                .into_iter()
                .map(|(key, mut point)| {
                    point.live.count = sign;
                    (key, point)
                })
                .collect(),
            activity: vec![(activity.clone(), Marks::of_log(sign))],
            tallies: vec![(tally.clone(), Tally::of_log(Sum { sum: i128::from(sign) * 10, count: sign }))],
            outcomes: vec![(hour.clone(), counts)],
            ..Changes::default()
        };
        store.commit(&change(1)).unwrap();
        store.commit(&change(1)).unwrap();
        let now = store.snapshot().unwrap();
        let mut seen = Vec::new();
        now.points(&company(), "sent", Micros(0), Micros(1), &mut |_, point| {
            seen.push(point.live);
            Continue(())
        })
        .unwrap();
        assert_eq!(seen, [Sum { sum: 20, count: 4 }]);
        assert_eq!(now.tallies(&company(), &customer("c")).unwrap(), [("spend".into(), Sum { sum: 20, count: 2 })]);

        store.commit(&change(-1)).unwrap();
        store.commit(&change(-1)).unwrap();
        let now = store.snapshot().unwrap();
        let mut rows = 0;
        now.all_points(&company(), &mut |_, _| {
            rows += 1;
            Continue(())
        })
        .unwrap();
        now.all_activity(&company(), &mut |_, _| {
            rows += 1;
            Continue(())
        })
        .unwrap();
        now.all_tallies(&company(), &mut |_, _| {
            rows += 1;
            Continue(())
        })
        .unwrap();
        assert_eq!(rows, 0, "rows at zero are not kept");
        let mut total = Vec::new();
        now.outcomes_of(&company(), &hour.module, Micros(0), Micros(1), &mut |_, counts| {
            total.push(*counts);
            Continue(())
        })
        .unwrap();
        assert_eq!(total, [Outcomes { received: 8, applied: 4, duplicate: 4, ..Outcomes::default() }]);
        assert!(total[0].balanced());
    });
}

#[test]
fn ranges_hold_their_start_and_not_their_end() {
    everywhere(|store| {
        let buckets = [-10, 0, 10, 20];
        let points = buckets.map(|bucket| (point_key("sent", bucket, &[]), live(1))).into();
        let day = |day| ActivityKey { company: company(), component: "k".into(), day: Day(day), anchor: phone(1) };
        let activity = [-1, 0, 1].map(|n| (day(n), Marks::of_log(1))).into();
        store.commit(&Changes { points, activity, ..Changes::default() }).unwrap();
        let now = store.snapshot().unwrap();
        let mut seen = Vec::new();
        now.points(&company(), "sent", Micros(-10), Micros(20), &mut |key, _| {
            seen.push(key.bucket.0);
            Continue(())
        })
        .unwrap();
        assert_eq!(seen, [-10, 0, 10]);
        let mut days = Vec::new();
        now.activity(&company(), "k", Day(-1), Day(1), &mut |day, anchor, marks| {
            days.push((day.0, anchor.clone(), marks));
            Continue(())
        })
        .unwrap();
        assert_eq!(days, [(-1, phone(1), 1), (0, phone(1), 1)]);
        now.points(&company(), "sent", Micros(20), Micros(-10), &mut |_, _| panic!("an empty range")).unwrap();
    });
}

#[test]
fn nasty_ids_do_not_reach_into_each_other() {
    let ids = ["a", "a\0", "a\0b", "ab", "a\u{1}", "a\u{1}\u{1}", "é", "é\0", "", "日本"];
    everywhere(|store| {
        let mut changes = Changes::default();
        for (at, id) in ids.iter().enumerate() {
            let company = (*id).into();
            let owner = Owner::Anchor(customer(id));
            let key = |fact: &str| FactKey {
                company: self::company(),
                owner: owner.clone(),
                fact: fact.into(),
                key: SmolStr::new(id),
            };
            changes.facts.push((key("f"), Some(fact_row(at as u64).into())));
            changes.facts.push((key("f\0"), Some(fact_row(100).into())));
            changes.nodes.push((NodeKey { company, node: customer(id) }, Some(node_row(true).into())));
            changes.points.push((point_key("c", 0, &[id, "x"]), live(1)));
            changes.points.push((point_key("c", 0, &[&format!("{id}x"), ""]), live(1)));
        }
        store.commit(&changes).unwrap();
        let now = store.snapshot().unwrap();
        for (at, id) in ids.iter().enumerate() {
            let owner = Owner::Anchor(customer(id));
            let facts = now.facts_of_kind(&company(), &owner, "f").unwrap();
            assert_eq!(facts.len(), 1, "{id:?}");
            assert_eq!((facts[0].0.key.as_str(), facts[0].1.truncated), (*id, at as u64));
            assert_eq!(now.facts_of(&company(), &customer(id)).unwrap().len(), 2);
            let mut nodes = Vec::new();
            now.nodes(&(*id).into(), &mut |node, _| {
                nodes.push(node);
                Continue(())
            })
            .unwrap();
            assert_eq!(nodes, [customer(id)]);
        }
        let mut points = 0;
        now.all_points(&company(), &mut |_, point| {
            assert_eq!(point.live.sum, 1);
            points += 1;
            Continue(())
        })
        .unwrap();
        assert_eq!(points, 2 * ids.len());
    });
}

#[test]
fn control_rows_raise_the_control_version() {
    let team = |id: &str| ControlChange {
        kind: ControlKind::Team,
        id: id.into(),
        row: Some(ControlRow::Team(TeamRow { id: id.into(), ..TeamRow::default() })),
    };
    everywhere(|store| {
        assert_eq!(store.snapshot().unwrap().control_version().unwrap(), 0);
        let control = vec![team("b"), team("a"), team("ab")];
        store.commit(&Changes { control, ..Changes::default() }).unwrap();
        store.commit(&Changes::default()).unwrap();
        let removed = ControlChange { kind: ControlKind::Team, id: "b".into(), row: None };
        assert_eq!(store.snapshot().unwrap().control_version().unwrap(), 1);
        store.commit(&Changes { control: vec![removed], ..Changes::default() }).unwrap();
        let now = store.snapshot().unwrap();
        assert_eq!(now.control_version().unwrap(), 2);
        assert_eq!(now.control(ControlKind::Team, "b").unwrap(), None);
        assert!(matches!(now.control(ControlKind::Team, "a").unwrap(), Some(ControlRow::Team(row)) if row.id == "a"));
        assert_eq!(now.control(ControlKind::Key, "a").unwrap(), None);
        let ids = |prefix: &str, order| {
            let mut ids = Vec::new();
            now.control_all(ControlKind::Team, prefix, order, &mut |id, _| {
                ids.push(id.to_owned());
                if ids.len() < 2 { Continue(()) } else { Break(()) }
            })
            .unwrap();
            ids
        };
        assert_eq!(ids("", Order::Backward), ["ab", "a"]);
        assert_eq!(ids("ab", Order::Forward), ["ab"]);
    });
}

#[test]
fn derived_rows_are_replaced_and_the_rest_stays() {
    everywhere(|store| {
        let event = event(&company(), "e", Some(customer("c")), 1);
        let other = NodeKey { company: "other".into(), node: customer("o") };
        let sealed = Point { live: Sum { sum: 1, count: 1 }, sealed: Sum { sum: 50, count: 5 } };
        let mut changes = applying(0, std::slice::from_ref(&event));
        changes.nodes =
            vec![(node_key("stale"), Some(node_row(true).into())), (other.clone(), Some(node_row(true).into()))];
        changes.points = vec![(point_key("a", 0, &[]), sealed), (point_key("b", 0, &[]), live(1))];
        changes.vault.push((company(), Token([1; 16]), vec![1]));
        let day = |day| ActivityKey { company: company(), component: "k".into(), day: Day(day), anchor: phone(1) };
        let tally = |component: &str| TallyKey { company: company(), anchor: phone(1), component: component.into() };
        let sum = |sum| Sum { sum, count: 1 };
        changes.activity = vec![(day(1), Marks { live: 0, sealed: 2 }), (day(2), Marks { live: 1, sealed: -1 })];
        changes.activity.push((day(3), Marks::of_log(4)));
        changes.tallies =
            vec![(tally("a"), Tally { live: sum(1), sealed: sum(30) }), (tally("b"), Tally::of_log(sum(1)))];
        store.commit(&changes).unwrap();

        let replayed = Memory::new();
        let again = Changes {
            nodes: vec![(node_key("fresh"), Some(node_row(false).into()))],
            points: vec![(point_key("a", 0, &[]), live(7)), (point_key("c", 0, &[]), live(3))],
            activity: vec![(day(2), Marks::of_log(3)), (day(4), Marks { live: 1, sealed: 9 })],
            tallies: vec![(tally("a"), Tally::of_log(sum(5)))],
            ..Changes::default()
        };
        cebe_central::Central::commit(&replayed, &again).unwrap();
        let from = cebe_central::Central::snapshot(&replayed).unwrap();
        store.replace_derived(&company(), &from).unwrap();
        // Adding afterwards starts from what was replaced, not from what a cache remembers.
        store.commit(&Changes { points: vec![(point_key("a", 0, &[]), live(1))], ..Changes::default() }).unwrap();

        let now = store.snapshot().unwrap();
        assert_eq!(now.node(&company(), &customer("stale")).unwrap(), None);
        assert_eq!(now.node(&company(), &customer("fresh")).unwrap(), Some(node_row(false)));
        assert_eq!(now.node(&other.company, &other.node).unwrap(), Some(node_row(true)));
        assert_eq!(now.event(&seen_key(&event)).unwrap(), Some(event.clone()));
        assert_eq!(now.vault(&company(), &Token([1; 16])).unwrap(), Some(vec![1]));
        assert_eq!(now.positions().unwrap(), [place(1)]);
        let mut points = Vec::new();
        now.all_points(&company(), &mut |key, point| {
            points.push((key.component.to_string(), point.live.sum, point.sealed.sum));
            Continue(())
        })
        .unwrap();
        assert_eq!(points, [("a".to_owned(), 8, 50), ("c".to_owned(), 3, 0)]);
        let mut days = Vec::new();
        now.all_activity(&company(), &mut |key, marks| {
            days.push((key.day.0, marks.live, marks.sealed));
            Continue(())
        })
        .unwrap();
        assert_eq!(days, [(1, 0, 2), (2, 3, -1), (4, 1, 0)]);
        assert_eq!(now.tallies(&company(), &phone(1)).unwrap(), [("a".into(), Sum { sum: 35, count: 2 })]);
    });
}

/// Ids as long as they may be, of the longest characters, many in one key: rows of their own, found and listed as ever.
#[test]
fn the_longest_ids_are_keys_of_their_own() {
    let id = |last: char| SmolStr::from("\u{1F600}".repeat(127) + &last.to_string());
    let ids = ['a', 'b', '\u{1F600}'].map(id);
    everywhere(|store| {
        let mut changes = Changes::default();
        let mut events = Vec::new();
        for (id, at) in ids.iter().zip(1..) {
            let owner = Owner::Anchor(customer(id));
            changes.facts.push((fact_key(owner, "f", &format!("{id}{id}")), Some(fact_row(at).into())));
            changes.nodes.push((node_key(id), Some(node_row(true).into())));
            changes.points.push((point_key("c", 0, &[id.as_str(); 6]), live(at.into())));
            changes.held.push(HeldKey { company: company(), anchor: customer(id), fact: "f".into(), key: id.clone() });
            events.push(event(&company(), id, Some(customer("c")), 1));
        }
        let applied = applying(0, &events);
        store.commit(&Changes { applied: applied.applied, ..changes }).unwrap();
        let now = store.snapshot().unwrap();
        for (id, at) in ids.iter().zip(1..) {
            let owner = Owner::Anchor(customer(id));
            let key = fact_key(owner, "f", &format!("{id}{id}"));
            assert_eq!(now.fact(&key).unwrap(), Some(fact_row(at)));
            assert_eq!(now.facts_of(&company(), &customer(id)).unwrap(), [(key, fact_row(at))]);
            assert_eq!(now.held(&company(), &customer(id)).unwrap().len(), 1);
            assert_eq!(now.node(&company(), &customer(id)).unwrap(), Some(node_row(true)));
        }
        let mut sums = Vec::new();
        now.points(&company(), "c", Micros(0), Micros(1), &mut |key, point| {
            assert!(key.dimensions.iter().all(|dimension| ids.contains(dimension)));
            sums.push(point.live.sum);
            Continue(())
        })
        .unwrap();
        sums.sort_unstable();
        assert_eq!(sums, [1, 2, 3]);
        let mut rows = Vec::new();
        now.timeline(&company(), &customer("c"), None, &mut |row| {
            rows.push(row.clone());
            Continue(())
        })
        .unwrap();
        assert_eq!(rows.len(), 3);
        let again = Changes { removed: events.iter().map(retiring).collect(), ..Changes::default() };
        store.commit(&again).unwrap();
        let mut changes = Changes { points: vec![(point_key("c", 0, &[ids[0].as_str(); 6]), live(9))], ..again };
        changes.removed.clear();
        store.commit(&changes).unwrap();
        let now = store.snapshot().unwrap();
        now.timeline(&company(), &customer("c"), None, &mut |row| panic!("still there: {row:?}")).unwrap();
        let mut total = 0;
        now.all_points(&company(), &mut |_, point| {
            total += point.live.sum;
            Continue(())
        })
        .unwrap();
        assert_eq!(total, 15);
    });
}

#[test]
fn ids_longer_than_a_key_are_not_there() {
    let long = "x".repeat(70_000);
    everywhere(|store| {
        store.commit(&applying(0, &[event(&company(), "e", Some(customer("c")), 1)])).unwrap();
        let refused = Changes { nodes: vec![(node_key(&long), Some(node_row(true).into()))], ..Changes::default() };
        assert!(matches!(store.commit(&refused), Err(cebe_central::StoreError::KeyTooLong(_))));
        let now = store.snapshot().unwrap();
        assert_eq!(now.node(&company(), &customer(&long)).unwrap(), None);
        assert_eq!(now.facts_of(&company(), &customer(&long)).unwrap(), []);
        now.timeline(&company(), &customer(&long), None, &mut |_| panic!("nothing is there")).unwrap();
        let mut rows = 0;
        let before = cebe_central::TimelineCursor {
            at: Micros(2),
            id: long.as_str().into(),
            name: "".into(),
            module: "".into(),
        };
        now.timeline(&company(), &customer("c"), Some(&before), &mut |_| {
            rows += 1;
            Continue(())
        })
        .unwrap();
        assert_eq!(rows, 1);
        assert_eq!(now.quarantine(&company(), Some(&long), 9).unwrap(), []);
    });
}

/// A node's row under which so many events are stored, with a link that as many show.
fn told(events: u64) -> NodeRow {
    let mut seen = Evidence::default();
    (0..events).for_each(|number| _ = seen.add(Micros(number as i64), &"e".into(), &EventId::new(format!("{number}"))));
    let link = Link { other: customer("y"), anchor: true, evidence: seen.clone(), rejected: false };
    NodeRow { links: vec![link], seen, ..node_row(false) }
}

/// Only the numbers of a busy node's row are written when nothing else changed; whoever reads the row does not notice.
#[test]
fn a_row_is_read_with_its_numbers() {
    const BUSY: u64 = Evidence::KEPT as u64;
    let becomes = |row: Option<NodeRow>, counts: Option<Counts>| Changes {
        nodes: vec![(node_key("a"), Some(told(1).into())), (node_key("c"), row.map(Into::into))],
        node_counts: counts.into_iter().map(|counts| (node_key("c"), counts)).collect(),
        ..Changes::default()
    };
    everywhere(|store| {
        let read = || {
            let now = store.snapshot().unwrap();
            let mut all = Vec::new();
            now.nodes(&company(), &mut |node, row| {
                all.push((node, row));
                Continue(())
            })
            .unwrap();
            let named = now.nodes_named(&company(), &[customer("c"), customer("a")]).unwrap();
            let wants = Wants { nodes: vec![node_key("c")], ..Wants::default() };
            assert_eq!(now.load(&wants).unwrap().nodes[0].as_deref(), named[0].as_ref());
            assert_eq!(now.node(&company(), &customer("c")).unwrap(), named[0]);
            let stored = [(customer("a"), named[1].clone()), (customer("c"), named[0].clone())].into_iter();
            assert_eq!(all, stored.filter_map(|(node, row)| Some((node, row?))).collect::<Vec<_>>());
            named[0].clone()
        };
        let steps = [
            (Some(told(BUSY - 1)), None),
            (Some(told(BUSY)), None),
            (Some(told(BUSY + 1)), Some(Counts::Alone)),
            (Some(told(BUSY + 2)), Some(Counts::Alone)),
            (Some(NodeRow { blocked: true, ..told(BUSY + 3) }), None),
            (Some(told(2)), Some(Counts::Gone)),
            (Some(told(BUSY + 5)), None),
            (None, Some(Counts::Gone)),
        ];
        for (row, counts) in steps {
            store.commit(&becomes(row.clone(), counts)).unwrap();
            assert_eq!(read(), row);
        }
        let mut left = 0;
        let count = &mut |_: &[u8], _: &[u8]| {
            left += 1;
            Continue(())
        };
        store.snapshot().unwrap().view().scan(Table::NodeCounts, KeyRange::all(), Order::Forward, count).unwrap();
        assert_eq!(left, 0, "nothing is left of a node that went");
    });
}

/// CORE-CON-SLA: a reader sees whole commits only, while they are being written.
#[test]
fn readers_never_see_half_a_commit() {
    const COMMITS: u64 = 100;
    let commit = |number: u64| {
        let events: Vec<_> =
            (0..5).map(|n| event(&company(), &format!("{number}-{n}"), Some(customer("c")), number as i64)).collect();
        let mut changes = applying(number * 5, &events);
        changes.nodes.push((
            node_key("c"),
            Some(NodeRow { seen: Evidence { count: number, ..Evidence::default() }, ..node_row(false) }.into()),
        ));
        changes.points.push((point_key("p", 0, &[]), live(1)));
        changes
    };
    everywhere(|store| {
        std::thread::scope(|scope| {
            scope.spawn(|| (0..COMMITS).for_each(|number| store.commit(&commit(number)).unwrap()));
            let mut commits = 0;
            while commits < COMMITS {
                let now = store.snapshot().unwrap();
                commits = now.commits().unwrap();
                if commits == 0 {
                    continue;
                }
                assert_eq!(now.positions().unwrap(), [place(commits * 5)]);
                assert_eq!(now.node(&company(), &customer("c")).unwrap().unwrap().seen.count, commits - 1);
                let (mut rows, mut sum) = (0, 0);
                now.timeline(&company(), &customer("c"), None, &mut |row| {
                    assert!(rows > 0 || now.body(&row.address).unwrap().is_some());
                    rows += 1;
                    Continue(())
                })
                .unwrap();
                now.all_points(&company(), &mut |_, point| {
                    sum += point.live.sum;
                    Continue(())
                })
                .unwrap();
                assert_eq!((rows, sum), (commits * 5, i128::from(commits)));
            }
        });
    });
}
