//! Settings, keys, flags and audits, and what the store knows of itself.

use crate::{
    Result, Snapshot,
    port::{KeyRange, Order},
    row::Stored,
    rows::{ControlKey, MetaKey},
};
use cebe_catalog::Lane;
use cebe_engine::{
    change::{ControlKind, ControlRow},
    rows::Place,
};
use serde::de::DeserializeOwned;
use std::ops::ControlFlow;

impl Snapshot {
    /// A control row.
    pub fn control(&self, kind: ControlKind, id: &str) -> Result<Option<ControlRow>> {
        self.row(&ControlKey::new(kind, id))
    }

    /// The control rows of a kind whose id begins with `prefix`, by id.
    pub fn control_all(
        &self,
        kind: ControlKind,
        prefix: &str,
        order: Order,
        visit: &mut dyn FnMut(&str, ControlRow) -> ControlFlow<()>,
    ) -> Result<()> {
        let range = KeyRange::prefix(ControlKey::new(kind, prefix).to_key());
        self.each(range, order, |key: ControlKey, row| visit(&key.id, row))
    }

    /// Raised by every commit that holds a change of settings (progress is none): whoever keeps settings reloads them when it moves.
    pub fn control_version(&self) -> Result<u64> {
        Ok(self.meta(MetaKey::ControlVersion)?.unwrap_or(0))
    }

    /// The next index to read, per lane that ever moved.
    pub fn positions(&self) -> Result<Vec<Place>> {
        let mut places = Vec::new();
        for lane in [Lane::Live, Lane::Backfill] {
            let index: Option<u64> = self.meta(MetaKey::Position(lane))?;
            places.extend(index.map(|index| Place { lane, index }));
        }
        Ok(places)
    }

    /// The id the store shares with its queue.
    pub fn store_id(&self) -> Result<Option<[u8; 16]>> {
        self.meta(MetaKey::StoreId)
    }

    /// Number of commits up to this view.
    pub fn commits(&self) -> Result<u64> {
        Ok(self.meta(MetaKey::Commits)?.unwrap_or(0))
    }

    pub(crate) fn meta<T: DeserializeOwned>(&self, key: MetaKey) -> Result<Option<T>> {
        self.value(MetaKey::TABLE, &key.to_key())
    }
}
