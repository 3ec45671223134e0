//! When names were last seen. Key: company, module, event name. Value: the engine's `LastSeen`.

use crate::{
    key::{KeyReader, KeyWriter},
    port::Table,
    row::{ReadBack, Stored},
};
use cebe_catalog::{EventName, SourceModule};
use cebe_engine::rows::{LastSeen, LastSeenKey};

impl Stored for LastSeenKey {
    const TABLE: Table = Table::LastSeen;
    type Row = LastSeen;

    fn to_key(&self) -> Vec<u8> {
        KeyWriter::company(&self.company).text(self.module.as_str()).raw(self.name.as_str().as_bytes()).finish()
    }
}

impl ReadBack for LastSeenKey {
    fn from_key(bytes: &[u8]) -> Option<Self> {
        let mut key = KeyReader::new(bytes);
        let (company, module) = (key.company()?, SourceModule(key.text()?));
        Some(Self { company, module, name: EventName(key.rest_text()?) })
    }
}
