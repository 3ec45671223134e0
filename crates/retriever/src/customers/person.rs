//! The person behind an address: all nodes of the customer, its canonical id and its aliases.

use crate::{
    company::Company,
    http::{Read, ReadError},
};
use cebe_catalog::{Micros, Node};
use cebe_central::{Order, Snapshot};
use cebe_engine::{
    change::{ControlKind, ControlRow},
    rows::NodeRow,
};
use serde_json::Value as Json;
use std::ops::ControlFlow;

/// A customer: its nodes, and what it is called.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Person {
    /// Every node with its row, sorted.
    pub(crate) nodes: Vec<(Node, NodeRow)>,
    /// The canonical id; of someone unresolved the strongest token.
    pub(crate) id: Node,
    /// Its other `qontak_customer_id`s.
    pub(crate) aliases: Vec<Node>,
    /// Does it hold a `qontak_customer_id`?
    pub(crate) resolved: bool,
}

impl Person {
    /// The person at an address: a customer id, an alias, or `kind:hex` of a token.
    pub(crate) fn at(read: &Read, company: &Company, address: &str) -> Result<Self, ReadError> {
        Self::of(read, company, &Node::parse(address))
    }

    /// The person that a node is part of.
    pub(crate) fn of(read: &Read, company: &Company, node: &Node) -> Result<Self, ReadError> {
        let row = read.snapshot.node(&company.id, node)?.ok_or(ReadError::NotFound("customer"))?;
        if row.erased {
            return Err(ReadError::Erased { receipt: erasure_receipt(&read.snapshot, company, node)? });
        }
        let first =
            row.first_elsewhere(node).map(|first| read.snapshot.node(&company.id, first)).transpose()?.flatten();
        let together = first.map_or_else(|| row.together.clone(), |first| first.together);
        let others: Vec<Node> = together.into_iter().filter(|other| other != node).collect();
        let rows = read.snapshot.nodes_named(&company.id, &others)?;
        let mut nodes: Vec<_> = others.into_iter().zip(rows.into_iter().map(Option::unwrap_or_default)).collect();
        nodes.push((node.clone(), row));
        nodes.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(Self::named(nodes))
    }

    /// The nodes under which events are or were stored. Only they own facts, tallies and a timeline; most nodes of a person
    /// are mere identifiers.
    pub(crate) fn stored(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|(_, row)| row.seen.count > 0).map(|(node, _)| node)
    }

    /// Rule 4 of identity: created first, else seen first, then by bytes.
    fn named(nodes: Vec<(Node, NodeRow)>) -> Self {
        let first = |row: &NodeRow| row.created.first_at().or_else(|| row.seen.first_at()).unwrap_or(Micros::END);
        let mut ids: Vec<(Micros, &Node)> =
            nodes.iter().filter(|(node, _)| node.is_customer()).map(|(node, row)| (first(row), node)).collect();
        ids.sort_unstable();
        let mut ids: Vec<Node> = ids.into_iter().map(|(_, node)| node.clone()).collect();
        let resolved = !ids.is_empty();
        let strongest = || {
            let order = |(node, row): &(Node, NodeRow)| (strength(node), first(row), node.clone());
            nodes.iter().min_by_key(|at| order(at)).map(|(node, _)| node.clone())
        };
        let id = if resolved { ids.remove(0) } else { strongest().expect("a person has the node it was found by") };
        Self { nodes, id, aliases: ids, resolved }
    }
}

fn strength(node: &Node) -> u8 {
    match node {
        Node::Customer(_) => 1,
        Node::Token(kind, _) => kind.strength(),
    }
}

/// The receipt of an erased person's erasure.
fn erasure_receipt(snapshot: &Snapshot, company: &Company, node: &Node) -> Result<Option<Json>, ReadError> {
    let (prefix, name) = (format!("{}\0", company.id), node.to_text());
    let mut receipt = None;
    snapshot.control_all(ControlKind::Erasure, &prefix, Order::Backward, &mut |_, row| {
        if let ControlRow::Erasure(json) = row {
            receipt = serde_json::from_str::<Json>(&json).ok().filter(|json| mentions(json, &name));
        }
        if receipt.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    Ok(receipt)
}

fn mentions(json: &Json, name: &str) -> bool {
    match json {
        Json::String(text) => text == name,
        Json::Array(items) => items.iter().any(|item| mentions(item, name)),
        Json::Object(entries) => entries.values().any(|value| mentions(value, name)),
        _ => false,
    }
}
