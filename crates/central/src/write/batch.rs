//! Puts and deletes of one commit, in the order of their keys, each key once.

use crate::{
    Result, StoreError,
    port::Table,
    row::{Stored, encode},
    rows::{Address, MetaKey, time_ordered_in},
};
use serde::Serialize;

/// The longest key that can be stored, the table's byte included.
pub(crate) const KEY_BYTES_MAX: usize = u16::MAX as usize;

/// A put, or a delete when there is no value.
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) table: Table,
    pub(crate) key: Vec<u8>,
    pub(crate) value: Option<Vec<u8>>,
}

/// All of one commit.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    writes: Vec<Write>,
    /// Events that enter a log of rows, as their number among those applied; where events lie in blocks, the blocks are
    /// among the writes.
    pub(crate) added: Vec<(Address, usize)>,
    /// Events that leave a log of rows.
    pub(crate) gone: Vec<Address>,
}

impl Batch {
    pub(crate) fn put<K: Stored>(&mut self, key: &K, row: &K::Row) {
        self.raw(K::TABLE, key.to_key(), Some(encode(row)));
    }

    pub(crate) fn delete<K: Stored>(&mut self, key: &K) {
        self.raw(K::TABLE, key.to_key(), None);
    }

    pub(crate) fn set<K: Stored>(&mut self, key: &K, row: Option<&K::Row>) {
        self.raw(K::TABLE, key.to_key(), row.map(encode));
    }

    pub(crate) fn put_meta<T: Serialize>(&mut self, key: MetaKey, value: &T) {
        self.raw(MetaKey::TABLE, key.to_key(), Some(encode(value)));
    }

    pub(crate) fn raw(&mut self, table: Table, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.writes.push(Write { table, key, value });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Sorts by key; of several writes to one key the last stays.
    pub(super) fn settle(&mut self) -> Result<()> {
        self.writes.sort_by(|a, b| (a.table, &a.key).cmp(&(b.table, &b.key)));
        self.writes.dedup_by(|later, earlier| {
            let same = later.table == earlier.table && later.key == earlier.key;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        match self.writes.iter().find(|write| write.key.len() >= KEY_BYTES_MAX) {
            Some(write) => Err(StoreError::KeyTooLong(write.table)),
            None => Ok(()),
        }
    }

    /// The greatest UUIDv7 among the ids of dedup rows that this batch writes.
    pub(crate) fn newest_id(&self) -> Option<[u8; 16]> {
        let seen = self.writes.iter().filter(|write| write.table == Table::Seen);
        seen.filter_map(|write| time_ordered_in(&write.key)).max()
    }

    /// Keys of log blocks that this batch writes anew or deletes.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = &[u8]> {
        self.writes.iter().filter(|write| write.table == Table::Body).map(|write| write.key.as_slice())
    }

    pub(crate) fn into_writes(self) -> Vec<Write> {
        self.writes
    }
}
