//! Which dimensions a metric may be cut by, and by whom.

use super::{ask::Ask, gather::CURRENCY};
use crate::{
    company::Company,
    http::{Read, ReadError},
    scope,
};
use cebe_catalog::definition::{ComponentDefinition, Formula, MetricDefinition};
use smol_str::SmolStr;

/// The dimension that every metric has whose components keep it.
const SOURCE_MODULE: &str = "source_module";

/// The dimensions of a metric: those that it lists, and source and currency where its components are cut by them.
pub(crate) fn allowed(company: &Company, metric: &MetricDefinition) -> Vec<SmolStr> {
    let mut names = metric.dimensions.clone();
    if metric.formula.is_own() {
        names.sort_unstable();
        return names;
    }
    names.extend(listed_by(&metric.formula));
    for always in [SOURCE_MODULE, CURRENCY] {
        let components = components(company, &metric.formula);
        if components.iter().any(|component| component.dimensions.iter().any(|name| name == always)) {
            names.push(always.into());
        }
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// The definitions of a formula's components.
fn components<'a>(company: &'a Company, formula: &Formula) -> Vec<&'a ComponentDefinition> {
    formula.components().into_iter().filter_map(|name| company.definitions.components.get(&name)).collect()
}

/// The dimension whose values the answer lists by itself.
pub(crate) fn listed_by(formula: &Formula) -> Option<SmolStr> {
    match formula {
        Formula::LevelDistribution { by, .. } | Formula::Distribution { by, .. } => Some(by.clone()),
        Formula::View { by, .. } => by.clone(),
        Formula::StageHistory { .. } => Some("stage".into()),
        _ => None,
    }
}

/// The dimensions that formulas look at inside one answer.
pub(crate) fn kept(company: &Company, metric: &MetricDefinition) -> Vec<SmolStr> {
    let beside = metric.beside.values().filter_map(|name| company.definitions.metrics.get(name));
    let formulas = beside.map(|metric| &metric.formula).chain([&metric.formula]);
    let mut names = vec![SmolStr::new_static(CURRENCY)];
    for formula in formulas {
        names.extend(listed_by(formula));
        if let Formula::DistinctValues { by, .. } = formula {
            names.push(by.clone());
        }
    }
    names
}

/// Is its answer money, or a ratio of money, by currency?
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

/// Is it read at a time, not over a window?
pub(crate) fn is_level(company: &Company, formula: &Formula) -> bool {
    let level = |name: &SmolStr| company.definitions.components.get(name).is_some_and(|component| component.level);
    match formula {
        Formula::Level { .. } | Formula::LevelRatio { .. } | Formula::LevelDistribution { .. } => true,
        Formula::View { company: Some(component), .. } => level(component),
        _ => false,
    }
}

/// Refuses to cut by agents under a key that may not see them.
pub(crate) fn check_staff(
    read: &Read,
    company: &Company,
    metric: &MetricDefinition,
    ask: &Ask,
) -> Result<(), ReadError> {
    if scope::sees_staff(&read.grant, &metric.module) {
        return Ok(());
    }
    let staff = company.staff_names();
    let mut asked = ask.group_by.iter().chain(ask.filters.iter().map(|(name, _)| name));
    if asked.any(|name| staff.contains(name.as_str())) { Err(ReadError::StaffHidden) } else { Ok(()) }
}
