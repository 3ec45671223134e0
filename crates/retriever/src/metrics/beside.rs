//! Numbers shown beside a metric, and for how much of the data the joining id was there.

use super::{
    answer::{evaluate, is_level},
    ask::Ask,
    dimension, render,
};
use crate::{
    company::Company,
    http::{Read, ReadError},
};
use cebe_catalog::definition::{Formula, MetricDefinition};
use serde_json::{Map, Value as Json};
use smol_str::SmolStr;

/// The numbers beside a metric, over the same window and filters; null when they are not cut by an asked filter.
pub(crate) fn beside(
    read: &Read,
    company: &Company,
    metric: &MetricDefinition,
    ask: &Ask,
) -> Result<Map<String, Json>, ReadError> {
    let mut numbers = Map::new();
    for (label, name) in &metric.beside {
        let figure = number(read, company, name, ask)?;
        numbers.insert(label.to_string(), figure);
    }
    Ok(numbers)
}

fn number(read: &Read, company: &Company, name: &SmolStr, ask: &Ask) -> Result<Json, ReadError> {
    let counted;
    let metric = match company.definitions.metrics.get(name) {
        Some(metric) => metric,
        None => {
            counted = count_of(company, name);
            &counted
        }
    };
    let allowed = dimension::allowed(company, metric);
    if ask.filters.iter().any(|(name, _)| !allowed.contains(name)) {
        return Ok(Json::Null);
    }
    let plain = Ask { interval: None, group_by: Vec::new(), ..ask.clone() };
    let evaluation = evaluate(read, company, metric, &plain)?;
    Ok(render::value(&evaluation.overall))
}

/// The metric that a component is by itself.
fn count_of(company: &Company, component: &SmolStr) -> MetricDefinition {
    let definition = company.definitions.components.get(component);
    let level = definition.is_some_and(|component| component.level);
    let of = component.clone();
    MetricDefinition {
        name: component.clone(),
        module: SmolStr::default(),
        title: component.clone(),
        unit: "count".into(),
        formula: if level { Formula::Level { of, sum: false } } else { Formula::Count { of } },
        company: true,
        customer: false,
        dimensions: definition.map(|component| component.dimensions.clone()).unwrap_or_default(),
        beside: std::collections::BTreeMap::default(),
        joined: None,
        about: String::new(),
    }
}

/// The share of what could be joined; 1 where joining needs no id that may be absent, null when there is nothing.
pub(crate) fn joined_share(
    read: &Read,
    company: &Company,
    metric: &MetricDefinition,
    ask: &Ask,
) -> Result<Json, ReadError> {
    let Some((joined, all)) = &metric.joined else { return Ok(Json::from(1.0)) };
    let formula = Formula::Ratio {
        numerator: joined.clone(),
        denominator: vec![all.clone()],
        numerator_by: std::collections::BTreeMap::default(),
    };
    let share = MetricDefinition { formula, unit: "ratio".into(), joined: None, ..count_of(company, joined) };
    let plain = Ask { interval: None, group_by: Vec::new(), ..ask.clone() };
    debug_assert!(!is_level(company, &share.formula));
    Ok(render::value(&evaluate(read, company, &share, &plain)?.overall))
}
