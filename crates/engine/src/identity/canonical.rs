//! Rule 4: which of its nodes a customer is called by.

use super::{CustomerParts, Rows};
use alloc::vec::Vec;
use cebe_catalog::{Micros, Node};

/// A customer of these nodes (sorted, at least one).
pub(super) fn customer(rows: &Rows, nodes: Vec<Node>) -> CustomerParts {
    let mut ids: Vec<Node> = nodes.iter().filter(|node| node.is_customer()).cloned().collect();
    ids.sort_by_cached_key(|node| (first_at(rows, node), node.clone()));
    let resolved = !ids.is_empty();
    let id = if resolved { ids.remove(0) } else { strongest(rows, &nodes) };
    CustomerParts { id, aliases: ids, nodes, resolved }
}

/// When it was created, else first seen.
fn first_at(rows: &Rows, node: &Node) -> Micros {
    let row = rows.get(node);
    row.and_then(|row| row.created.first_at().or_else(|| row.seen.first_at())).unwrap_or(Micros::END)
}

/// The name of someone unknown: the strongest token, of equal ones the first seen.
fn strongest(rows: &Rows, nodes: &[Node]) -> Node {
    let strength = |node: &Node| match node {
        Node::Customer(_) => 1,
        Node::Token(kind, _) => kind.strength(),
    };
    let first = nodes.iter().min_by_key(|node| (strength(node), first_at(rows, node), *node));
    first.expect("a customer has at least one node").clone()
}
