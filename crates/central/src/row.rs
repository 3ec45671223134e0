//! Rows as bytes: a format byte, then postcard. What a key type must say to be stored.

use crate::{Result, StoreError, port::Table};
use cebe_catalog::bytes::append;
use serde::{Serialize, de::DeserializeOwned};

/// The format every row is written in today.
pub(crate) const FORMAT: u8 = 1;

/// A key that knows its table, its bytes and the row that lies under it.
pub(crate) trait Stored: Sized {
    /// Where it lies.
    const TABLE: Table;
    /// What lies under it.
    type Row: Serialize + DeserializeOwned;

    /// Its bytes.
    fn to_key(&self) -> Vec<u8>;
}

/// A key that can be read back from its bytes.
pub(crate) trait ReadBack: Stored {
    /// Reads what [`Stored::to_key`] wrote.
    fn from_key(bytes: &[u8]) -> Option<Self>;
}

pub(crate) fn encode<T: Serialize>(row: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    bytes.push(FORMAT);
    append(row, &mut bytes);
    bytes
}

pub(crate) fn decode<T: DeserializeOwned>(table: Table, bytes: &[u8]) -> Result<T> {
    match bytes.split_first() {
        Some((&FORMAT, rest)) => postcard::from_bytes(rest).map_err(|_| StoreError::Damaged(table)),
        Some((&found, _)) => Err(StoreError::RowFormat { table, found }),
        None => Err(StoreError::Damaged(table)),
    }
}

pub(crate) fn decode_key<K: ReadBack>(bytes: &[u8]) -> Result<K> {
    K::from_key(bytes).ok_or(StoreError::Damaged(K::TABLE))
}
