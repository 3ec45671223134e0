//! The rules read word by word, on sets and without any cleverness: what the product's answer is compared with.

use cebe_catalog::{Node, limits::GROUP_ANCHORS_MAX, settings::CompanySettings};
use cebe_engine::{
    identity::{Edge, Rows, edges_of},
    rows::NodeRow,
};
use std::collections::BTreeSet;

type Part = BTreeSet<Node>;

/// Does the link say anything?
fn lives(rows: &Rows, edge: &Edge, settings: &CompanySettings) -> bool {
    let free = |node: &Node, other: &Node| {
        let row = &rows[node];
        let linked: BTreeSet<_> = row.links.iter().filter(|l| !l.rejected).map(|l| &l.other).collect();
        let linked = linked.into_iter().filter(|far| !rows[*far].blocked);
        let enough = match (node, other) {
            (Node::Token(kind, _), _) => {
                linked.filter(|n| n.is_customer()).count() as u32 <= settings.identity_limit(*kind)
            }
            (_, Node::Token(kind, _)) => {
                linked.filter(|n| matches!(n, Node::Token(k, _) if k == kind)).count() as u32
                    <= settings.customer_values_max
            }
            _ => true,
        };
        enough && !row.blocked
    };
    !edge.rejected && free(&edge.anchor, &edge.other) && free(&edge.other, &edge.anchor)
}

fn at(parts: &[Part], node: &Node) -> usize {
    parts.iter().position(|part| part.contains(node)).expect("every node is in a part")
}

fn join(parts: &mut Vec<Part>, a: usize, b: usize) {
    let moved = parts.swap_remove(a.max(b));
    parts[a.min(b)].extend(moved);
}

/// Sorted parts of all nodes.
pub(crate) fn parts(rows: &Rows, settings: &CompanySettings) -> Vec<Vec<Node>> {
    let all: BTreeSet<Node> = rows.keys().cloned().collect();
    let mut edges: Vec<Edge> = edges_of(rows, &all).into_iter().filter(|e| lives(rows, e, settings)).collect();
    let bytes = |e: &Edge| (e.anchor.to_bytes(), e.other.to_bytes());
    edges.sort_by_key(|e| (e.kind().map_or(1, |kind| kind.strength()), e.earliest, bytes(e)));
    let single = || all.iter().map(|n| Part::from([n.clone()])).collect::<Vec<_>>();
    let mut groups = single();
    for edge in &edges {
        let (a, b) = (at(&groups, &edge.anchor), at(&groups, &edge.other));
        if a != b {
            join(&mut groups, a, b);
        }
    }
    let anchor = |n: &&Node| n.is_customer() || rows[*n].links.iter().any(|l| l.anchor && l.evidence.count > 0);
    let mut parts = single();
    for edge in &edges {
        let (a, b) = (at(&parts, &edge.anchor), at(&parts, &edge.other));
        let crowded = groups[at(&groups, &edge.anchor)].iter().filter(anchor).count() > GROUP_ANCHORS_MAX;
        let known = [a, b].iter().all(|part| parts[*part].iter().any(Node::is_customer));
        let apart = |row: &NodeRow, part: &Part| row.apart.iter().any(|n| part.contains(n));
        let split = parts[a].iter().any(|n| apart(&rows[n], &parts[b]));
        if a != b && !split && !(known && (crowded || edge.link_only())) {
            join(&mut parts, a, b);
        }
    }
    let mut sorted: Vec<Vec<Node>> = parts.into_iter().map(|part| part.into_iter().collect()).collect();
    sorted.sort();
    sorted
}
