//! What changes in points, activity and tallies: contributions after minus contributions before.

use super::{
    context::{CompanyContext, Context},
    plan::Plans,
    project::Placed,
    slots::Slots,
    unit::Unit,
};
use crate::{
    change::Changes,
    component::{Contribution, each_contribution},
    rows::{ActivityKey, Marks, Point, PointKey, Sum, Tally, TallyKey},
    want::Kept,
};
use alloc::{collections::BTreeMap, vec::Vec};
use cebe_catalog::{CompanyId, Micros, Node, time::Day};
use smol_str::SmolStr;

/// Does what leaves the log stay in the numbers?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// It is taken back.
    No,
    /// It stays.
    Expiry,
    /// It stays, but nothing of the person does: their days of activity go on under a node that is nobody's.
    Erasure(Node),
}

/// Where a contribution is booked, what differs most first: compared very often.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Spot {
    bucket: Micros,
    component: usize,
    dimensions: Vec<SmolStr>,
    company: CompanyId,
}

/// Whose activity it is.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Active {
    component: usize,
    day: Day,
    anchor: Node,
    company: CompanyId,
}

/// What changes in points, activity and tallies.
pub(super) struct Delta<'p> {
    context: Context<'p>,
    plans: &'p Plans<'p>,
    points: BTreeMap<Spot, Sum>,
    activity: Vec<(Active, i64)>,
    tallies: BTreeMap<TallyKey, Sum>,
}

impl<'p> Delta<'p> {
    /// No change.
    pub(super) fn new(context: Context<'p>, plans: &'p Plans<'p>) -> Self {
        Self { context, plans, points: BTreeMap::new(), activity: Vec::new(), tallies: BTreeMap::new() }
    }

    /// Adds what these units contribute now, or takes it away.
    pub(super) fn fold_all<'u>(&mut self, slots: &Slots, units: impl Iterator<Item = &'u Unit>, sign: i64) {
        for unit in units {
            let key = &unit.first(slots).key;
            let Some(plan) = self.plans.of(&key.fact).filter(|plan| !plan.components.is_empty()) else { continue };
            let Some(company) = self.context.companies.get(&key.company) else { continue };
            let Some(folded) = unit.fold(self.context, plan, slots) else { continue };
            for (number, component) in &plan.components {
                each_contribution(component, &folded, |one| self.add((&key.company, company), *number, one, sign));
            }
        }
    }

    /// Adds what an occurrence contributes, or takes it away; it is kept by anchor too.
    pub(super) fn occurrence(&mut self, placed: &Placed<'_>, add: bool) {
        let (id, sign) = (&placed.key.company, if add { 1 } else { -1 });
        let Some(plan) = self.plans.of(&placed.fact.name) else { return };
        let Some(company) = self.context.companies.get(id) else { return };
        let Some(folded) = plan.fold(company, &placed.key.key, [&placed.entry].into(), None) else { return };
        for (number, component) in &plan.components {
            each_contribution(component, &folded, |one| {
                for anchor in placed.entry.anchor.iter().chain(&placed.entry.customers) {
                    let (anchor, component) = (anchor.clone(), one.component.clone());
                    let key = TallyKey { company: id.clone(), anchor, component };
                    *self.tallies.entry(key).or_default() += signed(one.sum, sign);
                }
                self.add((id, company), *number, one, sign);
            });
        }
    }

    fn add(&mut self, (id, company): (&CompanyId, &CompanyContext), component: usize, one: Contribution, sign: i64) {
        // A component that keeps no activity tells nobody's.
        if let Some(anchor) = one.anchor {
            let day = one.day_at.local_day(&company.zone);
            self.activity.push((Active { component, day, anchor, company: id.clone() }, sign));
        }
        let bucket = Micros(one.bucket_at.0.div_euclid(company.bucket_micros) * company.bucket_micros);
        let spot = Spot { bucket, component, dimensions: one.dimensions, company: id.clone() };
        *self.points.entry(spot).or_default() += signed(one.sum, sign);
    }

    pub(super) fn negate(&mut self) {
        self.points.values_mut().for_each(|sum| *sum = -*sum);
        self.activity.iter_mut().for_each(|(_, count)| *count = -*count);
        self.tallies.values_mut().for_each(|sum| *sum = -*sum);
    }

    /// Hands the differences over. What leaves the log by expiry or erasure stays in the totals, sealed; with erasure it
    /// is nobody's from then on.
    pub(super) fn finish(self, sealing: &Sealing, changes: &mut Changes) {
        for (spot, sum) in self.points.into_iter().filter(|(_, sum)| !sum.is_zero()) {
            let Spot { bucket, component, dimensions, company } = spot;
            let key = PointKey { company, component: self.plans.component(component).clone(), bucket, dimensions };
            changes.points.push((key, if *sealing == Sealing::No { Point::of_log(sum) } else { Point::sealing(sum) }));
        }
        for (active, count) in totals(self.activity) {
            let Active { component, day, anchor, company } = active;
            let key = ActivityKey { company, component: self.plans.component(component).clone(), day, anchor };
            match sealing {
                Sealing::No => changes.activity.push((key, Marks::of_log(count))),
                Sealing::Erasure(nobody) if count < 0 => {
                    let kept = Marks { live: 0, sealed: -count };
                    changes.activity.push((ActivityKey { anchor: nobody.clone(), ..key.clone() }, kept));
                    changes.activity.push((key, Marks::of_log(count)));
                }
                Sealing::Expiry | Sealing::Erasure(_) => changes.activity.push((key, Marks::sealing(count))),
            }
        }
        let tallies = self.tallies.into_iter().filter(|(_, sum)| !sum.is_zero());
        let expires = *sealing == Sealing::Expiry;
        changes
            .tallies
            .extend(tallies.map(|(key, sum)| (key, if expires { Tally::sealing(sum) } else { Tally::of_log(sum) })));
    }
}

/// What expired of an erased person before goes too: days of activity go on as nobody's, what theirs added up to is gone.
pub(super) fn forget(kept: Vec<Kept>, nobody: &Node, changes: &mut Changes) {
    for Kept { tallies, activity } in kept {
        let sealed = |sealed| Tally { live: Sum::default(), sealed };
        changes.tallies.extend(tallies.into_iter().map(|(key, tally)| (key, sealed(-tally.sealed))));
        for (key, Marks { sealed, .. }) in activity.into_iter().filter(|(_, marks)| marks.sealed != 0) {
            changes.activity.push((ActivityKey { anchor: nobody.clone(), ..key.clone() }, Marks { live: 0, sealed }));
            changes.activity.push((key, Marks { live: 0, sealed: -sealed }));
        }
    }
}

/// One count per key, without those that come to nothing.
fn totals(mut counts: Vec<(Active, i64)>) -> impl Iterator<Item = (Active, i64)> {
    counts.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    counts.dedup_by(|(later, count), (earlier, total)| {
        let same = later == earlier;
        *total += if same { *count } else { 0 };
        same
    });
    counts.into_iter().filter(|(_, count)| *count != 0)
}

fn signed(sum: Sum, sign: i64) -> Sum {
    if sign < 0 { -sum } else { sum }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;
    use cebe_catalog::Definitions;

    /// Somebody was active on the first day by events of which some leave; what is left of the fact falls on the second.
    fn activity(sealing: &Sealing) -> Vec<(i32, String, (i64, i64))> {
        let (definitions, companies) = (Definitions::standard(), BTreeMap::new());
        let plans = Plans::new(definitions);
        let mut delta = Delta::new(Context { definitions, companies: &companies }, &plans);
        for (day, count) in [(1, -1), (2, 1)] {
            let (company, anchor) = ("acme".into(), Node::parse("cust-1"));
            delta.activity.push((Active { component: 0, day: Day(day), anchor, company }, count));
        }
        let mut changes = Changes::default();
        delta.finish(sealing, &mut changes);
        let shown = |(key, marks): (ActivityKey, Marks)| (key.day.0, key.anchor.to_text(), (marks.live, marks.sealed));
        changes.activity.into_iter().map(shown).collect()
    }

    /// Requirement CORE-LIFE-3: what the log gives follows the log, and who was counted on which day stays as it was.
    #[test]
    fn who_was_counted_on_which_day_stays_after_expiry_and_erasure() {
        let [own, nobody] = ["cust-1", "nobody"].map(|node| Node::parse(node).to_text());
        let at = |day, whose: &String, live, sealed| (day, whose.clone(), (live, sealed));
        assert_eq!(activity(&Sealing::No), [at(1, &own, -1, 0), at(2, &own, 1, 0)]);
        assert_eq!(activity(&Sealing::Expiry), [at(1, &own, -1, 1), at(2, &own, 1, -1)]);
        let erased = [at(1, &nobody, 0, 1), at(1, &own, -1, 0), at(2, &own, 1, -1)];
        assert_eq!(activity(&Sealing::Erasure(Node::parse("nobody"))), erased);
    }
}
