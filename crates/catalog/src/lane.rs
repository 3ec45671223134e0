//! The two lanes by which an event can come.

use serde::{Deserialize, Serialize};

/// `Live` traffic goes first; `Backfill` is never starved below a tenth and never fires effects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// What publishers send as it happens.
    #[default]
    Live,
    /// History that is loaded beside it.
    Backfill,
}
