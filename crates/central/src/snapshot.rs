//! A consistent view with typed reads. This file holds what all of them are made of; the reads themselves are in `read/`.

use crate::{
    Result, StoreError,
    blocks::BlockCache,
    port::{KeyRange, Order, Table, View},
    row::{ReadBack, Stored, decode, decode_key},
    rows::Address,
};
use cebe_catalog::EventRecord;
use serde::de::DeserializeOwned;
use std::{ops::ControlFlow, sync::Arc};

/// Everything committed up to one moment. Cheap to clone; hold it no longer than one request, for it keeps old
/// versions of rows alive.
#[derive(Clone)]
pub struct Snapshot {
    view: Arc<dyn View>,
    blocks: Arc<BlockCache>,
}

impl Snapshot {
    pub(crate) fn new(view: Arc<dyn View>, blocks: Arc<BlockCache>) -> Self {
        Self { view, blocks }
    }

    /// Typed reads over any raw view, such as one that a simulation disturbs.
    pub fn over(view: Arc<dyn View>) -> Self {
        Self::new(view, Arc::new(BlockCache::new(0)))
    }

    /// The raw reads, for what has no typed one.
    pub fn view(&self) -> &dyn View {
        &*self.view
    }

    pub(crate) fn row<K: Stored>(&self, key: &K) -> Result<Option<K::Row>> {
        self.value(K::TABLE, &key.to_key())
    }

    pub(crate) fn value<T: DeserializeOwned>(&self, table: Table, key: &[u8]) -> Result<Option<T>> {
        self.view.get(table, key)?.map(|bytes| decode(table, &bytes)).transpose()
    }

    /// Rows for keys, in the order asked; read in the order of their bytes.
    pub(crate) fn rows_for<K: Stored>(&self, keys: &[K]) -> Result<Vec<Option<K::Row>>> {
        let mut asked: Vec<(Vec<u8>, usize)> = keys.iter().enumerate().map(|(i, key)| (key.to_key(), i)).collect();
        asked.sort_unstable();
        let mut rows: Vec<Option<K::Row>> = Vec::new();
        rows.resize_with(keys.len(), || None);
        for (key, place) in asked {
            rows[place] = self.value(K::TABLE, &key)?;
        }
        Ok(rows)
    }

    /// Shows the rows of a range until told to stop.
    pub(crate) fn each<K: ReadBack>(
        &self,
        range: KeyRange,
        order: Order,
        mut visit: impl FnMut(K, K::Row) -> ControlFlow<()>,
    ) -> Result<()> {
        let mut failed = None;
        self.view.scan(K::TABLE, range, order, &mut |key, value| match decode_key(key)
            .and_then(|key| Ok((key, decode(K::TABLE, value)?)))
        {
            Ok((key, row)) => visit(key, row),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        })?;
        failed.map_or(Ok(()), Err)
    }

    /// The rows of a range.
    pub(crate) fn all<K: ReadBack>(&self, range: KeyRange) -> Result<Vec<(K, K::Row)>> {
        let mut rows = Vec::new();
        self.each(range, Order::Forward, |key, row| {
            rows.push((key, row));
            ControlFlow::Continue(())
        })?;
        Ok(rows)
    }

    /// The event at an address; `None` when it has left the log.
    pub fn body(&self, address: &Address) -> Result<Option<EventRecord>> {
        let key = address.block().to_key();
        match self.view.get(Table::Body, &key)? {
            Some(stored) => self.blocks.unpack(&key, &stored)?.event(address.spot.slot),
            None => Ok(None),
        }
    }

    /// The event a row points to: it must be there.
    pub(crate) fn body_of_row(&self, address: &Address) -> Result<EventRecord> {
        self.body(address)?.ok_or_else(|| StoreError::Dangling(address.to_string()))
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").finish_non_exhaustive()
    }
}
