//! Outcome counts. Key: company, module, hour of receipt. Value: the engine's `Outcomes`.

use crate::{
    key::{KeyReader, KeyWriter},
    port::Table,
    row::{ReadBack, Stored},
};
use cebe_catalog::{Micros, SourceModule};
use cebe_engine::rows::{OutcomeKey, Outcomes};

impl Stored for OutcomeKey {
    const TABLE: Table = Table::Outcome;
    type Row = Outcomes;

    fn to_key(&self) -> Vec<u8> {
        KeyWriter::company(&self.company).text(self.module.as_str()).i64(self.hour.0).finish()
    }
}

impl ReadBack for OutcomeKey {
    fn from_key(bytes: &[u8]) -> Option<Self> {
        let mut key = KeyReader::new(bytes);
        let (company, module) = (key.company()?, SourceModule(key.text()?));
        let read = Self { company, module, hour: Micros(key.i64()?) };
        key.is_empty().then_some(read)
    }
}
