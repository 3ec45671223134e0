//! Losing copies. Key: company, then text of receipt time, lane and place in the queue, which sorts by time and is the
//! cursor of the list. Value: the copy and its place.

use crate::{
    key::{KeyReader, KeyWriter},
    port::Table,
    row::{ReadBack, Stored},
};
use cebe_catalog::CompanyId;
use cebe_engine::change::Conflict;
use smol_str::{SmolStr, format_smolstr};

/// Key of a losing copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConflictKey {
    pub(crate) company: CompanyId,
    pub(crate) id: SmolStr,
}

impl ConflictKey {
    pub(crate) fn of(conflict: &Conflict) -> Self {
        let header = &conflict.event.header;
        let (lane, index) = (conflict.place.lane as u8, conflict.place.index);
        let id = format_smolstr!("{:020}-{lane}-{index:020}", header.received_at.0.max(0));
        Self { company: header.company.clone(), id }
    }
}

impl Stored for ConflictKey {
    const TABLE: Table = Table::Conflict;
    type Row = Conflict;

    fn to_key(&self) -> Vec<u8> {
        KeyWriter::company(&self.company).raw(self.id.as_bytes()).finish()
    }
}

impl ReadBack for ConflictKey {
    fn from_key(bytes: &[u8]) -> Option<Self> {
        let mut key = KeyReader::new(bytes);
        Some(Self { company: key.company()?, id: key.rest_text()? })
    }
}
