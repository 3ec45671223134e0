//! Nodes. Key: company, node bytes. Value: the engine's `NodeRow`.

use crate::{
    key::{KeyReader, KeyWriter},
    port::Table,
    row::{ReadBack, Stored},
};
use cebe_catalog::Node;
use cebe_engine::rows::{NodeKey, NodeRow};

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
