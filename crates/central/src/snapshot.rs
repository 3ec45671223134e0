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

/// The rows under a prefix.
pub(crate) type Under<K> = Vec<(K, <K as Stored>::Row)>;

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
        let (asked, places): (Vec<Vec<u8>>, Vec<usize>) = asked.into_iter().unzip();
        let mut rows: Vec<Option<K::Row>> = Vec::new();
        rows.resize_with(keys.len(), || None);
        for (place, row) in places.into_iter().zip(self.values(K::TABLE, &asked)?) {
            rows[place] = row;
        }
        Ok(rows)
    }

    /// Rows for the bytes of keys, in the order asked.
    pub(crate) fn values<T: DeserializeOwned>(&self, table: Table, keys: &[Vec<u8>]) -> Result<Vec<Option<T>>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let values = self.view.get_many(table, keys)?.into_iter();
        values.map(|value| value.map(|bytes| decode(table, &bytes)).transpose()).collect()
    }

    /// The rows under each prefix, in the order asked.
    pub(crate) fn under<K: ReadBack>(&self, prefixes: &[Vec<u8>]) -> Result<Vec<Under<K>>> {
        if prefixes.is_empty() {
            return Ok(Vec::new());
        }
        let row = |(key, value): (Vec<u8>, Vec<u8>)| Ok((decode_key(&key)?, decode(K::TABLE, &value)?));
        let found = self.view.get_prefixes(K::TABLE, prefixes)?.into_iter();
        found.map(|rows| rows.into_iter().map(row).collect()).collect()
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
        if let Some(rows) = self.view.event_rows() {
            return Ok(rows.events(std::slice::from_ref(address))?.pop().flatten());
        }
        let key = address.block().to_key();
        match self.view.get(Table::Body, &key)? {
            Some(stored) => self.blocks.unpack(&key, &stored)?.event(address.spot.slot),
            None => Ok(None),
        }
    }

    /// The events that rows point to, in the order asked: they must be there.
    pub(crate) fn bodies_of_rows(&self, addresses: &[Address]) -> Result<Vec<EventRecord>> {
        let bodies = match self.view.event_rows() {
            Some(rows) if !addresses.is_empty() => rows.events(addresses)?,
            _ => addresses.iter().map(|address| self.body(address)).collect::<Result<_>>()?,
        };
        let there = |(body, address): (Option<EventRecord>, &Address)| {
            body.ok_or_else(|| StoreError::Dangling(address.to_string()))
        };
        bodies.into_iter().zip(addresses).map(there).collect()
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").finish_non_exhaustive()
    }
}
