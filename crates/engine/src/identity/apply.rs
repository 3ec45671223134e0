//! Changes of links and corrections in the rows of both their ends. Whatever order they come in, the rows end the same.

use super::{Assembly, Rows};
use crate::rows::{Evidence, Link, NodeRow};
use alloc::vec::Vec;
use cebe_catalog::{EventId, EventName, Micros, Node};

/// Adds an event's word that `other` belongs to `anchor`. Says whether it may change who is together: the link is new,
/// or its earliest time is. The other end's row changes only then, and only when the link is new.
pub fn add_link(rows: &mut Rows, anchor: &Node, other: &Node, at: Micros, name: &EventName, id: &EventId) -> bool {
    if anchor == other {
        return false;
    }
    let link = link_mut(rows, anchor, other, true);
    let (new, first) = (link.evidence.count == 0, link.evidence.first_at());
    link.evidence.add(at, name, id);
    let may_change = !link.rejected && (new || first != link.evidence.first_at());
    if new {
        link_mut(rows, other, anchor, false);
    }
    // The first link makes its anchor one, rejected or not, and anchors are what a group is measured by.
    may_change || new
}

/// Takes an event's word back; without any other the link goes, unless it is kept to remember that it was rejected.
/// Says whether it may change who is together.
pub fn remove_evidence(
    rows: &mut Rows,
    anchor: &Node,
    other: &Node,
    (at, name, id): (Micros, &EventName, &EventId),
) -> bool {
    let Some(row) = rows.get_mut(anchor) else { return false };
    let Ok(place) = place(row, other, true) else { return false };
    let link = &mut row.links[place];
    let before = (link.evidence.count, link.evidence.first_at());
    link.evidence.remove(at, name, id);
    if link.evidence.count == 0 {
        link.evidence = Evidence::default();
        drop_empty(rows, anchor, other);
        return before.0 > 0;
    }
    before.1 != link.evidence.first_at()
}

/// Rejects whatever links these two, now and later. Says whether that is new.
pub fn reject(rows: &mut Rows, a: &Node, b: &Node) -> bool {
    let mut changed = false;
    for (node, other) in [(a, b), (b, a)].into_iter().filter(|_| a != b) {
        for anchor in [false, true] {
            let link = link_mut(rows, node, other, anchor);
            changed |= !core::mem::replace(&mut link.rejected, true);
        }
    }
    changed
}

/// Undoes [`reject`]. Says whether there was anything to undo.
pub fn unreject(rows: &mut Rows, a: &Node, b: &Node) -> bool {
    let mut changed = false;
    for (node, other) in [(a, b), (b, a)] {
        let links = rows.get_mut(node).into_iter().flat_map(|row| &mut row.links);
        for link in links.filter(|link| link.other == *other) {
            changed |= core::mem::replace(&mut link.rejected, false);
        }
    }
    drop_empty(rows, a, b);
    drop_empty(rows, b, a);
    changed
}

/// Keeps two nodes from ending in one customer. Says whether that is new.
pub fn keep_apart(rows: &mut Rows, a: &Node, b: &Node) -> bool {
    let mut changed = false;
    for (node, other) in [(a, b), (b, a)].into_iter().filter(|_| a != b) {
        let apart = &mut rows.row(node).apart;
        if let Err(place) = apart.binary_search(other) {
            apart.insert(place, other.clone());
            changed = true;
        }
    }
    changed
}

/// Undoes [`keep_apart`]. Says whether there was anything to undo.
pub fn rejoin(rows: &mut Rows, a: &Node, b: &Node) -> bool {
    let mut changed = false;
    for (node, other) in [(a, b), (b, a)] {
        let Some(row) = rows.get_mut(node) else { continue };
        let before = row.apart.len();
        row.apart.retain(|kept| kept != other);
        changed |= row.apart.len() != before;
    }
    changed
}

/// Writes into each node's row with whom it is together, and into the first one's who of them owns facts. Gives the nodes
/// that are together with others than before: of every customer that is not what it was, the first is among them.
pub fn write_together(rows: &mut Rows, assembly: &Assembly) -> Vec<Node> {
    let mut changed = Vec::new();
    for customer in &assembly.customers {
        for (place, node) in customer.nodes.iter().enumerate() {
            let (together, stored) = match customer.nodes.len() {
                1 => (&[][..], None),
                _ if place == 0 => (&customer.nodes[..], Some(stored(rows, &customer.nodes))),
                _ => (&customer.nodes[..1], None),
            };
            if rows.get(node).is_none_or(|row| row.together == together && row.stored == stored) {
                continue;
            }
            let row = rows.row(node);
            row.stored = stored;
            if row.together != together {
                row.together = together.to_vec();
                changed.push(node.clone());
            }
        }
    }
    changed
}

/// The nodes under which events are or were stored.
fn stored(rows: &Rows, nodes: &[Node]) -> Vec<Node> {
    nodes.iter().filter(|node| rows.get(node).is_some_and(|row| row.seen.count > 0)).cloned().collect()
}

/// Where the row's link to `other` is, or belongs.
fn place(row: &NodeRow, other: &Node, anchor: bool) -> Result<usize, usize> {
    row.links.binary_search_by(|link| (&link.other, link.anchor).cmp(&(other, anchor)))
}

/// The link of `node` to `other`, made when there is none.
fn link_mut<'a>(rows: &'a mut Rows, node: &Node, other: &Node, anchor: bool) -> &'a mut Link {
    let row = rows.row(node);
    let place = place(row, other, anchor).unwrap_or_else(|place| {
        let link = Link { other: other.clone(), anchor, evidence: Evidence::default(), rejected: false };
        row.links.insert(place, link);
        place
    });
    &mut row.links[place]
}

/// Drops the link from both rows when no event shows it and nothing rejects it.
fn drop_empty(rows: &mut Rows, anchor: &Node, other: &Node) {
    let Some(row) = rows.get_mut(anchor) else { return };
    let Ok(at) = place(row, other, true) else { return };
    if row.links[at].evidence.count > 0 || row.links[at].rejected {
        return;
    }
    row.links.remove(at);
    if let Some(row) = rows.get_mut(other)
        && let Ok(at) = place(row, anchor, false)
    {
        row.links.remove(at);
    }
}
