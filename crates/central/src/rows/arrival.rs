//! Arrivals. Key: company, module, by which time, event name, hour. Value: the engine's `Arrivals`.

use crate::{
    key::{KeyReader, KeyWriter},
    port::Table,
    row::{ReadBack, Stored},
};
use cebe_catalog::{EventName, Micros, SourceModule};
use cebe_engine::rows::{ArrivalKey, ArrivalTime, Arrivals};

impl Stored for ArrivalKey {
    const TABLE: Table = Table::Arrival;
    type Row = Arrivals;

    fn to_key(&self) -> Vec<u8> {
        let start = KeyWriter::company(&self.company).text(self.module.as_str()).byte(self.by as u8);
        start.text(&self.name.0).i64(self.hour.0).finish()
    }
}

impl ReadBack for ArrivalKey {
    fn from_key(bytes: &[u8]) -> Option<Self> {
        let mut key = KeyReader::new(bytes);
        let (company, module) = (key.company()?, SourceModule(key.text()?));
        let by = match key.byte()? {
            0 => ArrivalTime::EventTimestamp,
            1 => ArrivalTime::ReceivedAt,
            _ => return None,
        };
        let read = Self { company, module, by, name: EventName(key.text()?), hour: Micros(key.i64()?) };
        key.is_empty().then_some(read)
    }
}
