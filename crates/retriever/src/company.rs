//! The company of a read: its settings, zone, events and keys.

use crate::http::{Read, ReadError};
use cebe_catalog::{CompanyId, Definitions, EventName, PiiClass, definition::EventDefinition, time::Zone};
use cebe_central::Snapshot;
use cebe_engine::change::{CompanyRow, ControlKind, ControlRow};
use cebe_privacy::keys::{CompanyKeys, MasterKey};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
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

    /// The definition of an event: the catalog's, else the company's own.
    pub(crate) fn event<'a>(
        &'a self,
        snapshot: &Snapshot,
        name: &EventName,
    ) -> Result<Option<Cow<'a, EventDefinition>>, ReadError> {
        if let Some(definition) = self.definitions.events.get(name.as_str()) {
            return Ok(Some(Cow::Borrowed(definition)));
        }
        let id = format!("{}\0{name}", self.id);
        match snapshot.control(ControlKind::EventDefinition, &id)? {
            Some(ControlRow::EventDefinition(json)) => serde_json::from_str(&json)
                .map(|definition| Some(Cow::Owned(definition)))
                .map_err(|_| ReadError::Damaged("event definition")),
            _ => Ok(None),
        }
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
pub(crate) struct KeyRing(Mutex<BTreeMap<CompanyId, (Vec<u8>, Arc<CompanyKeys>)>>);

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
