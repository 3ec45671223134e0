//! Cases with a name: the stories that the product tells about identity.

use crate::graph::{Act, act, id, link, load, partition, rows_of, token, whole};
use cebe_catalog::{Node, limits::GROUP_ANCHORS_MAX, node::IdentifierKind as Kind, settings::CompanySettings};
use cebe_engine::identity::{self, Assembly, Inert, NotJoined, Verdict};

fn default(acts: &[Act]) -> Assembly {
    whole(&rows_of(acts), &CompanySettings::default())
}

fn verdict<'a>(assembly: &'a Assembly, anchor: &Node, other: &Node) -> &'a Verdict {
    let report = assembly.reports.iter().find(|report| report.anchor == *anchor && report.other == *other);
    &report.expect("a report of the link").verdict
}

fn seen(node: &Node, at: i64) -> Act {
    Act::Seen { node: node.clone(), at, event: format!("seen-{at}") }
}

fn sharing(count: usize, value: &Node) -> Vec<Act> {
    (0..count).map(|n| link(&id(&format!("c{n}")), value, n as i64)).collect()
}

/// MKT-S02-AC3: a click without a name, a lead with a room, a conversation with a phone, a customer: one person.
#[test]
fn a_click_becomes_a_customer() {
    let (click, room) = (token(Kind::AdClickId, "click"), token(Kind::RoomId, "room"));
    let (phone, ana) = (token(Kind::Phone, "phone"), id("ana"));
    let mut acts = vec![seen(&click, 1), link(&click, &room, 2), link(&phone, &room, 3)];
    let unresolved = default(&acts);
    assert_eq!(unresolved.customers.len(), 1);
    assert!(!unresolved.customers[0].resolved);
    assert_eq!(unresolved.customers[0].id, phone);
    acts.push(link(&ana, &phone, 4));
    let resolved = default(&acts);
    assert_eq!(partition(&resolved), [[ana.clone(), phone, click, room]]);
    assert_eq!((&resolved.customers[0].id, resolved.customers[0].resolved), (&ana, true));
}

/// CORE-B2-c: an e-mail of six customers joins nobody at a limit of five, and all of them at six.
#[test]
fn an_email_of_six_customers() {
    let email = token(Kind::Email, "shop");
    let rows = rows_of(&sharing(6, &email));
    let five = whole(&rows, &CompanySettings::default());
    assert_eq!(five.customers.len(), 7);
    let shared = Inert::ValueShared { value: email.clone(), by: 6, limit: 5 };
    assert!(five.reports.iter().all(|report| report.verdict == Verdict::Inert { reason: shared.clone() }));
    let limits = [(Kind::Email, 6)].into();
    let six = whole(&rows, &CompanySettings { identity_limits: limits, ..CompanySettings::default() });
    assert_eq!(six.customers.len(), 1);
}

/// CORE-B2-c: the sixth customer dissolves five joins, its unlink restores them; a blocked id takes nobody's room.
#[test]
fn the_sixth_dissolves_and_restores() {
    let email = token(Kind::Email, "shop");
    let mut rows = rows_of(&sharing(5, &email));
    let settings = CompanySettings::default();
    let assembly = whole(&rows, &settings);
    assert_eq!(identity::write_together(&mut rows, &assembly).len(), 6);
    let before = rows.clone();
    act(&mut rows, &link(&id("c5"), &email, 9));
    let mut start = before.clone();
    start.row(&id("c5"));
    let touched = [id("c5"), email.clone()].into();
    assert_eq!(identity::affected(&start, &rows, &touched, &settings).nodes.len(), 7);
    let dissolved = whole(&rows, &settings);
    assert_eq!(dissolved.customers.len(), 7);
    assert_eq!(identity::write_together(&mut rows, &dissolved).len(), 6);
    assert!(rows.values().all(|row| row.together.is_empty()));
    let mut blocked = rows.clone();
    blocked.get_mut(&id("c0")).unwrap().blocked = true;
    assert_eq!(whole(&blocked, &settings).customers.len(), 2);
    identity::reject(&mut rows, &id("c5"), &email);
    assert_eq!(whole(&rows, &settings).customers.len(), 2);
}

/// CORE-CON-DEDUP: a member id attaches to the first known customer and never joins a second.
#[test]
fn a_member_id_joins_no_two_known_customers() {
    let (ana, ben, member) = (id("ana"), id("ben"), token(Kind::MemberId, "gold"));
    let assembly = default(&[link(&ben, &member, 1), link(&ana, &member, 2)]);
    assert_eq!(partition(&assembly), [vec![ana.clone()], vec![ben.clone(), member.clone()]]);
    let refused = Verdict::NotJoined { reason: NotJoined::LinkOnly, to: ben };
    assert_eq!(verdict(&assembly, &ana, &member), &refused);
}

/// A room that shows a second known customer identifies nobody.
#[test]
fn a_room_of_two_customers_identifies_nobody() {
    let (room, phone) = (token(Kind::RoomId, "room"), token(Kind::Phone, "phone"));
    let mut acts = vec![link(&id("ana"), &room, 1), link(&phone, &room, 2)];
    assert_eq!(default(&acts).customers.len(), 1);
    acts.push(link(&id("ben"), &room, 3));
    assert_eq!(default(&acts).customers.len(), 4);
}

/// ID-EXPLAIN, ANCHOR-RISK-8: an unlink parts two customers, is explained, holds against another link, and can be undone.
#[test]
fn an_unlink_is_explained_and_undone() {
    let (ana, ben) = (id("ana"), id("ben"));
    let (phone, email) = (token(Kind::Phone, "phone"), token(Kind::Email, "mail"));
    let mut rows = rows_of(&[link(&ana, &phone, 1), link(&ben, &phone, 2)]);
    identity::reject(&mut rows, &ben, &phone);
    identity::keep_apart(&mut rows, &ana, &ben);
    for one in [link(&ben, &phone, 2), link(&ana, &email, 3), link(&ben, &email, 4)] {
        act(&mut rows, &one);
    }
    let settings = CompanySettings::default();
    let parted = whole(&rows, &settings);
    assert_eq!(partition(&parted), [vec![ana.clone(), phone.clone(), email.clone()], vec![ben.clone()]]);
    assert_eq!(verdict(&parted, &ben, &phone), &Verdict::Inert { reason: Inert::Rejected });
    let reason = NotJoined::KeptApart { a: ana.clone(), b: ben.clone() };
    assert_eq!(verdict(&parted, &ben, &email), &Verdict::NotJoined { reason, to: ana.clone() });
    assert!(identity::unreject(&mut rows, &ben, &phone) && identity::rejoin(&mut rows, &ben, &ana));
    assert_eq!(whole(&rows, &settings).customers.len(), 1);
}

/// A known customer with more values of a kind than a person has keeps none of that kind, and all of the others.
#[test]
fn too_many_values_of_one_kind() {
    let (desk, email) = (id("desk"), token(Kind::Email, "desk"));
    let mut acts: Vec<Act> = (0..21).map(|n| link(&desk, &token(Kind::Phone, &format!("p{n}")), n)).collect();
    acts.push(link(&desk, &email, 1));
    let assembly = default(&acts);
    assert_eq!(assembly.customers.len(), 22);
    assert_eq!(verdict(&assembly, &desk, &email), &Verdict::Joined);
    let reason = Inert::TooManyValues { customer: desk.clone(), kind: Kind::Phone, count: 21, limit: 20 };
    assert_eq!(verdict(&assembly, &desk, &token(Kind::Phone, "p7")), &Verdict::Inert { reason });
    assert_eq!(default(&acts[1..]).customers.len(), 1);
}

/// Known customers in a ring of phones, each phone shared by two: joined up to the limit of anchors, apart beyond it.
#[test]
fn a_group_of_too_many_anchors() {
    let (customer, phone) = (|n: usize| id(&format!("c{n:03}")), |n: usize| token(Kind::Phone, &format!("p{n:03}")));
    let chain = |count: usize| -> Vec<Act> {
        let at = |n: usize| {
            [link(&customer(n), &phone(n), 2 * n as i64), link(&customer(n), &phone(n + 1), 2 * n as i64 + 1)]
        };
        (0..count).flat_map(at).collect()
    };
    assert_eq!(default(&chain(GROUP_ANCHORS_MAX)).customers.len(), 1);
    let crowd = default(&chain(GROUP_ANCHORS_MAX + 1));
    assert_eq!(crowd.customers.len(), GROUP_ANCHORS_MAX + 1);
    // The phone that touches two goes to the one whose link comes first.
    assert_eq!(crowd.customer_of(&phone(1)).unwrap().id, customer(0));
    let reason = NotJoined::GroupTooLarge { anchors: GROUP_ANCHORS_MAX as u64 + 1 };
    assert_eq!(verdict(&crowd, &customer(1), &phone(1)), &Verdict::NotJoined { reason, to: customer(0) });
}

/// The one created first gives the customer its name; who has no creation counts from when first seen.
#[test]
fn the_first_created_gives_the_name() {
    let (ana, ben, cem, phone) = (id("ana"), id("ben"), id("cem"), token(Kind::Phone, "phone"));
    let acts = [link(&ana, &phone, 7), link(&ben, &phone, 7), link(&cem, &phone, 7), seen(&ana, 5), seen(&ben, 9)];
    let mut rows = rows_of(&acts);
    let row = rows.get_mut(&ben).unwrap();
    row.created.add(cebe_catalog::Micros(4), &"customer.created".into(), &"made".into());
    let assembly = whole(&rows, &CompanySettings::default());
    assert_eq!((&assembly.customers[0].id, &assembly.customers[0].aliases), (&ben, &vec![ana, cem]));
}

/// CORE-CON-DEDUP: a shared value does not join others through the anonymous events stored under it either.
#[test]
fn a_shared_phone_is_no_bridge() {
    let phone = token(Kind::Phone, "desk");
    let (one, two) = (token(Kind::Email, "one"), token(Kind::Email, "two"));
    let mut acts = sharing(6, &phone);
    acts.extend([link(&phone, &one, 1), link(&phone, &two, 2), link(&id("x"), &one, 3), link(&id("y"), &two, 4)]);
    let assembly = default(&acts);
    assert_eq!(assembly.customer_of(&id("x")).unwrap().nodes, [id("x"), one]);
    assert_eq!(assembly.customer_of(&id("y")).unwrap().nodes, [id("y"), two]);
}

/// Who is blocked no longer takes room, so all that it is linked to may come together.
#[test]
fn a_block_concerns_all_it_is_linked_to() {
    let before = rows_of(&sharing(6, &token(Kind::Email, "shop")));
    let mut after = before.clone();
    act(&mut after, &Act::Block(id("c0")));
    let settings = CompanySettings::default();
    let found = identity::affected(&before, &after, &[id("c0")].into(), &settings);
    assert_eq!(found.nodes, after.keys().cloned().collect());
    assert_eq!(whole(&after, &settings).customers.len(), 2);
}

/// A value that everyone shares costs its own row and as many others as prove it is shared.
#[test]
fn a_popular_value_costs_few_rows() {
    let email = token(Kind::Email, "shop");
    let rows = rows_of(&sharing(300, &email));
    for start in [id("c299"), email] {
        let (loaded, nodes) = load(&rows, &[start.clone()].into(), &CompanySettings::default());
        assert_eq!(nodes, [start].into());
        assert!(loaded.len() <= 8, "{} rows", loaded.len());
    }
}

/// ID-EXPLAIN: a rejected link leads nowhere, not even to loading the other end.
#[test]
fn a_rejected_link_leads_nowhere() {
    let (ana, phone) = (id("ana"), token(Kind::Phone, "phone"));
    let rows = rows_of(&[link(&ana, &phone, 1), Act::Reject(ana.clone(), phone)]);
    let (loaded, nodes) = load(&rows, &[ana.clone()].into(), &CompanySettings::default());
    assert_eq!((loaded.len(), nodes), (1, [ana].into()));
}
