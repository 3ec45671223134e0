//! What must hold for any history of links and corrections.

use crate::{
    graph::{Act, act, event_name, id, load, partition, rows_of, token, whole},
    naive,
};
use cebe_catalog::{EventId, Micros, Node, node::IdentifierKind as Kind, settings::CompanySettings};
use cebe_engine::{
    identity::{self, Assembly, Input, Rows, Verdict},
    rows::NodeRow,
};
use proptest::prelude::*;
use std::collections::BTreeSet;

const KINDS: [Kind; 5] = [Kind::Phone, Kind::Email, Kind::MemberId, Kind::RoomId, Kind::DeviceId];

fn universe() -> Vec<Node> {
    let ids = (0..7).map(|n| id(&format!("c{n}")));
    let tokens = KINDS.iter().flat_map(|kind| (0..3).map(|n| token(*kind, &format!("v{n}"))));
    ids.chain(tokens).collect()
}

fn node() -> impl Strategy<Value = Node> {
    proptest::sample::select(universe())
}

/// An anchor and an identifier; sometimes an explicit link of two known ids.
fn ends() -> impl Strategy<Value = (Node, Node)> {
    let tokens = universe().into_iter().filter(|node| !node.is_customer()).collect::<Vec<_>>();
    prop_oneof![20 => (node(), proptest::sample::select(tokens)), 1 => (node(), node())]
        .prop_filter("two nodes", |(a, b)| a != b)
}

fn one_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        16 => (ends(), 0..20i64).prop_map(|((anchor, other), at)| Act::Link { anchor, other, at, event: String::new() }),
        2 => (node(), 0..20i64).prop_map(|(node, at)| Act::Seen { node, at, event: String::new() }),
        1 => ends().prop_map(|(a, b)| Act::Reject(a, b)),
        1 => ends().prop_map(|(a, b)| Act::Apart(a, b)),
        1 => node().prop_map(Act::Block),
    ]
}

/// A history; each event has an id of its own.
fn history() -> impl Strategy<Value = Vec<Act>> {
    proptest::collection::vec(one_act(), 0..40).prop_map(|mut acts| {
        for (n, act) in acts.iter_mut().enumerate() {
            if let Act::Link { event, .. } | Act::Seen { event, .. } = act {
                *event = format!("e{n}");
            }
        }
        acts
    })
}

fn settings() -> impl Strategy<Value = CompanySettings> {
    (proptest::collection::vec(0..4u32, KINDS.len()), 1..4u32).prop_map(|(limits, customer_values_max)| {
        CompanySettings {
            identity_limits: KINDS.into_iter().zip(limits).collect(),
            customer_values_max,
            ..CompanySettings::default()
        }
    })
}

/// Rows worth storing.
fn stored(rows: &Rows) -> Rows {
    rows.iter().filter(|(_, row)| **row != NodeRow::default()).map(|(node, row)| (node.clone(), row.clone())).collect()
}

/// With a row for every node, so that what was never linked is a customer of its own.
fn filled(mut rows: Rows) -> Rows {
    for node in universe() {
        rows.row(&node);
    }
    rows
}

fn subset(rows: &Rows, nodes: &BTreeSet<Node>, settings: &CompanySettings) -> Assembly {
    identity::assemble(&Input { rows, nodes, settings })
}

proptest! {
    /// CORE-B2-c: either order of arrival gives the same rows, customers and reasons.
    #[test]
    fn order_plays_no_part(
        (acts, shuffled) in history().prop_flat_map(|acts| (Just(acts.clone()), Just(acts).prop_shuffle())),
        settings in settings(),
    ) {
        let (one, two) = (rows_of(&acts), rows_of(&shuffled));
        prop_assert_eq!(&one, &two);
        prop_assert_eq!(whole(&one, &settings), whole(&two, &settings));
    }

    /// CORE-CON-DEDUP: the rules read word by word give the same customers, and every node is in exactly one.
    #[test]
    fn customers_are_what_the_rules_say(acts in history(), settings in settings()) {
        let rows = rows_of(&acts);
        let assembly = whole(&rows, &settings);
        prop_assert_eq!(partition(&assembly), naive::parts(&rows, &settings));
        let mut nodes: Vec<&Node> = assembly.customers.iter().flat_map(|customer| &customer.nodes).collect();
        nodes.sort();
        prop_assert_eq!(nodes, rows.keys().collect::<Vec<_>>());
    }

    /// ANCHOR-RISK-8: what is kept apart is never one customer, and a customer's names are its own.
    #[test]
    fn nothing_kept_apart_is_together(acts in history(), settings in settings()) {
        let rows = rows_of(&acts);
        for customer in whole(&rows, &settings).customers {
            let apart = customer.nodes.iter().flat_map(|node| &rows[node].apart);
            prop_assert!(!apart.into_iter().any(|node| customer.nodes.contains(node)));
            let ids = customer.nodes.iter().filter(|node| node.is_customer()).count();
            prop_assert_eq!(customer.aliases.len() + usize::from(customer.resolved), ids);
            prop_assert!(customer.nodes.contains(&customer.id) && !customer.aliases.contains(&customer.id));
        }
    }

    /// CORE-B2-c: a value above its limit, and a blocked node, are together with nobody.
    #[test]
    fn a_shared_value_joins_nobody(acts in history(), settings in settings()) {
        let rows = rows_of(&acts);
        let assembly = whole(&rows, &settings);
        for (node, row) in rows.iter() {
            let Node::Token(kind, _) = node else { continue };
            let sharing = row.links.iter().filter(|link| !link.rejected && link.other.is_customer());
            let sharing = sharing.filter(|link| !rows[&link.other].blocked).map(|link| &link.other);
            let by = sharing.collect::<BTreeSet<_>>().len();
            if row.blocked || by > settings.identity_limit(*kind) as usize {
                prop_assert_eq!(&assembly.customer_of(node).unwrap().nodes, &vec![node.clone()]);
            }
        }
    }

    /// ANCHOR-RISK-8: a link whose only event is taken out again was never there.
    #[test]
    fn adding_and_removing_is_nothing(acts in history(), (anchor, other) in ends(), at in 0..20i64) {
        let before = rows_of(&acts);
        let mut rows = before.clone();
        let (name, event) = (event_name(), EventId::new("passing"));
        identity::add_link(&mut rows, &anchor, &other, Micros(at), &name, &event);
        identity::remove_evidence(&mut rows, &anchor, &other, (Micros(at), &name, &event));
        prop_assert_eq!(stored(&rows), stored(&before));
    }

    /// ANCHOR-RISK-8: linked and unlinked, everyone is who they were; undone, who they became. The unlink holds when
    /// the same link is shown again (ID-EXPLAIN).
    #[test]
    fn linking_and_unlinking_is_nothing(acts in history(), (anchor, other) in ends(), settings in settings()) {
        let pair = [&anchor, &other];
        let of_pair = |a: &Node, b: &Node| pair.contains(&a) && pair.contains(&b);
        let concerns = |act: &Act| match act {
            Act::Link { anchor, other, .. } => of_pair(anchor, other),
            Act::Reject(a, b) => of_pair(a, b),
            _ => false,
        };
        let acts: Vec<Act> = acts.into_iter().filter(|act| !concerns(act)).collect();
        let never = filled(rows_of(&acts));
        let mut rows = never.clone();
        let show = |rows: &mut Rows, event: &str| {
            act(rows, &Act::Link { anchor: anchor.clone(), other: other.clone(), at: 3, event: event.into() });
        };
        show(&mut rows, "once");
        identity::reject(&mut rows, &anchor, &other);
        show(&mut rows, "again");
        prop_assert_eq!(whole(&rows, &settings).customers, whole(&never, &settings).customers);
        let mut linked = never.clone();
        show(&mut linked, "once");
        show(&mut linked, "again");
        prop_assert!(identity::unreject(&mut rows, &anchor, &other));
        prop_assert_eq!(rows, linked);
    }

    /// Evidence that is said to change nothing does not: the cheap path of most events.
    #[test]
    fn evidence_that_only_counts(acts in history(), again in any::<prop::sample::Index>(), at in 0..20i64, settings in settings()) {
        let shows = |act: &&Act| matches!(act, Act::Link { .. });
        let links: Vec<&Act> = acts.iter().filter(shows).collect();
        let Some(Act::Link { anchor, other, .. }) = links.get(again.index(links.len().max(1))) else { return Ok(()) };
        let mut rows = rows_of(&acts);
        let before = whole(&rows, &settings).customers;
        let (name, event) = (event_name(), EventId::new("more"));
        if !identity::add_link(&mut rows, anchor, other, Micros(at), &name, &event) {
            prop_assert_eq!(&whole(&rows, &settings).customers, &before);
        }
        let between = whole(&rows, &settings).customers;
        if !identity::remove_evidence(&mut rows, anchor, other, (Micros(at), &name, &event)) {
            prop_assert_eq!(&whole(&rows, &settings).customers, &between);
        }
    }

    /// Corrections are undone without a trace.
    #[test]
    fn corrections_undo(acts in history(), (a, b) in ends()) {
        let corrects = |act: &Act| matches!(act, Act::Reject(..) | Act::Apart(..));
        let acts: Vec<Act> = acts.into_iter().filter(|act| !corrects(act)).collect();
        let before = rows_of(&acts);
        let mut rows = before.clone();
        prop_assert!(identity::reject(&mut rows, &a, &b) && identity::keep_apart(&mut rows, &a, &b));
        prop_assert!(!identity::reject(&mut rows, &b, &a) && !identity::keep_apart(&mut rows, &b, &a));
        prop_assert!(identity::unreject(&mut rows, &b, &a) && identity::rejoin(&mut rows, &b, &a));
        prop_assert_eq!(stored(&rows), stored(&before));
    }

    /// Assembling group by group, with no row loaded that the closure did not ask for, is assembling everything.
    #[test]
    fn groups_are_independent(acts in history(), settings in settings()) {
        let rows = rows_of(&acts);
        let mut left: BTreeSet<Node> = rows.keys().cloned().collect();
        let mut union = Assembly::default();
        while let Some(node) = left.first().cloned() {
            let (loaded, nodes) = load(&rows, &BTreeSet::from([node]), &settings);
            prop_assert!(nodes.iter().all(|node| left.remove(node)), "groups overlap");
            let part = subset(&loaded, &nodes, &settings);
            union.customers.extend(part.customers);
            union.reports.extend(part.reports);
        }
        union.customers.sort_by(|a, b| a.nodes.cmp(&b.nodes));
        union.reports.sort_by(|a, b| (&a.anchor, &a.other).cmp(&(&b.anchor, &b.other)));
        prop_assert_eq!(union, whole(&rows, &settings));
    }

    /// A change concerns no one outside the groups that `affected` gives: writing those alone is writing everything.
    #[test]
    fn a_change_is_local(acts in history(), change in history(), settings in settings()) {
        let mut before = filled(rows_of(&acts));
        let assembly = whole(&before, &settings);
        identity::write_together(&mut before, &assembly);
        let mut after = before.clone();
        let change = &change[..change.len().min(3)];
        change.iter().for_each(|one| act(&mut after, one));
        let touched = after.iter().filter(|(node, row)| before[*node] != **row).map(|(node, _)| node.clone()).collect();
        let found = identity::affected(&before, &after, &touched, &settings);
        prop_assert!(found.missing.is_empty());
        let mut all = after.clone();
        let (part, everything) = (subset(&after, &found.nodes, &settings), whole(&all, &settings));
        identity::write_together(&mut after, &part);
        identity::write_together(&mut all, &everything);
        prop_assert_eq!(after, all);
    }

    /// ID-EXPLAIN: every link has a verdict that agrees with the customers, and the joins alone give the customers.
    #[test]
    fn every_link_is_explained(acts in history(), settings in settings()) {
        let rows = rows_of(&acts);
        let assembly = whole(&rows, &settings);
        let mut joins = 0;
        for report in &assembly.reports {
            let together = assembly.customer_of(&report.anchor) == assembly.customer_of(&report.other);
            match &report.verdict {
                Verdict::Joined | Verdict::Redundant => prop_assert!(together),
                Verdict::NotJoined { to, .. } => {
                    prop_assert!(!together);
                    prop_assert_eq!(to, &assembly.customer_of(&report.other).unwrap().id);
                }
                Verdict::Inert { .. } => {}
            }
            joins += usize::from(report.verdict == Verdict::Joined);
        }
        prop_assert_eq!(joins + assembly.customers.len(), rows.len());
    }
}
