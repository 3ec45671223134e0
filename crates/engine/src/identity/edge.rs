//! A link as the rules see it: its two ends, its kind and its turn.

use super::Rows;
use alloc::{collections::BTreeSet, vec::Vec};
use cebe_catalog::{Micros, Node, node::IdentifierKind};

/// One link as the rules see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// The event's own end.
    pub anchor: Node,
    /// The identifier's end.
    pub other: Node,
    /// Earliest time of its evidence; [`Micros::END`] when none is known.
    pub earliest: Micros,
    /// Number of events that show it.
    pub count: u64,
    /// Rejected by an unlink.
    pub rejected: bool,
}

impl Edge {
    /// The kind of evidence it is: that of its identifier end; `None` between two `qontak_customer_id`s.
    pub fn kind(&self) -> Option<IdentifierKind> {
        match (&self.anchor, &self.other) {
            (_, Node::Token(kind, _)) | (Node::Token(kind, _), Node::Customer(_)) => Some(*kind),
            (Node::Customer(_), Node::Customer(_)) => None,
        }
    }

    /// May it only attach a value, never join two parts that both hold a `qontak_customer_id`?
    pub fn link_only(&self) -> bool {
        self.kind().is_some_and(IdentifierKind::link_only)
    }

    /// Its turn: strength of kind, earliest time, the two ends. Nodes are ordered as their bytes are.
    pub(super) fn turn(&self) -> (u8, Micros, &Node, &Node) {
        (self.kind().map_or(1, IdentifierKind::strength), self.earliest, &self.anchor, &self.other)
    }
}

/// The links whose anchor is one of `nodes`, in order of (anchor, other). A mere mark that a link is rejected, without
/// an event that shows it, is none.
pub fn edges_of(rows: &Rows, nodes: &BTreeSet<Node>) -> Vec<Edge> {
    let known = nodes.iter().filter_map(|node| rows.get(node).map(|row| (node, row)));
    let links = known.flat_map(|(node, row)| row.links.iter().map(move |link| (node, link)));
    links
        .filter(|(_, link)| link.anchor && link.evidence.count > 0)
        .map(|(node, link)| Edge {
            anchor: node.clone(),
            other: link.other.clone(),
            earliest: link.evidence.first_at().unwrap_or(Micros::END),
            count: link.evidence.count,
            rejected: link.rejected,
        })
        .collect()
}
