//! Rule 1: which links say nothing. Each end has its own reasons, and they depend on that end's complete row only (and,
//! once a limit is passed, on whether the linked nodes are blocked).

use super::{Edge, Inert, Rows};
use crate::rows::NodeRow;
use alloc::{collections::BTreeMap, vec, vec::Vec};
use cebe_catalog::{Node, node::IdentifierKind, settings::CompanySettings};

/// Rows that have to be loaded before the question can be answered.
pub(super) type Missing = Vec<Node>;

/// Answers rule 1 over the loaded rows; remembers the answer of an end, because one value may have very many links.
pub(super) struct Judge<'a> {
    rows: &'a Rows,
    settings: &'a CompanySettings,
    known: BTreeMap<(Node, Option<IdentifierKind>), Result<Option<Inert>, Missing>>,
}

impl<'a> Judge<'a> {
    /// A judge over these rows.
    pub(super) fn new(rows: &'a Rows, settings: &'a CompanySettings) -> Self {
        Self { rows, settings, known: BTreeMap::new() }
    }

    /// Why the link says nothing, if it does not: a rejection first, then the anchor's reasons, then the other end's.
    pub(super) fn link(&mut self, edge: &Edge) -> Result<Option<Inert>, Missing> {
        if edge.rejected {
            return Ok(Some(Inert::Rejected));
        }
        match self.end(&edge.anchor, &edge.other)? {
            Some(reason) => Ok(Some(reason)),
            None => self.end(&edge.other, &edge.anchor),
        }
    }

    /// Why no link of `node` to a node like `far` says anything, as far as `node` is the reason.
    pub(super) fn end(&mut self, node: &Node, far: &Node) -> Result<Option<Inert>, Missing> {
        let kind = match (node, far) {
            (Node::Customer(_), Node::Token(kind, _)) => Some(*kind),
            _ => None,
        };
        let key = (node.clone(), kind);
        if let Some(answer) = self.known.get(&key) {
            return answer.clone();
        }
        let answer = self.decide(node, kind);
        self.known.insert(key, answer.clone());
        answer
    }

    fn decide(&self, node: &Node, kind: Option<IdentifierKind>) -> Result<Option<Inert>, Missing> {
        let Some(row) = self.rows.get(node) else { return Err(vec![node.clone()]) };
        if row.blocked {
            return Ok(Some(Inert::Blocked { node: node.clone() }));
        }
        match (node, kind) {
            (Node::Token(kind, _), _) => {
                let limit = self.settings.identity_limit(*kind);
                let by = self.more_than(limit, row, Node::is_customer)?;
                Ok(by.map(|by| Inert::ValueShared { value: node.clone(), by, limit }))
            }
            (Node::Customer(_), Some(kind)) => {
                let limit = self.settings.customer_values_max;
                let count = self.more_than(limit, row, |far| matches!(far, Node::Token(of, _) if *of == kind))?;
                Ok(count.map(|count| Inert::TooManyValues { customer: node.clone(), kind, count, limit }))
            }
            (Node::Customer(_), None) => Ok(None),
        }
    }

    /// The number of distinct nodes that `row` is linked to and that `counts`, when more than `limit` of them are not
    /// blocked. Asks for no more rows than can decide it.
    fn more_than(&self, limit: u32, row: &NodeRow, counts: impl Fn(&Node) -> bool) -> Result<Option<u64>, Missing> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if row.links.len() <= limit {
            return Ok(None);
        }
        let mut linked: Vec<&Node> =
            row.links.iter().filter(|link| !link.rejected && counts(&link.other)).map(|link| &link.other).collect();
        linked.dedup();
        if linked.len() <= limit {
            return Ok(None);
        }
        let (mut free, mut missing) = (0, Vec::new());
        for node in &linked {
            match self.rows.get(node) {
                Some(row) if row.blocked => {}
                Some(_) => free += 1,
                None => missing.push((*node).clone()),
            }
            if free > limit {
                return Ok(Some(linked.len() as u64));
            }
            if free + missing.len() > limit {
                return Err(missing);
            }
        }
        if missing.is_empty() { Ok(None) } else { Err(missing) }
    }
}
