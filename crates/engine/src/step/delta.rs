//! What changes in points, activity and tallies: contributions after minus contributions before.

use super::{
    context::Context,
    project::Placed,
    unit::{Unit, fold_entries},
};
use crate::{
    change::Changes,
    component::{self, Contribution},
    rows::{ActivityKey, FactKey, FactRow, Point, PointKey, Sum, TallyKey},
};
use alloc::collections::{BTreeMap, BTreeSet};
use cebe_catalog::{CompanyId, Micros};

/// Does what leaves the log stay in the numbers?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealing {
    /// It is taken back.
    No,
    /// It stays, and so does what is kept by anchor.
    Expiry,
    /// It stays, but nothing of the person does.
    Erasure,
}

/// What changes in points, activity and tallies.
#[derive(Default)]
pub(super) struct Delta {
    points: BTreeMap<PointKey, Sum>,
    activity: BTreeMap<ActivityKey, i64>,
    tallies: BTreeMap<TallyKey, Sum>,
}

impl Delta {
    pub(super) fn fold_all(
        &mut self,
        context: Context<'_>,
        rows: &BTreeMap<FactKey, FactRow>,
        units: &BTreeSet<Unit>,
        sign: i64,
    ) {
        for unit in units {
            let Some(folded) = unit.fold(context, rows) else { continue };
            let Some(fact) = context.definitions.facts.get(&unit.fact) else { continue };
            for contribution in component::contributions(context.definitions, fact, &folded) {
                self.add(context, &unit.company, contribution, sign);
            }
        }
    }

    pub(super) fn occurrence(&mut self, context: Context<'_>, placed: &Placed<'_>, add: bool) {
        let Some(company) = context.companies.get(&placed.key.company) else { return };
        let Some(folded) = fold_entries(placed.fact, company, &placed.key.key, [&placed.entry].into(), None) else {
            return;
        };
        let sign = if add { 1 } else { -1 };
        for contribution in component::contributions(context.definitions, placed.fact, &folded) {
            for anchor in placed.entry.anchor.iter().chain(&placed.entry.customers) {
                let key = TallyKey {
                    company: placed.key.company.clone(),
                    anchor: anchor.clone(),
                    component: contribution.component.clone(),
                };
                *self.tallies.entry(key).or_default() += signed(contribution.sum, sign);
            }
            self.add(context, &placed.key.company, contribution, sign);
        }
    }

    fn add(&mut self, context: Context<'_>, id: &CompanyId, contribution: Contribution, sign: i64) {
        let Some(company) = context.companies.get(id) else { return };
        let active = context.definitions.components.get(&contribution.component).is_some_and(|c| c.activity);
        if let Some(anchor) = contribution.anchor.clone().filter(|_| active) {
            let day = contribution.day_at.local_day(&company.zone);
            let component = contribution.component.clone();
            *self.activity.entry(ActivityKey { company: id.clone(), component, day, anchor }).or_default() += sign;
        }
        let bucket = Micros(contribution.bucket_at.0.div_euclid(company.bucket_micros) * company.bucket_micros);
        let key = PointKey {
            company: id.clone(),
            component: contribution.component,
            bucket,
            dimensions: contribution.dimensions,
        };
        *self.points.entry(key).or_default() += signed(contribution.sum, sign);
    }

    pub(super) fn negate(&mut self) {
        self.points.values_mut().for_each(|sum| *sum = -*sum);
        self.activity.values_mut().for_each(|count| *count = -*count);
        self.tallies.values_mut().for_each(|sum| *sum = -*sum);
    }

    /// Hands the differences over. What is sealed stays in the points, apart; what is kept by anchor stays with expiry
    /// and goes with erasure.
    pub(super) fn finish(self, sealing: Sealing, changes: &mut Changes) {
        for (key, sum) in self.points.into_iter().filter(|(_, sum)| !sum.is_zero()) {
            let sealed = if sealing == Sealing::No { Sum::default() } else { -sum };
            changes.points.push((key, Point { live: sum, sealed }));
        }
        if sealing != Sealing::Expiry {
            changes.activity.extend(self.activity.into_iter().filter(|(_, count)| *count != 0));
            changes.tallies.extend(self.tallies.into_iter().filter(|(_, sum)| !sum.is_zero()));
        }
    }
}

fn signed(sum: Sum, sign: i64) -> Sum {
    if sign < 0 { -sum } else { sum }
}
