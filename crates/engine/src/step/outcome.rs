//! Counting what became of every received event, per company, source and hour of receipt.

use crate::{
    change::Changes,
    rows::{OutcomeKey, Outcomes},
};
use alloc::collections::BTreeMap;
use cebe_catalog::{Micros, record::Header, time::HOUR};

/// Counts of one step.
#[derive(Debug, Default)]
pub struct Counts {
    rows: BTreeMap<OutcomeKey, Outcomes>,
}

impl Counts {
    /// The counts under which an event of this header falls.
    pub fn at(&mut self, header: &Header) -> &mut Outcomes {
        let hour = Micros(header.received_at.0.div_euclid(HOUR) * HOUR);
        let key = OutcomeKey { company: header.company.clone(), module: header.module.clone(), hour };
        self.rows.entry(key).or_default()
    }

    /// One more event was received.
    pub fn received(&mut self, header: &Header) {
        self.at(header).received += 1;
    }

    /// An event applied earlier turned out to be the losing copy.
    pub fn superseded(&mut self, header: &Header) {
        let outcomes = self.at(header);
        outcomes.applied -= 1;
        outcomes.conflict += 1;
    }

    /// Hands the counts over.
    pub fn finish(self, changes: &mut Changes) {
        changes.outcomes.extend(self.rows);
    }
}
