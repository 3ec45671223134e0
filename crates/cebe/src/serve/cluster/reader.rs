//! The database for reading, opened when it is there: a node starts, and its door takes events, while it is away.

use std::sync::{Arc, OnceLock};

use cebe_catalog::CompanyId;
use cebe_central::change::Changes;
use cebe_central::engine_rows::Place;
use cebe_central::postgres::Database;
use cebe_central::{Central, OpenError, Snapshot, StoreError, StoreFacts};

/// A reader of everything.
pub(super) struct Reader {
    database: Arc<Database>,
    opened: OnceLock<Arc<dyn Central>>,
}

impl Reader {
    pub(super) fn new(database: &Arc<Database>) -> Self {
        Self { database: Arc::clone(database), opened: OnceLock::new() }
    }

    fn opened(&self) -> Result<&Arc<dyn Central>, StoreError> {
        if let Some(opened) = self.opened.get() {
            return Ok(opened);
        }
        match self.database.reader() {
            Ok(opened) => Ok(self.opened.get_or_init(|| opened)),
            Err(OpenError::Store(error)) => Err(error),
            Err(error) => Err(StoreError::NotOpened(error.to_string())),
        }
    }
}

impl Central for Reader {
    fn snapshot(&self) -> Result<Snapshot, StoreError> {
        self.opened()?.snapshot()
    }

    fn commit(&self, _changes: &Changes) -> Result<(), StoreError> {
        Err(StoreError::ReadOnly)
    }

    fn persist(&self) -> Result<Vec<Place>, StoreError> {
        Err(StoreError::ReadOnly)
    }

    fn replace_derived(&self, _company: &CompanyId, _from: &Snapshot) -> Result<(), StoreError> {
        Err(StoreError::ReadOnly)
    }

    fn facts(&self) -> StoreFacts {
        self.opened().map(|opened| opened.facts()).unwrap_or_default()
    }
}
