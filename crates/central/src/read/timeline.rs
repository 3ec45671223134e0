//! A person's events, newest first, anchor by anchor.

use crate::{
    Result, Snapshot,
    port::{KeyRange, Order},
    row::Stored,
    rows::{StrandKey, TimelineCursor, TimelineRow},
};
use cebe_catalog::{CompanyId, Node};
use std::ops::ControlFlow;

impl Snapshot {
    /// The events of an anchor in descending order of their [`TimelineCursor`]; strictly below `before` when given.
    pub fn timeline(
        &self,
        company: &CompanyId,
        anchor: &Node,
        before: Option<&TimelineCursor>,
        visit: &mut dyn FnMut(&TimelineRow) -> ControlFlow<()>,
    ) -> Result<()> {
        let mut range = KeyRange::prefix(StrandKey::prefix(company, anchor));
        if let Some(cursor) = before {
            let last = StrandKey { company: company.clone(), anchor: anchor.clone(), cursor: cursor.clone() };
            range = range.after(&last.to_key());
        }
        self.each(range, Order::Forward, |key: StrandKey, spot| visit(&TimelineRow::new(key, spot)))
    }
}
