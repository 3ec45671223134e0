//! What operators read: quarantine, conflicts, sources, companies and their fields, keys, teams, operations and audits.

mod audits;
mod backfills;
mod companies;
mod conflicts;
mod keys;
mod operations;
mod quarantine;
mod reconciliations;
mod sequences;
mod sources;
mod teams;

pub(crate) use backfills::{__path_backfill, __path_backfills, backfill, backfills};
pub(crate) use companies::{__path_companies, __path_company, __path_fields, companies, company, fields};
pub(crate) use conflicts::{__path_conflicts, conflicts};
pub(crate) use keys::{__path_keys, keys};
pub(crate) use operations::{__path_operations, operations};
pub(crate) use quarantine::{__path_quarantine, __path_quarantined, quarantine, quarantined};
pub(crate) use reconciliations::{__path_reconciliation, __path_reconciliations, reconciliation, reconciliations};
pub(crate) use sources::{__path_source, __path_sources, source, sources};
pub(crate) use teams::{__path_team, __path_teams, team, teams};
