//! Tallies. Key: company, anchor, component. Value: the engine's `Tally`.

use crate::{
    key::{KeyReader, KeyWriter},
    port::Table,
    row::{ReadBack, Stored},
};
use cebe_engine::rows::{Tally, TallyKey};

impl Stored for TallyKey {
    const TABLE: Table = Table::Tally;
    type Row = Tally;

    fn to_key(&self) -> Vec<u8> {
        KeyWriter::company(&self.company).node(&self.anchor).raw(self.component.as_bytes()).finish()
    }
}

impl ReadBack for TallyKey {
    fn from_key(bytes: &[u8]) -> Option<Self> {
        let mut key = KeyReader::new(bytes);
        Some(Self { company: key.company()?, anchor: key.node()?, component: key.rest_text()? })
    }
}
