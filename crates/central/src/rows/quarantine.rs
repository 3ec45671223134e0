//! Refused events. Key: company, receipt (its text sorts by time). Value: the record with its sealed body.

use crate::{
    key::{KeyReader, KeyWriter},
    port::Table,
    row::{ReadBack, Stored},
};
use cebe_catalog::{CompanyId, record::QuarantineRecord};
use smol_str::SmolStr;

/// Key of a refused event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct QuarantineKey {
    pub(crate) company: CompanyId,
    pub(crate) receipt: SmolStr,
}

impl Stored for QuarantineKey {
    const TABLE: Table = Table::Quarantine;
    type Row = QuarantineRecord;

    fn to_key(&self) -> Vec<u8> {
        KeyWriter::company(&self.company).raw(self.receipt.as_bytes()).finish()
    }
}

impl ReadBack for QuarantineKey {
    fn from_key(bytes: &[u8]) -> Option<Self> {
        let mut key = KeyReader::new(bytes);
        Some(Self { company: key.company()?, receipt: key.rest_text()? })
    }
}
