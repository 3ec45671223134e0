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
    rows::{ActivityKey, Point, PointKey, Sum, TallyKey},
};
use alloc::{collections::BTreeMap, vec::Vec};
use cebe_catalog::{CompanyId, Micros, Node, time::Day};
use smol_str::SmolStr;

/// Does what leaves the log stay in the numbers?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// It is taken back.
    No,
    /// It stays, and so does what is kept by anchor.
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

    /// Hands the differences over. What is sealed stays in the points, apart; what is kept by anchor stays with expiry
    /// and goes with erasure.
    pub(super) fn finish(self, sealing: &Sealing, changes: &mut Changes) {
        for (spot, sum) in self.points.into_iter().filter(|(_, sum)| !sum.is_zero()) {
            let sealed = if *sealing == Sealing::No { Sum::default() } else { -sum };
            let Spot { bucket, component, dimensions, company } = spot;
            let key = PointKey { company, component: self.plans.component(component).clone(), bucket, dimensions };
            changes.points.push((key, Point { live: sum, sealed }));
        }
        let activity = totals(self.activity).map(|(active, count)| {
            let Active { component, day, anchor, company } = active;
            (ActivityKey { company, component: self.plans.component(component).clone(), day, anchor }, count)
        });
        if *sealing == Sealing::Expiry {
            // What is left of a fact may fall on another day than the whole of it did. That day is entered, although
            // the old one stays, because the next change of the fact takes it back.
            changes.activity.extend(activity.filter(|(_, count)| *count > 0));
            return;
        }
        let activity: Vec<(ActivityKey, i64)> = activity.collect();
        if let Sealing::Erasure(nobody) = sealing {
            changes.activity.extend(gone(&activity, nobody));
        }
        changes.activity.extend(activity);
        changes.tallies.extend(self.tallies.into_iter().filter(|(_, sum)| !sum.is_zero()));
    }
}

/// What somebody's activity loses goes on under a node that is nobody's.
fn gone<'a>(
    activity: &'a [(ActivityKey, i64)],
    nobody: &'a Node,
) -> impl Iterator<Item = (ActivityKey, i64)> + use<'a> {
    let lost = activity.iter().filter(|(_, count)| *count < 0);
    lost.map(|(key, count)| (ActivityKey { anchor: nobody.clone(), ..key.clone() }, -count))
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
    use cebe_catalog::Definitions;

    /// Somebody was active on the first day by events of which some leave; what is left of the fact falls on the second.
    fn activity(sealing: &Sealing) -> Vec<(i32, i64)> {
        let (definitions, companies) = (Definitions::standard(), BTreeMap::new());
        let plans = Plans::new(definitions);
        let mut delta = Delta::new(Context { definitions, companies: &companies }, &plans);
        for (day, count) in [(1, -1), (2, 1)] {
            let (company, anchor) = ("acme".into(), Node::parse("cust-1"));
            delta.activity.push((Active { component: 0, day: Day(day), anchor, company }, count));
        }
        let mut changes = Changes::default();
        delta.finish(sealing, &mut changes);
        changes.activity.into_iter().map(|(key, count)| (key.day.0, count)).collect()
    }

    /// Requirement CORE-LIFE-3: the day of what is left is entered, or the fact's next change would take back what was never
    /// there; the day of what expired stays.
    #[test]
    fn what_is_left_after_expiry_is_entered_on_its_day_and_the_old_day_stays() {
        assert_eq!(activity(&Sealing::Expiry), [(2, 1)]);
        assert_eq!(activity(&Sealing::No), [(1, -1), (2, 1)]);
        let nobody = Node::parse("nobody");
        assert_eq!(activity(&Sealing::Erasure(nobody)), [(1, 1), (1, -1), (2, 1)]);
    }
}
