//! What the worker noted of commits: latencies by hour of receipt, and when names were last seen.

use crate::{
    Result, Snapshot,
    key::KeyWriter,
    port::{KeyRange, Order},
    rows::LatencyKey,
};
use cebe_catalog::{CompanyId, Micros, SourceModule};
use cebe_engine::{
    latency::Latencies,
    rows::{LastSeen, LastSeenKey, OutcomeKey},
};
use std::ops::ControlFlow;

impl Snapshot {
    /// How long the events of a company's source took, for hours of receipt in [from, to).
    pub fn latencies_of(
        &self,
        company: &CompanyId,
        module: &SourceModule,
        from: Micros,
        to: Micros,
        visit: &mut dyn FnMut(&OutcomeKey, &Latencies) -> ControlFlow<()>,
    ) -> Result<()> {
        let bound = |at: Micros| KeyWriter::company(company).text(module.as_str()).i64(at.0).finish();
        let range = KeyRange::between(bound(from), bound(to));
        self.each(range, Order::Forward, |key: LatencyKey, row| visit(&key.0, &row))
    }

    /// When the names of a company's source were last seen, by name.
    pub fn last_seen(&self, company: &CompanyId, module: &SourceModule) -> Result<Vec<(LastSeenKey, LastSeen)>> {
        self.all(KeyRange::prefix(KeyWriter::company(company).text(module.as_str()).finish()))
    }
}
