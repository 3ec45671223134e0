//! Which entity facts concern an anchor. Key: company, anchor, kind of fact, business key. Value: nothing.

use crate::{
    key::{KeyReader, KeyWriter},
    port::Table,
    row::{ReadBack, Stored},
};
use cebe_engine::rows::HeldKey;

impl Stored for HeldKey {
    const TABLE: Table = Table::Held;
    type Row = ();

    fn to_key(&self) -> Vec<u8> {
        let start = KeyWriter::company(&self.company).node(&self.anchor);
        start.text(&self.fact).raw(self.key.as_bytes()).finish()
    }
}

impl ReadBack for HeldKey {
    fn from_key(bytes: &[u8]) -> Option<Self> {
        let mut key = KeyReader::new(bytes);
        Some(Self { company: key.company()?, anchor: key.node()?, fact: key.text()?, key: key.rest_text()? })
    }
}
