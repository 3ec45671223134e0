//! Points, activity, tallies and outcome counts.

use super::people::of_company;
use crate::{
    Result, Snapshot,
    key::KeyWriter,
    port::{KeyRange, Order},
};
use cebe_catalog::{CompanyId, Micros, Node, SourceModule, time::Day};
use cebe_engine::rows::{
    ActivityKey, ArrivalKey, ArrivalTime, Arrivals, Marks, OutcomeKey, Outcomes, Point, PointKey, Sum, Tally, TallyKey,
};
use smol_str::SmolStr;
use std::ops::ControlFlow;

impl Snapshot {
    /// The points of a component whose bucket is in [from, to), by bucket and dimensions.
    pub fn points(
        &self,
        company: &CompanyId,
        component: &str,
        from: Micros,
        to: Micros,
        visit: &mut dyn FnMut(&PointKey, &Point) -> ControlFlow<()>,
    ) -> Result<()> {
        let bound = |at: Micros| KeyWriter::company(company).text(component).i64(at.0).finish();
        let range = KeyRange::between(bound(from), bound(to));
        self.each(range, Order::Forward, |key: PointKey, point| visit(&key, &point))
    }

    /// Every point of a company.
    pub fn all_points(
        &self,
        company: &CompanyId,
        visit: &mut dyn FnMut(&PointKey, &Point) -> ControlFlow<()>,
    ) -> Result<()> {
        self.each(of_company(company), Order::Forward, |key: PointKey, point| visit(&key, &point))
    }

    /// Who has marks of a component on a local day in [from, to), in the log or sealed, by day.
    pub fn activity(
        &self,
        company: &CompanyId,
        component: &str,
        from: Day,
        to: Day,
        visit: &mut dyn FnMut(Day, &Node, i64) -> ControlFlow<()>,
    ) -> Result<()> {
        let bound = |day: Day| KeyWriter::company(company).text(component).i32(day.0).finish();
        let range = KeyRange::between(bound(from), bound(to));
        self.each(range, Order::Forward, |key: ActivityKey, marks: Marks| match marks.total() {
            // What is left of a fact whose first events expired: it was counted on another day, and is kept there.
            ..=0 => ControlFlow::Continue(()),
            total => visit(key.day, &key.anchor, total),
        })
    }

    /// Every activity row of a company.
    pub fn all_activity(
        &self,
        company: &CompanyId,
        visit: &mut dyn FnMut(&ActivityKey, Marks) -> ControlFlow<()>,
    ) -> Result<()> {
        self.each(of_company(company), Order::Forward, |key: ActivityKey, marks| visit(&key, marks))
    }

    /// What occurrences add up to for an anchor, by component; those that left the log too.
    pub fn tallies(&self, company: &CompanyId, anchor: &Node) -> Result<Vec<(SmolStr, Sum)>> {
        let range = KeyRange::prefix(KeyWriter::company(company).node(anchor).finish());
        Ok(self.all(range)?.into_iter().map(|(key, tally): (TallyKey, Tally)| (key.component, tally.total())).collect())
    }

    /// Every tally of a company.
    pub fn all_tallies(
        &self,
        company: &CompanyId,
        visit: &mut dyn FnMut(&TallyKey, Tally) -> ControlFlow<()>,
    ) -> Result<()> {
        self.each(of_company(company), Order::Forward, |key: TallyKey, tally| visit(&key, tally))
    }

    /// Every outcome count, by company, source and hour.
    pub fn outcomes(&self, visit: &mut dyn FnMut(&OutcomeKey, &Outcomes) -> ControlFlow<()>) -> Result<()> {
        self.each(KeyRange::all(), Order::Forward, |key: OutcomeKey, counts| visit(&key, &counts))
    }

    /// The outcome counts of a company's source for hours of receipt in [from, to).
    pub fn outcomes_of(
        &self,
        company: &CompanyId,
        module: &SourceModule,
        from: Micros,
        to: Micros,
        visit: &mut dyn FnMut(&OutcomeKey, &Outcomes) -> ControlFlow<()>,
    ) -> Result<()> {
        let bound = |at: Micros| KeyWriter::company(company).text(module.as_str()).i64(at.0).finish();
        let range = KeyRange::between(bound(from), bound(to));
        self.each(range, Order::Forward, |key: OutcomeKey, counts| visit(&key, &counts))
    }

    /// Arrivals of a company's source by a time, by name and hour.
    pub fn arrivals(
        &self,
        company: &CompanyId,
        module: &SourceModule,
        by: ArrivalTime,
        visit: &mut dyn FnMut(&ArrivalKey, Arrivals) -> ControlFlow<()>,
    ) -> Result<()> {
        let prefix = KeyWriter::company(company).text(module.as_str()).byte(by as u8).finish();
        self.each(KeyRange::prefix(prefix), Order::Forward, |key: ArrivalKey, counts| visit(&key, counts))
    }

    /// Arrivals of one name in hours of [from, to).
    pub fn arrivals_of(
        &self,
        (company, module): (&CompanyId, &SourceModule),
        by: ArrivalTime,
        name: &str,
        (from, to): (Micros, Micros),
        visit: &mut dyn FnMut(&ArrivalKey, Arrivals) -> ControlFlow<()>,
    ) -> Result<()> {
        let start = || KeyWriter::company(company).text(module.as_str()).byte(by as u8).text(name);
        let range = KeyRange::between(start().i64(from.0).finish(), start().i64(to.0).finish());
        self.each(range, Order::Forward, |key: ArrivalKey, counts| visit(&key, counts))
    }
}
