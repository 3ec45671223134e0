//! Refused events and losing copies, newest first, page by page.

use super::people::of_company;
use crate::{
    Result, Snapshot,
    port::Order,
    row::{ReadBack, Stored},
    rows::{ConflictKey, QuarantineKey},
};
use cebe_catalog::{CompanyId, record::QuarantineRecord};
use cebe_engine::change::Conflict;
use std::ops::ControlFlow;

impl Snapshot {
    /// Refused events, newest first by receipt; strictly below `before` when given.
    pub fn quarantine(&self, company: &CompanyId, before: Option<&str>, limit: usize) -> Result<Vec<QuarantineRecord>> {
        let before = before.map(|receipt| quarantine_key(company, receipt));
        Ok(self.newest(company, before, limit)?.into_iter().map(|(_, record)| record).collect())
    }

    /// A refused event by its receipt.
    pub fn quarantined(&self, company: &CompanyId, receipt: &str) -> Result<Option<QuarantineRecord>> {
        self.row(&quarantine_key(company, receipt))
    }

    /// Losing copies with their cursor ids, newest first by receipt; strictly below `before` when given.
    pub fn conflicts(
        &self,
        company: &CompanyId,
        before: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(String, Conflict)>> {
        let before = before.map(|id| ConflictKey { company: company.clone(), id: id.into() });
        let rows: Vec<(ConflictKey, Conflict)> = self.newest(company, before, limit)?;
        Ok(rows.into_iter().map(|(key, conflict)| (key.id.to_string(), conflict)).collect())
    }

    fn newest<K: ReadBack>(
        &self,
        company: &CompanyId,
        before: Option<K>,
        limit: usize,
    ) -> Result<Vec<(K, <K as Stored>::Row)>> {
        let mut range = of_company(company);
        if let Some(before) = before {
            range.end = Some(before.to_key());
        }
        let mut rows = Vec::new();
        if limit == 0 {
            return Ok(rows);
        }
        self.each(range, Order::Backward, |key: K, row| {
            rows.push((key, row));
            if rows.len() < limit { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(rows)
    }
}

fn quarantine_key(company: &CompanyId, receipt: &str) -> QuarantineKey {
    QuarantineKey { company: company.clone(), receipt: receipt.into() }
}
