//! Sealed PII values. Key: company, token. Value: the sealed bytes.

use crate::{
    key::{KeyReader, KeyWriter},
    port::Table,
    row::{ReadBack, Stored},
};
use cebe_catalog::{CompanyId, Token};

/// Key of a sealed value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VaultKey {
    pub(crate) company: CompanyId,
    pub(crate) token: Token,
}

impl Stored for VaultKey {
    const TABLE: Table = Table::Vault;
    type Row = Vec<u8>;

    fn to_key(&self) -> Vec<u8> {
        KeyWriter::company(&self.company).raw(&self.token.0).finish()
    }
}

impl ReadBack for VaultKey {
    fn from_key(bytes: &[u8]) -> Option<Self> {
        let mut key = KeyReader::new(bytes);
        let read = Self { company: key.company()?, token: Token(key.array()?) };
        key.is_empty().then_some(read)
    }
}
