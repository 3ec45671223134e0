//! Small graphs for tests: named nodes, acts that change rows, and a store that is loaded row by row.

use cebe_catalog::{EventId, EventName, Micros, Node, Token, node::IdentifierKind, settings::CompanySettings};
use cebe_engine::identity::{self, Assembly, Input, Rows};
use std::collections::BTreeSet;

/// A `qontak_customer_id`.
pub(crate) fn id(name: &str) -> Node {
    Node::Customer(name.into())
}

/// A token of `kind`; the name stands for the value.
pub(crate) fn token(kind: IdentifierKind, name: &str) -> Node {
    let mut bytes = [0; 16];
    bytes[..name.len()].copy_from_slice(name.as_bytes());
    Node::Token(kind, Token(bytes))
}

/// One act on the rows.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// An event shows a link.
    Link { anchor: Node, other: Node, at: i64, event: String },
    /// An event is stored under a node.
    Seen { node: Node, at: i64, event: String },
    /// The links of two nodes are rejected.
    Reject(Node, Node),
    /// Two nodes are kept apart.
    Apart(Node, Node),
    /// A node is put on the block list.
    Block(Node),
}

/// The event name all of them carry.
pub(crate) fn event_name() -> EventName {
    "test.shown".into()
}

/// Does it.
pub(crate) fn act(rows: &mut Rows, act: &Act) {
    match act {
        Act::Link { anchor, other, at, event } => {
            let event = EventId::new(event);
            identity::add_link(rows, anchor, other, Micros(*at), &event_name(), &event);
        }
        Act::Seen { node, at, event } => {
            let row = rows.row(node);
            row.seen.add(Micros(*at), &event_name(), &EventId::new(event));
        }
        Act::Reject(a, b) => drop(identity::reject(rows, a, b)),
        Act::Apart(a, b) => drop(identity::keep_apart(rows, a, b)),
        Act::Block(node) => rows.row(node).blocked = true,
    }
}

/// Rows after these acts.
pub(crate) fn rows_of(acts: &[Act]) -> Rows {
    let mut rows = Rows::new();
    acts.iter().for_each(|one| act(&mut rows, one));
    rows
}

/// A link shown at `at`, its event named after it.
pub(crate) fn link(anchor: &Node, other: &Node, at: i64) -> Act {
    let event = format!("{}-{}-{at}", anchor.to_text(), other.to_text());
    Act::Link { anchor: anchor.clone(), other: other.clone(), at, event }
}

/// Everything in one assembly.
pub(crate) fn whole(rows: &Rows, settings: &CompanySettings) -> Assembly {
    let nodes = rows.keys().cloned().collect();
    identity::assemble(&Input { rows, nodes: &nodes, settings })
}

/// The groups of `start`, rows loaded from `store` only as the closure asks for them. Gives what was loaded.
pub(crate) fn load(store: &Rows, start: &BTreeSet<Node>, settings: &CompanySettings) -> (Rows, BTreeSet<Node>) {
    let mut loaded = Rows::new();
    loop {
        let found = identity::closure(&loaded, start, settings);
        if found.missing.is_empty() {
            return (loaded, found.nodes);
        }
        for node in found.missing {
            let row = store.get(&node).cloned().unwrap_or_default();
            assert!(!loaded.contains_key(&node), "asked twice for one row");
            loaded.insert(node, row);
        }
    }
}

/// The nodes of each customer.
pub(crate) fn partition(assembly: &Assembly) -> Vec<Vec<Node>> {
    assembly.customers.iter().map(|customer| customer.nodes.clone()).collect()
}
