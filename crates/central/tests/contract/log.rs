//! The event log and the timeline: what enters, what leaves, in which order it is read.

use crate::{everywhere, fixtures::*};
use cebe_catalog::{
    Amount, CompanyId, EventRecord, Lane, Micros, Node, PiiClass, Token, Value,
    record::{Actor, Reference},
    time::{DAY, Day},
};
use cebe_central::{Central, Order, Snapshot, Table, TimelineCursor, TimelineRow};
use cebe_engine::{
    change::{Applied, Changes, Removed},
    rows::Place,
    want::Wants,
};
use std::ops::ControlFlow::{Break, Continue};

fn timeline(now: &Snapshot, anchor: &Node, before: Option<&TimelineCursor>, limit: usize) -> Vec<TimelineRow> {
    let mut rows = Vec::new();
    now.timeline(&company(), anchor, before, &mut |row| {
        rows.push(row.clone());
        if rows.len() < limit { Continue(()) } else { Break(()) }
    })
    .unwrap();
    rows
}

fn log(now: &Snapshot, company: &CompanyId) -> Vec<(String, Place)> {
    let mut events = Vec::new();
    now.log(company, &mut |event, place| {
        events.push((event.id.to_string(), place));
        Continue(())
    })
    .unwrap();
    events
}

fn commit(store: &dyn Central, first: u64, events: &[EventRecord]) {
    store.commit(&applying(first, events)).unwrap();
}

/// RET-HOT: a page of a timeline reads its own rows only, however long the timeline is.
#[test]
fn the_timeline_is_newest_first_and_pages_by_cursor() {
    let ids = ["018f0000-0000-7000-8000-00000000000a", "018f0000-0000-7000-8000-0000000000b0", "m", "n", "n\0", ""];
    everywhere(|store| {
        let events: Vec<_> =
            ids.iter().enumerate().map(|(i, id)| event(&company(), id, Some(customer("c")), i as i64 / 2)).collect();
        commit(store, 0, &events);
        commit(store, 10, &[event(&company(), "stranger", Some(customer("c\0")), 1)]);
        let now = store.snapshot().unwrap();
        let whole = timeline(&now, &customer("c"), None, usize::MAX);
        assert_eq!(whole.len(), ids.len());
        assert!(whole.windows(2).all(|pair| pair[0].cursor() > pair[1].cursor()), "strictly descending");
        assert!(whole.windows(2).all(|pair| pair[0].at >= pair[1].at));
        for row in &whole {
            assert_eq!(now.body(&row.address).unwrap().map(|event| event.id), Some(row.id.clone()));
        }
        let mut paged: Vec<TimelineRow> = Vec::new();
        loop {
            let page = timeline(&now, &customer("c"), paged.last().map(TimelineRow::cursor).as_ref(), 2);
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(paged, whole);
    });
}

#[test]
fn an_event_is_in_the_timeline_of_everybody_it_is_about() {
    everywhere(|store| {
        let mut event = event(&company(), "e", Some(customer("a")), 1);
        event.references = vec![reference(customer("b")), reference(customer("a")), reference(phone(1))];
        commit(store, 0, std::slice::from_ref(&event));
        let count = |anchor: &Node| timeline(&store.snapshot().unwrap(), anchor, None, 9).len();
        assert_eq!([customer("a"), customer("b"), phone(1)].each_ref().map(count), [1, 1, 1]);
        store.commit(&Changes { removed: vec![retiring(&event)], ..Changes::default() }).unwrap();
        assert_eq!([customer("a"), customer("b"), phone(1)].each_ref().map(count), [0, 0, 0]);
    });
}

#[test]
fn what_leaves_the_log_leaves_no_bytes_and_stays_a_duplicate() {
    everywhere(|store| {
        let events: Vec<_> = (0..150).map(|i| event(&company(), &format!("e{i}"), Some(customer("c")), i)).collect();
        commit(store, 0, &events);
        let gone: Vec<_> = events.iter().step_by(3).collect();
        let before = store.snapshot().unwrap();
        assert!(before.event(&seen_key(gone[0])).unwrap().is_some(), "and now it is in the block cache");
        store
            .commit(&Changes { removed: gone.iter().map(|event| retiring(event)).collect(), ..Changes::default() })
            .unwrap();
        let now = store.snapshot().unwrap();
        assert_eq!(log(&now, &company()).len(), 100);
        assert_eq!(timeline(&now, &customer("c"), None, usize::MAX).len(), 100);
        for event in &gone {
            assert_eq!(now.seen(&seen_key(event)).unwrap(), Some(seen(event, place(0), true)));
            assert_eq!(now.event(&seen_key(event)).unwrap(), None);
        }
        let kept = &events[1];
        assert_eq!(now.event(&seen_key(kept)).unwrap().as_ref(), Some(kept), "addresses of the others stay true");
        assert!(before.event(&seen_key(gone[0])).unwrap().is_some(), "an older view still has it");

        store.commit(&Changes { removed: events.iter().map(retiring).collect(), ..Changes::default() }).unwrap();
        let mut blocks = 0;
        let count = &mut |_: &[u8], _: &[u8]| {
            blocks += 1;
            Continue(())
        };
        let now = store.snapshot().unwrap();
        now.view().scan(Table::Body, cebe_central::KeyRange::all(), Order::Forward, count).unwrap();
        assert_eq!(blocks, 0, "a block without events is gone");
        assert!(now.companies_with_log().unwrap().is_empty());
    });
}

#[test]
fn another_copy_takes_the_key() {
    everywhere(|store| {
        let (losing, mut winning) = (event(&company(), "e", Some(customer("a")), 5), event(&company(), "e", None, 5));
        winning.content = [1; 16];
        winning.anchor = Some(customer("b"));
        commit(store, 0, std::slice::from_ref(&losing));
        let mut changes = applying(1, std::slice::from_ref(&winning));
        changes.removed.push(Removed { key: seen_key(&losing), seen: None });
        store.commit(&changes).unwrap();
        let now = store.snapshot().unwrap();
        assert_eq!(now.event(&seen_key(&winning)).unwrap(), Some(winning.clone()));
        assert_eq!(now.seen(&seen_key(&winning)).unwrap(), Some(seen(&winning, place(1), false)));
        assert_eq!(log(&now, &company()), [("e".to_owned(), place(1))]);
        assert_eq!(timeline(&now, &customer("a"), None, 9).len(), 0);
        assert_eq!(timeline(&now, &customer("b"), None, 9).len(), 1);
    });
}

#[test]
fn within_one_commit_the_later_copy_and_the_erasure_win() {
    everywhere(|store| {
        let mut copies = [0, 1, 2].map(|n| event(&company(), "e", Some(customer("c")), n));
        copies.iter_mut().zip(1..).for_each(|(event, n)| event.content = [n; 16]);
        let erased = event(&company(), "x", Some(customer("c")), 9);
        let mut changes = applying(0, &copies);
        changes.applied.push(Applied { event: erased.clone(), place: place(3) });
        changes.removed.push(retiring(&erased));
        store.commit(&changes).unwrap();
        let now = store.snapshot().unwrap();
        assert_eq!(log(&now, &company()), [("e".to_owned(), place(2))]);
        assert_eq!(timeline(&now, &customer("c"), None, 9).len(), 1);
        assert!(now.seen(&seen_key(&erased)).unwrap().unwrap().retired);
        assert_eq!(now.event(&seen_key(&erased)).unwrap(), None);
    });
}

#[test]
fn the_log_comes_in_commit_order_across_months_and_companies() {
    everywhere(|store| {
        let mut at = 0;
        let mut expected = Vec::new();
        // Months alternate from commit to commit, and there are more blocks in each than are read at a time.
        for number in 0..150 {
            let mut event = event(&company(), &format!("{number:03}"), None, number);
            event.header.received_at = Micros(JANUARY.0 + (number % 3) * 31 * DAY);
            commit(store, at, &[event]);
            expected.push((format!("{number:03}"), place(at)));
            at += 1;
        }
        commit(store, at, &[event(&"acme\0".into(), "x", None, 1), event(&"".into(), "y", None, 1)]);
        let now = store.snapshot().unwrap();
        assert_eq!(log(&now, &company()), expected);
        assert_eq!(log(&now, &"".into()).len(), 1);
        let mut old = 0;
        let second_month = Micros(JANUARY.0 + 31 * DAY);
        now.log_received_before(&company(), second_month, &mut |event, _| {
            assert!(event.header.received_at < second_month);
            old += 1;
            Continue(())
        })
        .unwrap();
        assert_eq!(old, 50, "a third of the events");
        assert_eq!(now.companies_with_log().unwrap(), ["".into(), company(), "acme\0".into()]);
        let mut first = Vec::new();
        now.log(&company(), &mut |event, _| {
            first.push(event.id.to_string());
            Break(())
        })
        .unwrap();
        assert_eq!(first, ["000"]);
    });
}

/// Every field of an event comes back as it was, whatever a store makes of it.
#[test]
fn an_event_comes_back_as_it_was() {
    let sealed = || Value::Sealed { mask: "a•\0".into(), token: Token([5; 16]), class: PiiClass::FreeText };
    let nested = Value::Map(vec![("z".into(), sealed()), ("a".into(), Value::List(vec![Value::Null, sealed()]))]);
    let mut full = event(&company(), "full\0", Some(phone(3)), -5);
    full.sent_at = Some(Micros(7));
    full.derived = true;
    full.header.lane = Lane::Backfill;
    full.identifiers = vec![phone(9), customer("phone:0"), customer("a:b\u{1}")];
    full.references = vec![Reference { anchor: customer("r\0"), identifiers: vec![phone(1)] }, reference(phone(2))];
    full.actor = Some(Actor { kind: "agent".into(), id: None, name: Some(sealed()) });
    full.trigger_from = Some("".into());
    full.description = Some("said \"x\" \0".into());
    full.warnings = vec!["a,b".into(), "{}".into(), "\\".into()];
    full.attributes = vec![
        ("z".into(), Value::Decimal(Amount(-1))),
        ("a".into(), Value::Number("1e-7".into())),
        ("t".into(), Value::Time(Micros(1))),
        ("d".into(), Value::Date(Day(20_000))),
        ("b".into(), Value::Bool(true)),
        ("i".into(), Value::Int(i64::MIN)),
        ("n".into(), nested),
    ];
    let mut nameless = event(&company(), "nameless", None, 1);
    nameless.actor = Some(Actor { kind: "bot".into(), id: Some("b".into()), name: None });
    nameless.attributes = vec![("x".into(), Value::Text("plain".into())), ("x".into(), Value::Null)];
    everywhere(|store| {
        commit(store, 0, &[full.clone(), nameless.clone()]);
        let now = store.snapshot().unwrap();
        for event in [&full, &nameless] {
            assert_eq!(now.event(&seen_key(event)).unwrap().as_ref(), Some(event));
        }
        let mut logged = Vec::new();
        now.log(&company(), &mut |event, _| {
            logged.push(event);
            Continue(())
        })
        .unwrap();
        assert_eq!(logged, [nameless.clone(), full.clone()]);
    });
}

#[test]
fn ids_of_every_shape_are_keys_of_their_own() {
    let ids = [
        "018f0000-0000-7000-8000-00000000000a",
        "018F0000-0000-7000-8000-00000000000A",
        "018f000000007000800000000000000a",
        "018f0000-0000-7000-8000-00000000000a ",
        "a",
        "a\0",
    ];
    everywhere(|store| {
        let events: Vec<_> = ids.iter().map(|id| event(&company(), id, None, 1)).collect();
        commit(store, 0, &events);
        let now = store.snapshot().unwrap();
        for (event, index) in events.iter().zip(0..) {
            assert_eq!(now.seen(&seen_key(event)).unwrap().unwrap().place, place(index));
            assert_eq!(now.event(&seen_key(event)).unwrap().as_ref(), Some(event));
        }
    });
}

/// CORE-CON-EXACTLY-ONCE: whatever the order in which time-ordered ids come, and whatever their version, a dedup row
/// that was written is found, and no other is.
#[test]
fn dedup_rows_are_found_whatever_the_order_of_ids() {
    let ids = [
        "018f0000-0000-7000-8000-000000000005",
        "018f0000-0000-7000-8000-000000000001",
        "ffffffff-ffff-4fff-bfff-ffffffffffff",
        "018f0000-0000-7000-8000-000000000003",
        "not-a-uuid",
        "018f0000-0000-7000-8000-000000000009",
    ];
    everywhere(|store| {
        let events: Vec<_> = ids.iter().map(|id| event(&company(), id, Some(customer("c")), 1)).collect();
        let wants = Wants { seen: events.iter().map(seen_key).collect(), ..Wants::default() };
        for (known, one) in events.iter().enumerate() {
            let loaded = store.snapshot().unwrap().load(&wants).unwrap().seen;
            let found: Vec<bool> = loaded.iter().map(Option::is_some).collect();
            let wanted: Vec<bool> = (0..ids.len()).map(|place| place < known).collect();
            assert_eq!(found, wanted);
            commit(store, known as u64, std::slice::from_ref(one));
        }
    });
}
