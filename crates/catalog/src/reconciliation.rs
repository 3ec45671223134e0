//! Reconciliation: what a source says it sent in a window, and what the comparison found. Both are kept as JSON text;
//! the fields beside them are what rows are found and judged by.

use crate::{ids::CompanyId, time::Micros};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// One posted reconciliation with its latest comparison.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReconciliationRow {
    /// Its id, time-ordered.
    pub id: SmolStr,
    /// Which company.
    pub company: CompanyId,
    /// Canonical module.
    pub module: SmolStr,
    /// The key that posted it.
    pub key_id: SmolStr,
    /// When it was posted.
    pub posted_at: Micros,
    /// When it was last compared.
    pub checked_at: Micros,
    /// Nothing is missing, extra or altered beyond what is explained.
    pub matches: bool,
    /// What the source says, as JSON text.
    pub claim: String,
    /// What was found, as JSON text.
    pub result: String,
}
