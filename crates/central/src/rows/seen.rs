//! Dedup rows. Key: company, module, name, then 1 and the sixteen bytes of a UUID, or 2 and a sixteen-byte hash of any
//! other id (the id itself is in the body). Value: what is remembered for ever, and where the body is while there is one.

use super::Spot;
use crate::{key::KeyWriter, port::Table, row::Stored};
pub(super) use cebe_engine::packed::{uuid_bytes, uuid_text};
use cebe_engine::rows::{Seen, SeenKey};
use serde::{Deserialize, Serialize};

const UUID: u8 = 1;
const HASH: u8 = 2;

/// The stored row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SeenRow {
    /// What the engine knows.
    pub seen: Seen,
    /// Where the body is; none once it left the log.
    pub spot: Option<Spot>,
}

impl Stored for SeenKey {
    const TABLE: Table = Table::Seen;
    type Row = SeenRow;

    fn to_key(&self) -> Vec<u8> {
        let start = KeyWriter::company(&self.company).text(self.module.as_str()).text(self.name.as_str());
        match uuid_bytes(self.id.as_str()) {
            Some(bytes) => start.byte(UUID).raw(&bytes),
            None => start.byte(HASH).raw(&blake3::hash(self.id.as_str().as_bytes()).as_bytes()[..16]),
        }
        .finish()
    }
}

/// The bytes of an id that is a UUIDv7. Such ids grow with time, so one above all that are stored has no row: nothing
/// has to be read to know it.
pub(crate) fn time_ordered(id: &str) -> Option<[u8; 16]> {
    uuid_bytes(id).filter(|bytes| bytes[6] >> 4 == 7)
}

/// The same, from the bytes of a key.
pub(crate) fn time_ordered_in(key: &[u8]) -> Option<[u8; 16]> {
    let (rest, bytes) = key.split_last_chunk::<16>()?;
    (rest.last() == Some(&UUID) && bytes[6] >> 4 == 7).then_some(*bytes)
}
