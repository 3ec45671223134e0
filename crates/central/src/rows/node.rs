//! Nodes. Key: company, node bytes. Value: the engine's `NodeRow`. The numbers in the row of a busy node change with every
//! event, the rest seldom: they lie apart under the same key, and in the row itself stands what says that they do.

use crate::{
    key::{KeyReader, KeyWriter},
    port::Table,
    row::{ReadBack, Stored},
};
use cebe_catalog::Node;
use cebe_engine::rows::{Evidence, NodeCounts, NodeKey, NodeRow};

impl Stored for NodeKey {
    const TABLE: Table = Table::Node;
    type Row = NodeRow;

    fn to_key(&self) -> Vec<u8> {
        KeyWriter::company(&self.company).raw(&self.node.to_bytes()).finish()
    }
}

impl ReadBack for NodeKey {
    fn from_key(bytes: &[u8]) -> Option<Self> {
        let mut key = KeyReader::new(bytes);
        Some(Self { company: key.company()?, node: Node::from_bytes(key.rest())? })
    }
}

/// Under which the numbers of a busy node lie.
pub(crate) struct CountsKey(pub(crate) NodeKey);

impl Stored for CountsKey {
    const TABLE: Table = Table::NodeCounts;
    type Row = NodeCounts;

    fn to_key(&self) -> Vec<u8> {
        self.0.to_key()
    }
}

impl ReadBack for CountsKey {
    fn from_key(bytes: &[u8]) -> Option<Self> {
        NodeKey::from_key(bytes).map(Self)
    }
}

/// What is written of a busy node's row beside its numbers: the same whatever they are, and busy still.
pub(crate) fn without_counts(row: &NodeRow) -> NodeRow {
    let mut row = row.clone();
    let named = |evidence: &Evidence| evidence.earliest.len() as u64;
    let links = row.links.iter().map(|link| named(&link.evidence)).collect();
    row.set_counts(&NodeCounts { seen: Evidence::KEPT as u64, created: named(&row.created), links });
    row
}
