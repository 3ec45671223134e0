//! Nodes, facts, what entity facts concern whom, and sealed values.

use crate::{
    Result, Snapshot,
    key::KeyWriter,
    port::{KeyRange, Order},
    rows::{VaultKey, owner_prefix},
};
use cebe_catalog::{CompanyId, Node, Token};
use cebe_engine::rows::{FactKey, FactRow, HeldKey, NodeKey, NodeRow, Owner};
use std::ops::ControlFlow;

impl Snapshot {
    /// A node's row.
    pub fn node(&self, company: &CompanyId, node: &Node) -> Result<Option<NodeRow>> {
        self.row(&NodeKey { company: company.clone(), node: node.clone() })
    }

    /// The rows of nodes, in the order asked.
    pub fn nodes_named(&self, company: &CompanyId, nodes: &[Node]) -> Result<Vec<Option<NodeRow>>> {
        let key = |node: &Node| NodeKey { company: company.clone(), node: node.clone() };
        self.rows_for(&nodes.iter().map(key).collect::<Vec<_>>())
    }

    /// Every node of a company.
    pub fn nodes(&self, company: &CompanyId, visit: &mut dyn FnMut(Node, NodeRow) -> ControlFlow<()>) -> Result<()> {
        self.each(of_company(company), Order::Forward, |key: NodeKey, row| visit(key.node, row))
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
