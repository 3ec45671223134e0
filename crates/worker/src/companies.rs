//! The settings the engine works with, kept beside the loop and reloaded when they change.

use crate::run::WorkerError;
use cebe_catalog::CompanyId;
use cebe_central::{Order, Snapshot};
use cebe_engine::{
    change::{CompanyRow, ControlKind, ControlRow},
    step::CompanyContext,
};
use std::{collections::BTreeMap, ops::ControlFlow};

/// Stored rows and prepared settings of every company.
#[derive(Debug, Default)]
pub struct Companies {
    rows: BTreeMap<CompanyId, CompanyRow>,
    contexts: BTreeMap<CompanyId, CompanyContext>,
}

impl Companies {
    /// Reads all companies of the store.
    pub fn load(snapshot: &Snapshot) -> Result<Self, WorkerError> {
        let mut companies = Self::default();
        snapshot.control_all(ControlKind::Company, "", Order::Forward, &mut |id, row| {
            if let ControlRow::Company(row) = row {
                companies.put(CompanyId::new(id), row);
            }
            ControlFlow::Continue(())
        })?;
        Ok(companies)
    }

    /// Takes in a company's row.
    pub fn put(&mut self, id: CompanyId, row: CompanyRow) {
        self.contexts.insert(id.clone(), CompanyContext::new(row.settings.clone()));
        self.rows.insert(id, row);
    }

    /// A company's stored row.
    pub fn row(&self, id: &CompanyId) -> Option<&CompanyRow> {
        self.rows.get(id)
    }

    /// What a step knows of each company.
    pub fn contexts(&self) -> &BTreeMap<CompanyId, CompanyContext> {
        &self.contexts
    }

    /// Companies whose history has to be recomputed.
    pub fn rebuilding(&self) -> Vec<CompanyId> {
        self.rows.iter().filter(|(_, row)| row.rebuilding).map(|(id, _)| id.clone()).collect()
    }

    /// Every company with its row.
    pub fn iter(&self) -> impl Iterator<Item = (&CompanyId, &CompanyRow)> {
        self.rows.iter()
    }
}
