//! Every key comes back from its bytes and sorts like its parts; every row comes back from its bytes.

use super::*;
use crate::{
    key::{KeyReader, KeyWriter},
    row::{ReadBack, Stored, decode, encode},
};
use cebe_catalog::{CompanyId, IdentifierKind, Lane, Micros, Node, Token, time::Day};
use cebe_engine::rows::*;
use proptest::{collection::vec, prelude::*};
use smol_str::SmolStr;
use std::fmt::Debug;

/// Short texts over the bytes that could go wrong, so that equal beginnings are common.
fn text() -> impl Strategy<Value = SmolStr> {
    vec(prop_oneof![Just('\0'), Just('\u{1}'), Just('\u{2}'), Just('a'), Just('é')], 0..4)
        .prop_map(|chars| chars.into_iter().collect::<String>().into())
}

fn company() -> impl Strategy<Value = CompanyId> {
    text().prop_map(CompanyId)
}

fn node() -> impl Strategy<Value = Node> {
    let token = (0..9usize, vec(0..3u8, 16))
        .prop_map(|(kind, bytes)| Node::Token(IdentifierKind::ALL[kind], Token(bytes.try_into().unwrap())));
    prop_oneof![text().prop_map(Node::Customer), token]
}

fn owner() -> impl Strategy<Value = Owner> {
    prop_oneof![Just(Owner::Entity), node().prop_map(Owner::Anchor)]
}

fn time() -> impl Strategy<Value = Micros> {
    prop_oneof![any::<i64>(), -2..3i64].prop_map(Micros)
}

fn id() -> impl Strategy<Value = SmolStr> {
    let uuid = any::<[u8; 16]>().prop_map(|bytes| seen::uuid_text(&bytes).into());
    prop_oneof![text(), uuid]
}

fn cursor() -> impl Strategy<Value = TimelineCursor> {
    (time(), id(), text(), text()).prop_map(|(at, id, name, module)| TimelineCursor {
        at,
        id: cebe_catalog::EventId(id),
        name: cebe_catalog::EventName(name),
        module: cebe_catalog::SourceModule(module),
    })
}

fn comes_back<K: ReadBack + PartialEq + Debug>(key: &K) {
    assert_eq!(K::from_key(&key.to_key()).as_ref(), Some(key));
}

fn sorts_like<K: ReadBack + Ord + Debug>(a: &K, b: &K) {
    comes_back(a);
    assert_eq!(a.to_key().cmp(&b.to_key()), a.cmp(b));
}

macro_rules! key_round_trips {
    ($($name:ident: ($($part:ident: $strategy:expr),*) => $key:expr;)*) => {
        fn arrival() -> impl Strategy<Value = ArrivalKey> {
    let by = prop_oneof![Just(ArrivalTime::EventTimestamp), Just(ArrivalTime::ReceivedAt)];
    (company(), text(), by, text(), time()).prop_map(|(company, module, by, name, hour)| ArrivalKey {
        company,
        module: cebe_catalog::SourceModule(module),
        by,
        name: cebe_catalog::EventName(name),
        hour,
    })
}

proptest! {
    #[test]
    fn arrivals(a in arrival(), b in arrival()) {
        sorts_like(&a, &b);
        comes_back(&b);
    }
}

proptest! {
            $(#[test]
            fn $name(a in ($($strategy,)*), b in ($($strategy,)*)) {
                let key = |($($part,)*)| $key;
                sorts_like(&key(a), &key(b));
            })*
        }
    };
}

key_round_trips! {
    nodes: (company: company(), node: node()) => NodeKey { company, node };
    facts: (company: company(), owner: owner(), fact: text(), key: text()) => FactKey { company, owner, fact, key };
    points: (company: company(), component: text(), bucket: time(), dimensions: vec(text(), 0..3))
        => PointKey { company, component, bucket, dimensions };
    activity: (company: company(), component: text(), day: any::<i32>().prop_map(Day), anchor: node())
        => ActivityKey { company, component, day, anchor };
    tallies: (company: company(), anchor: node(), component: text()) => TallyKey { company, anchor, component };
    held: (company: company(), anchor: node(), fact: text(), key: text()) => HeldKey { company, anchor, fact, key };
    outcomes: (company: company(), module: text().prop_map(cebe_catalog::SourceModule), hour: time())
        => OutcomeKey { company, module, hour };
    latencies: (company: company(), module: text().prop_map(cebe_catalog::SourceModule), hour: time())
        => LatencyKey(OutcomeKey { company, module, hour });
    last_seen: (company: company(), module: text().prop_map(cebe_catalog::SourceModule), name: text())
        => LastSeenKey { company, module, name: cebe_catalog::EventName(name) };
}

proptest! {
    #[test]
    fn strands_sort_newest_first(company in company(), anchor in node(), a in cursor(), b in cursor()) {
        let key = |cursor: &TimelineCursor| {
            StrandKey { company: company.clone(), anchor: anchor.clone(), cursor: cursor.clone() }
        };
        comes_back(&key(&a));
        prop_assert_eq!(key(&a).to_key().cmp(&key(&b).to_key()), b.cmp(&a));
        prop_assert_eq!(a.cmp(&b).is_eq(), a == b);
        prop_assert!(key(&a).to_key().starts_with(&StrandKey::prefix(&company, &anchor)));
    }

    #[test]
    fn seen_keys_are_one_per_event(a in (company(), text(), text(), id()), b in (company(), text(), text(), id())) {
        let key = |(company, module, name, id): (CompanyId, SmolStr, SmolStr, SmolStr)| SeenKey {
            company,
            module: cebe_catalog::SourceModule(module),
            name: cebe_catalog::EventName(name),
            id: cebe_catalog::EventId(id),
        };
        let (a, b) = (key(a), key(b));
        prop_assert_eq!(a.to_key() == b.to_key(), a == b);
    }

    #[test]
    fn uuids_come_back_from_their_bytes(bytes in any::<[u8; 16]>()) {
        let text = seen::uuid_text(&bytes);
        prop_assert_eq!(seen::uuid_bytes(&text), Some(bytes));
        prop_assert_eq!(seen::uuid_bytes(&text.replace('-', "_")), None);
    }

    #[test]
    fn the_other_keys_come_back(company in company(), id in text(), bytes in any::<[u8; 16]>(), kind in 1..11u8) {
        comes_back(&VaultKey { company: company.clone(), token: Token(bytes) });
        comes_back(&QuarantineKey { company: company.clone(), receipt: id.clone() });
        comes_back(&ConflictKey { company: company.clone(), id: id.clone() });
        comes_back(&ControlKey { kind, id });
        let body = BodyKey { company, month: bytes[0].into(), commit: u64::from(bytes[1]) << 40, block: 3 };
        prop_assert_eq!(BodyKey::from_key(&body.to_key()), Some(body));
    }

    #[test]
    fn rows_come_back(sum in any::<i128>(), count in any::<i64>(), at in time(), spot in any::<(u32, u64, u32, u8)>()) {
        let (month, commit, block, slot) = spot;
        let live = Sum { sum, count };
        let point = Point { live, sealed: Sum { sum: count.into(), count } };
        prop_assert_eq!(decode::<Point>(PointKey::TABLE, &encode(&point)).unwrap(), point);
        let place = Place { lane: Lane::Backfill, index: commit };
        let seen = Seen { content: [slot; 16], received_at: at, event_at: at, place, retired: slot > 9 };
        let row = SeenRow { seen, spot: Some(Spot { month, commit, block, slot }) };
        prop_assert_eq!(decode::<SeenRow>(SeenKey::TABLE, &encode(&row)).unwrap(), row);
    }

    #[test]
    fn descending_parts_come_back_in_reverse(a in text(), b in text()) {
        let key = |text: &SmolStr| KeyWriter::new().bytes_descending(text.as_bytes()).finish();
        prop_assert_eq!(key(&a).cmp(&key(&b)), b.as_bytes().cmp(a.as_bytes()));
        prop_assert_eq!(KeyReader::new(&key(&a)).bytes_descending(), Some(a.as_bytes().to_vec()));
    }

    #[test]
    fn damaged_bytes_never_panic(bytes in vec(any::<u8>(), 0..40)) {
        let _ = (NodeKey::from_key(&bytes), FactKey::from_key(&bytes), PointKey::from_key(&bytes));
        let _ = (StrandKey::from_key(&bytes), BodyKey::from_key(&bytes), ActivityKey::from_key(&bytes));
        let _ = (decode::<FactRow>(FactKey::TABLE, &bytes), decode::<SeenRow>(SeenKey::TABLE, &bytes));
        let _ = crate::blocks::Block::unpack(&bytes);
    }
}

#[test]
fn months_are_those_of_the_calendar() {
    let month = |text| month_of(Micros::parse(text).unwrap());
    assert_eq!(month("2026-01-01T00:00:00Z"), 2026 * 12);
    assert_eq!(month("2025-12-31T23:59:59.999999Z"), 2025 * 12 + 11);
    assert_eq!(month("1970-01-01T00:00:00Z"), 1970 * 12);
}

/// The bytes of today's layout: a change here is a change of what is on disk.
#[test]
fn the_layout_is_what_it_was() {
    let company = CompanyId::new("co");
    let fact = FactKey { company: company.clone(), owner: Owner::Entity, fact: "t".into(), key: "k\0".into() };
    assert_eq!(fact.to_key(), b"co\0\0t\0k\0");
    let point =
        PointKey { company: company.clone(), component: "c".into(), bucket: Micros(1), dimensions: vec!["\0".into()] };
    assert_eq!(point.to_key(), b"co\0c\0\x80\0\0\0\0\0\0\x01\x01\x01\0");
    let node = NodeKey { company, node: Node::Customer("n".into()) };
    assert_eq!(node.to_key(), b"co\0\0n");
    assert_eq!(MetaKey::Position(Lane::Backfill).to_key(), [5, 1]);
    assert_eq!(crate::port::Table::ALL.map(|table| table as u8), std::array::from_fn(|i| i as u8 + 1));
}

/// Earlier releases did not write the last part of a node's row.
#[test]
fn a_node_row_of_an_earlier_release_is_read() {
    let nodes = vec![Node::Customer("a".into()), Node::Customer("b".into())];
    let row = NodeRow { together: nodes.clone(), blocked: true, ..NodeRow::default() };
    let bytes = encode(&row);
    assert_eq!(decode::<NodeRow>(NodeKey::TABLE, &bytes[..bytes.len() - 1]).unwrap(), row);
    let said = NodeRow { stored: Some(nodes), ..row };
    assert_eq!(decode::<NodeRow>(NodeKey::TABLE, &encode(&said)).unwrap(), said);
}
