//! Nodes, facts, what entity facts concern whom, and sealed values.

use crate::{
    Result, Snapshot,
    key::KeyWriter,
    port::{KeyRange, Order},
    rows::{CountsKey, VaultKey, owner_prefix},
};
use cebe_catalog::{CompanyId, Node, Token};
use cebe_engine::rows::{FactKey, FactRow, HeldKey, NodeKey, NodeRow, Owner};
use std::ops::ControlFlow;

impl Snapshot {
    /// A node's row.
    pub fn node(&self, company: &CompanyId, node: &Node) -> Result<Option<NodeRow>> {
        let key = NodeKey { company: company.clone(), node: node.clone() };
        Ok(self.node_rows(&[key])?.pop().flatten())
    }

    /// The rows of nodes, in the order asked.
    pub fn nodes_named(&self, company: &CompanyId, nodes: &[Node]) -> Result<Vec<Option<NodeRow>>> {
        let key = |node: &Node| NodeKey { company: company.clone(), node: node.clone() };
        self.node_rows(&nodes.iter().map(key).collect::<Vec<_>>())
    }

    /// The rows of nodes, in the order asked, each with its numbers.
    pub(super) fn node_rows(&self, keys: &[NodeKey]) -> Result<Vec<Option<NodeRow>>> {
        let mut rows = self.rows_for(keys)?;
        if self.view().counts_lie_apart() {
            let is_busy = |row: &Option<NodeRow>| row.as_ref().is_some_and(NodeRow::is_busy);
            let busy: Vec<usize> = (0..rows.len()).filter(|place| is_busy(&rows[*place])).collect();
            let apart: Vec<CountsKey> = busy.iter().map(|place| CountsKey(keys[*place].clone())).collect();
            for (place, counts) in busy.into_iter().zip(self.rows_for(&apart)?) {
                if let (Some(row), Some(counts)) = (&mut rows[place], counts) {
                    row.set_counts(&counts);
                }
            }
        }
        Ok(rows)
    }

    /// Every node of a company.
    pub fn nodes(&self, company: &CompanyId, visit: &mut dyn FnMut(Node, NodeRow) -> ControlFlow<()>) -> Result<()> {
        let mut failed = None;
        self.each(of_company(company), Order::Forward, |key: NodeKey, mut row: NodeRow| {
            let apart = row.is_busy() && self.view().counts_lie_apart();
            let counts = if apart { self.row(&CountsKey(key.clone())) } else { Ok(None) };
            match counts {
                Ok(counts) => counts.iter().for_each(|counts| row.set_counts(counts)),
                Err(error) => {
                    failed = Some(error);
                    return ControlFlow::Break(());
                }
            }
            visit(key.node, row)
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// A fact.
    pub fn fact(&self, key: &FactKey) -> Result<Option<FactRow>> {
        self.row(key)
    }

    /// Every fact owned by an anchor.
    pub fn facts_of(&self, company: &CompanyId, anchor: &Node) -> Result<Vec<(FactKey, FactRow)>> {
        self.all(KeyRange::prefix(owner_prefix(company, &Owner::Anchor(anchor.clone())).finish()))
    }

    /// Every fact of one kind of one owner, by business key.
    pub fn facts_of_kind(&self, company: &CompanyId, owner: &Owner, fact: &str) -> Result<Vec<(FactKey, FactRow)>> {
        self.all(KeyRange::prefix(owner_prefix(company, owner).text(fact).finish()))
    }

    /// Every fact of a company.
    pub fn facts(&self, company: &CompanyId, visit: &mut dyn FnMut(FactKey, FactRow) -> ControlFlow<()>) -> Result<()> {
        self.each(of_company(company), Order::Forward, visit)
    }

    /// The entity facts that concern an anchor.
    pub fn held(&self, company: &CompanyId, anchor: &Node) -> Result<Vec<HeldKey>> {
        let range = KeyRange::prefix(KeyWriter::company(company).node(anchor).finish());
        Ok(self.all(range)?.into_iter().map(|(key, ())| key).collect())
    }

    /// Every such row of a company.
    pub fn all_held(&self, company: &CompanyId, visit: &mut dyn FnMut(HeldKey) -> ControlFlow<()>) -> Result<()> {
        self.each(of_company(company), Order::Forward, |key, ()| visit(key))
    }

    /// A sealed value.
    pub fn vault(&self, company: &CompanyId, token: &Token) -> Result<Option<Vec<u8>>> {
        self.row(&VaultKey { company: company.clone(), token: *token })
    }
}

/// All rows of a company in a table.
pub(super) fn of_company(company: &CompanyId) -> KeyRange {
    KeyRange::prefix(KeyWriter::company(company).finish())
}
