//! The three trees: which table lies in which, how a batch is written to all of them at once, and how they are read at
//! one moment. Keys begin with the table's ordinal; the ordinal 0 holds each tree's mark, the number of the last commit.

use super::{EmbeddedSettings, loading::StoredRow};
use crate::{
    OpenError, Result, StoreError,
    port::{KeyRange, Order, Table, View, Visit},
    write::{Batch, KEY_BYTES_MAX},
};
use fjall::{
    CompressionType, Database, Guard, Keyspace, KeyspaceCreateOptions, Readable, Snapshot,
    config::{BlockSizePolicy, CompressionPolicy},
};
use std::ops::{Bound, ControlFlow};

const MARK: [u8; 1] = [0];
const BLOCK_BYTES: u32 = 8 * 1024;

/// Handles of the trees.
#[derive(Clone)]
pub(super) struct Trees {
    seen: Keyspace,
    body: Keyspace,
    rows: Keyspace,
}

impl Trees {
    pub(super) fn open(database: &Database, settings: &EmbeddedSettings) -> Result<Self, fjall::Error> {
        let bytes = settings.memtable_bytes;
        let plain = || {
            let options = KeyspaceCreateOptions::default().manual_journal_persist(true).max_memtable_size(bytes);
            options.data_block_size_policy(BlockSizePolicy::all(BLOCK_BYTES))
        };
        // Rows beside each other are much alike, so larger blocks pack better. Tables of the upper two levels are small and
        // soon merged: packing and unpacking them costs more time than it saves room.
        let upper_unpacked = [CompressionType::None, CompressionType::None, CompressionType::Lz4];
        let options = || plain().data_block_compression_policy(CompressionPolicy::new(upper_unpacked));
        // Blocks of the log are compressed already.
        let packed = || plain().data_block_compression_policy(CompressionPolicy::all(CompressionType::None));
        Ok(Self {
            seen: database.keyspace("seen", options)?,
            body: database.keyspace("body", packed)?,
            rows: database.keyspace("rows", options)?,
        })
    }

    fn of(&self, table: Table) -> &Keyspace {
        match table {
            Table::Seen => &self.seen,
            Table::Body => &self.body,
            _ => &self.rows,
        }
    }

    fn all(&self) -> [&Keyspace; 3] {
        [&self.seen, &self.body, &self.rows]
    }

    /// Writes a batch atomically. Each tree gets the commit's number, so that trees that stand apart are noticed.
    pub(super) fn commit(&self, database: &Database, batch: Batch, commit: u64) -> Result<()> {
        let writes = batch.into_writes();
        let mut atomic = fjall::OwnedWriteBatch::with_capacity(database.clone(), writes.len() + 3);
        let mut key = Vec::with_capacity(128);
        for write in writes {
            key.clear();
            key.push(write.table as u8);
            key.extend_from_slice(&write.key);
            match write.value {
                Some(value) => atomic.insert(self.of(write.table), key.as_slice(), value),
                None => atomic.remove(self.of(write.table), key.as_slice()),
            }
        }
        for tree in self.all() {
            atomic.insert(tree, MARK, commit.to_be_bytes());
        }
        Ok(atomic.commit()?)
    }

    /// Fills empty trees with rows that come in the order of their trees and keys, and marks each with `commits`.
    pub(super) fn load<E: From<OpenError>>(
        &self,
        commits: u64,
        rows: &mut dyn FnMut() -> Result<Option<StoredRow>, E>,
    ) -> Result<(), E> {
        let failed = OpenError::from;
        let mut next = rows()?;
        for tree in self.all() {
            let mut loading = tree.start_ingestion().map_err(failed)?;
            loading.write(MARK, commits.to_be_bytes()).map_err(failed)?;
            while let Some(row) = next.take_if(|row| self.of(row.table).id() == tree.id()) {
                loading.write(table_key(row.table, &row.key), row.value).map_err(failed)?;
                next = rows()?;
            }
            loading.finish().map_err(failed)?;
        }
        match next {
            None => Ok(()),
            Some(row) => Err(OpenError::from(StoreError::Damaged(row.table)).into()),
        }
    }

    /// The last commit each tree holds.
    pub(super) fn marks(&self, snapshot: &Snapshot) -> Result<Vec<u64>, fjall::Error> {
        let read = |tree: &Keyspace| {
            let mark = snapshot.get(tree, MARK)?.and_then(|bytes| Some(u64::from_be_bytes(*bytes.first_chunk()?)));
            Ok(mark.unwrap_or(0))
        };
        self.all().into_iter().map(read).collect()
    }

    /// Makes one tree stand apart, as no commit does.
    #[cfg(test)]
    pub(super) fn set_mark_of_one(&self, database: &Database, commit: u64) {
        let mut batch = database.batch();
        batch.insert(&self.seen, MARK, commit.to_be_bytes());
        batch.commit().unwrap();
    }

    pub(super) fn view(&self, snapshot: Snapshot) -> Moment {
        Moment { trees: self.clone(), snapshot }
    }
}

/// The trees at one moment.
pub(super) struct Moment {
    trees: Trees,
    snapshot: Snapshot,
}

impl View for Moment {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if key.len() >= KEY_BYTES_MAX {
            return Ok(None);
        }
        let value = self.snapshot.get(self.trees.of(table), table_key(table, key))?;
        Ok(value.map(|bytes| bytes.to_vec()))
    }

    fn scan(&self, table: Table, range: KeyRange, order: Order, visit: &mut Visit<'_>) -> Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        let start = table_key(table, &range.start);
        let end = range.end.map_or_else(|| vec![table as u8 + 1], |end| table_key(table, &end));
        let rows = self.snapshot.range(self.trees.of(table), bounds(start, end));
        match order {
            Order::Forward => show(rows, visit),
            Order::Backward => show(rows.rev(), visit),
        }
    }
}

/// The trees abort on a bound that is longer than a key may be. No stored key is, so a clipped bound splits them the same
/// way when its own place changes sides.
fn bounds(mut start: Vec<u8>, mut end: Vec<u8>) -> (Bound<Vec<u8>>, Bound<Vec<u8>>) {
    let (start_long, end_long) = (start.len() > KEY_BYTES_MAX, end.len() > KEY_BYTES_MAX);
    start.truncate(KEY_BYTES_MAX);
    end.truncate(KEY_BYTES_MAX);
    match (start_long, end_long) {
        (false, false) => (Bound::Included(start), Bound::Excluded(end)),
        (true, false) => (Bound::Excluded(start), Bound::Excluded(end)),
        (false, true) => (Bound::Included(start), Bound::Included(end)),
        // Equal bounds that are both out: an empty range is said with another pair.
        (true, true) if start == end => (Bound::Included(start.clone()), Bound::Excluded(start)),
        (true, true) => (Bound::Excluded(start), Bound::Included(end)),
    }
}

fn show(rows: impl Iterator<Item = Guard>, visit: &mut Visit<'_>) -> Result<()> {
    for row in rows {
        let (key, value) = row.into_inner()?;
        if let ControlFlow::Break(()) = visit(&key[1..], &value) {
            break;
        }
    }
    Ok(())
}

fn table_key(table: Table, key: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(key.len() + 1);
    stored.push(table as u8);
    stored.extend_from_slice(key);
    stored
}
