//! Facts. Key: company, owner (0 for a business id's, 1 and the anchor for a person's), kind, business key. Value: the
//! engine's `FactRow`.

use crate::{
    key::{KeyReader, KeyWriter},
    port::Table,
    row::{ReadBack, Stored},
};
use cebe_catalog::CompanyId;
use cebe_engine::rows::{FactKey, FactRow, Owner};

const ENTITY: u8 = 0;
const ANCHOR: u8 = 1;

/// What all facts of one owner begin with.
pub(crate) fn owner_prefix(company: &CompanyId, owner: &Owner) -> KeyWriter {
    let key = KeyWriter::company(company);
    match owner {
        Owner::Entity => key.byte(ENTITY),
        Owner::Anchor(node) => key.byte(ANCHOR).node(node),
    }
}

impl Stored for FactKey {
    const TABLE: Table = Table::Fact;
    type Row = FactRow;

    fn to_key(&self) -> Vec<u8> {
        owner_prefix(&self.company, &self.owner).text(&self.fact).raw(self.key.as_bytes()).finish()
    }
}

impl ReadBack for FactKey {
    fn from_key(bytes: &[u8]) -> Option<Self> {
        let mut key = KeyReader::new(bytes);
        let company = key.company()?;
        let owner = match key.byte()? {
            ENTITY => Owner::Entity,
            ANCHOR => Owner::Anchor(key.node()?),
            _ => return None,
        };
        Some(Self { company, owner, fact: key.text()?, key: key.rest_text()? })
    }
}
