//! Dedup rows. Key: company, module, name, then 1 and the sixteen bytes of a UUID, or 2 and a sixteen-byte hash of any
//! other id (the id itself is in the body). Value: what is remembered for ever, and where the body is while there is one.

use super::Spot;
use crate::{key::KeyWriter, port::Table, row::Stored};
pub(super) use cebe_engine::packed::{uuid_bytes, uuid_text};
use cebe_engine::rows::{Seen, SeenKey};
use serde::{Deserialize, Serialize};

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
            Some(bytes) => start.byte(1).raw(&bytes),
            None => start.byte(2).raw(&blake3::hash(self.id.as_str().as_bytes()).as_bytes()[..16]),
        }
        .finish()
    }
}
