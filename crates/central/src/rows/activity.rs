//! Activity. Key: company, component, local day, anchor. Value: the engine's `Marks`.

use crate::{
    key::{KeyReader, KeyWriter},
    port::Table,
    row::{ReadBack, Stored},
};
use cebe_catalog::{Node, time::Day};
use cebe_engine::rows::{ActivityKey, Marks};

impl Stored for ActivityKey {
    const TABLE: Table = Table::Activity;
    type Row = Marks;

    fn to_key(&self) -> Vec<u8> {
        let start = KeyWriter::company(&self.company).text(&self.component).i32(self.day.0);
        start.raw(&self.anchor.to_bytes()).finish()
    }
}

impl ReadBack for ActivityKey {
    fn from_key(bytes: &[u8]) -> Option<Self> {
        let mut key = KeyReader::new(bytes);
        let (company, component, day) = (key.company()?, key.text()?, Day(key.i32()?));
        Some(Self { company, component, day, anchor: Node::from_bytes(key.rest())? })
    }
}
