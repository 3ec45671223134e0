//! The company of a read: its settings, zone, events and keys.

use crate::http::{Read, ReadError};
use cebe_catalog::{CompanyId, Definitions, PiiClass, definition::CompanyCatalog, time::Zone};
use cebe_central::{Order, Snapshot};
use cebe_engine::change::{CompanyRow, ControlKind, ControlRow};
use cebe_privacy::keys::{CompanyKeys, MasterKey};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    sync::{Arc, Mutex, PoisonError},
};

/// A company as a read sees it.
pub(crate) struct Company {
    pub(crate) id: CompanyId,
    pub(crate) row: CompanyRow,
    pub(crate) zone: Zone,
    pub(crate) definitions: Arc<Definitions>,
}

impl Company {
    /// Loads it; a company that was never created is unknown.
    pub(crate) fn load(read: &Read, id: CompanyId) -> Result<Self, ReadError> {
        let Some(ControlRow::Company(row)) = read.snapshot.control(ControlKind::Company, id.as_str())? else {
            return Err(ReadError::UnknownCompany);
        };
        let zone = row.settings.zone();
        Ok(Self { id, row, zone, definitions: read.house.reads.definitions.clone() })
    }

    /// The company's events: its own, registered at run time, over the standard ones.
    pub(crate) fn catalog(&self, snapshot: &Snapshot) -> Result<CompanyCatalog<'_>, ReadError> {
        let mut catalog = CompanyCatalog::new(&self.definitions);
        let mut damaged = false;
        let prefix = format!("{}\0", self.id);
        snapshot.control_all(ControlKind::EventDefinition, &prefix, Order::Forward, &mut |_, row| {
            if let ControlRow::EventDefinition(json) = row {
                match serde_json::from_str(&json) {
                    Ok(event) => catalog.add(event),
                    Err(_) => damaged = true,
                }
            }
            ControlFlow::Continue(())
        })?;
        if damaged { Err(ReadError::Damaged("event definition")) } else { Ok(catalog) }
    }

    /// Names of attributes that hold agents' or admins' ids, in any event of the catalog.
    pub(crate) fn staff_names(&self) -> BTreeSet<&str> {
        let attributes = self.definitions.events.values().flat_map(|event| &event.attributes);
        attributes.filter(|(_, attribute)| attribute.pii == PiiClass::Staff).map(|(name, _)| name.as_str()).collect()
    }

    /// The company's keys, opened once and kept.
    pub(crate) fn keys(&self, read: &Read) -> Result<Arc<CompanyKeys>, ReadError> {
        read.house.keys.open(&self.id, &self.row.secrets, &read.house.reads.master)
    }
}

/// Opened keys of companies, by company and wrapped bytes.
#[derive(Default)]
pub(crate) struct KeyRing(Mutex<BTreeMap<CompanyId, Opened>>);

/// Wrapped bytes and the keys that were in them.
type Opened = (Vec<u8>, Arc<CompanyKeys>);

impl KeyRing {
    /// The keys behind wrapped bytes.
    fn open(&self, id: &CompanyId, wrapped: &[u8], master: &MasterKey) -> Result<Arc<CompanyKeys>, ReadError> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((bytes, keys)) = open.get(id)
            && bytes == wrapped
        {
            return Ok(keys.clone());
        }
        let keys = CompanyKeys::unwrap_with(master, wrapped).map_err(|_| ReadError::Damaged("company keys"))?;
        let keys = Arc::new(keys);
        open.insert(id.clone(), (wrapped.to_vec(), keys.clone()));
        Ok(keys)
    }
}
