//! Formulas over sums: flows in their windows, and levels as running sums.

use super::{
    answer::Evaluation,
    ask::Ask,
    cell::Cell,
    dimension,
    figure::{Basis, Figure, Scale},
    gather::{CURRENCY, Cut, Gathered, Group, gather, project},
};
use crate::{
    company::Company,
    http::{Read, ReadError},
};
use cebe_catalog::{
    Micros,
    definition::{ComponentDefinition, Formula, MetricDefinition},
};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};

/// The sums of a formula's components.
pub(crate) struct Flow<'a> {
    pub(crate) group_by: Vec<SmolStr>,
    components: BTreeMap<&'a str, (&'a ComponentDefinition, Gathered)>,
}

impl<'a> Flow<'a> {
    /// Reads them, over a window of time.
    pub(crate) fn read(
        read: &Read,
        company: &'a Company,
        formula: &Formula,
        ask: &Ask,
        span: (Micros, Micros),
    ) -> Result<Self, ReadError> {
        let group_by = cut_by(formula, ask);
        let cut = Cut {
            company: &company.id,
            zone: &ask.zone,
            from: span.0,
            to: span.1,
            interval: ask.interval,
            group_by: &group_by,
            filters: &ask.filters,
        };
        let mut components = BTreeMap::new();
        for component in dimension::components(company, formula) {
            if !components.contains_key(component.name.as_str()) {
                components.insert(component.name.as_str(), (component, gather(read, &cut, component)?));
            }
        }
        Ok(Self { group_by, components })
    }

    /// The sum of one component in a group and window.
    pub(crate) fn cell(&self, name: &str, group: Option<&Group>, window: Option<Micros>) -> Cell {
        let Some((component, gathered)) = self.components.get(name) else { return Cell::default() };
        let projected = group.map(|group| project(group, &self.group_by, component));
        // A component that is cut by none of the asked dimensions is the same whole in each group.
        gathered.cell(projected.as_ref().filter(|group| !group.is_empty()), window)
    }

    /// The groups of every component that is cut by all asked dimensions.
    pub(crate) fn groups(&self) -> BTreeSet<Group> {
        let whole = self.components.values().filter(|(component, _)| {
            !self.group_by.is_empty() && self.group_by.iter().all(|name| component.dimensions.contains(name))
        });
        whole.flat_map(|(_, gathered)| gathered.groups.keys().cloned()).collect()
    }

    /// First and last window with anything in it.
    pub(crate) fn span(&self) -> (Option<Micros>, Option<Micros>) {
        let windows = || self.components.values().flat_map(|(_, gathered)| gathered.windows.keys().copied());
        (windows().min(), windows().max())
    }

    /// As levels: what each window ends with.
    pub(crate) fn running(&self, windows: &[Micros]) -> Self {
        let run = |(name, (component, gathered)): (&&'a str, &(&'a ComponentDefinition, Gathered))| {
            (*name, (*component, gathered.running(windows)))
        };
        Self { group_by: self.group_by.clone(), components: self.components.iter().map(run).collect() }
    }
}

/// The dimensions by which points are cut: the asked ones and the one that the answer lists. Money is split by currency
/// in every figure, so groups by currency are made from the figures.
fn cut_by(formula: &Formula, ask: &Ask) -> Vec<SmolStr> {
    let mut names = ask.group_by.clone();
    if is_money(formula) {
        names.retain(|name| name != CURRENCY);
    }
    names.extend(dimension::listed_by(formula).filter(|name| !ask.group_by.contains(name)));
    if let Formula::DistinctValues { by, .. } = formula
        && !names.contains(by)
    {
        names.push(by.clone());
    }
    names
}

/// Is its figure money by currency?
pub(crate) fn is_money(formula: &Formula) -> bool {
    matches!(
        formula,
        Formula::MoneySum { .. }
            | Formula::MoneyAverage { .. }
            | Formula::MoneyPerCount { .. }
            | Formula::MoneyRatio { .. }
            | Formula::Lifetime { .. }
    )
}

/// What the figures of a metric rest on.
pub(crate) fn basis<'a>(company: &'a Company, metric: &'a MetricDefinition, ask: &Ask) -> Basis<'a> {
    let asked = ask.group_by.iter().chain(ask.filters.iter().map(|(name, _)| name)).cloned().collect();
    Basis { formula: &metric.formula, scale: Scale::of(&metric.unit), asked, currency: &company.row.settings.currency }
}

/// Evaluates a formula of flows.
pub(crate) fn flow(
    read: &Read,
    company: &Company,
    metric: &MetricDefinition,
    ask: &Ask,
) -> Result<Evaluation, ReadError> {
    let flow = Flow::read(read, company, &metric.formula, ask, (ask.start(), ask.end()))?;
    let (first, last) = flow.span();
    let windows = ask.windows(first, last)?;
    let basis = basis(company, metric, ask);
    let figure = |group: Option<&Group>, window: Option<Micros>| -> Figure {
        basis.figure(&|name| flow.cell(name, group, window))
    };
    Evaluation::build(&flow.group_by, flow.groups(), &windows, &figure)
}

/// Evaluates a formula of levels: the running sums at a time, and at the end of each window of a series.
pub(crate) fn level(
    read: &Read,
    company: &Company,
    metric: &MetricDefinition,
    ask: &Ask,
) -> Result<Evaluation, ReadError> {
    let mut asked = ask.clone();
    let end = if ask.interval.is_some() { asked.to.unwrap_or_else(|| ask.level_at()) } else { ask.level_at() };
    asked.to = Some(end);
    let flow = Flow::read(read, company, &metric.formula, &asked, (Micros::MIN, end))?;
    let (first, last) = flow.span();
    let windows = asked.windows(first, last)?;
    let running = flow.running(&windows);
    let basis = basis(company, metric, &asked);
    let figure = |group: Option<&Group>, window: Option<Micros>| -> Figure {
        let source = if window.is_some() { &running } else { &flow };
        basis.figure(&|name| source.cell(name, group, window))
    };
    Evaluation::build(&flow.group_by, flow.groups(), &windows, &figure)
}

/// Evaluates how many values of a dimension occur at all.
pub(crate) fn distinct_values(
    read: &Read,
    company: &Company,
    metric: &MetricDefinition,
    ask: &Ask,
    of: &str,
) -> Result<Evaluation, ReadError> {
    let flow = Flow::read(read, company, &metric.formula, ask, (ask.start(), ask.end()))?;
    let (first, last) = flow.span();
    let windows = ask.windows(first, last)?;
    let values = flow.groups();
    let figure = |_: Option<&Group>, window: Option<Micros>| -> Figure {
        let occurring = values.iter().filter(|value| !flow.cell(of, Some(value), window).is_zero());
        super::figure::count(i64::try_from(occurring.count()).unwrap_or(i64::MAX))
    };
    Evaluation::build(&[], BTreeSet::new(), &windows, &figure)
}
