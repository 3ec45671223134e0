//! The answer to a question about a company metric: the figure over all, its series and its groups.

use super::{
    ask::Ask,
    beside,
    figure::Figure,
    flow,
    gather::{CURRENCY, Group, too_many_rows},
    growth, people, render,
};
use crate::{
    company::Company,
    http::{Asked, ErrorBody, Read, ReadError, read_remembered},
    reads::Shared,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use cebe_catalog::{
    Micros,
    definition::{Formula, MetricDefinition, nearest::nearest},
    limits,
};
use cebe_privacy::access::Action;
use serde_json::Value as Json;
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// The figures of a metric.
#[derive(Debug)]
pub(crate) struct Evaluation {
    pub(crate) overall: Figure,
    pub(crate) series: Vec<(Micros, Figure)>,
    /// Names of the dimensions in the groups' keys.
    pub(crate) group_by: Vec<SmolStr>,
    pub(crate) groups: Vec<GroupFigures>,
}

/// The figures of one group.
#[derive(Debug)]
pub(crate) struct GroupFigures {
    pub(crate) key: Group,
    pub(crate) figure: Figure,
    pub(crate) series: Vec<(Micros, Figure)>,
}

impl Evaluation {
    /// Asks for each figure; groups of nothing are left out, the others come largest first.
    pub(crate) fn build(
        group_by: &[SmolStr],
        groups: BTreeSet<Group>,
        windows: &[Micros],
        figure: &dyn Fn(Option<&Group>, Option<Micros>) -> Figure,
    ) -> Result<Self, ReadError> {
        if (groups.len() + 1).saturating_mul(windows.len().max(1)) > limits::METRIC_ROWS_MAX {
            return Err(too_many_rows());
        }
        let series = |group: Option<&Group>| -> Vec<(Micros, Figure)> {
            windows.iter().map(|window| (*window, figure(group, Some(*window)))).collect()
        };
        let mut groups: Vec<GroupFigures> = groups
            .into_iter()
            .map(|key| GroupFigures { figure: figure(Some(&key), None), series: series(Some(&key)), key })
            .filter(|group| !group.figure.is_nothing())
            .collect();
        groups.sort_by(|a, b| b.figure.weight().total_cmp(&a.figure.weight()).then_with(|| a.key.cmp(&b.key)));
        Ok(Self { overall: figure(None, None), series: series(None), group_by: group_by.to_vec(), groups })
    }

    /// Splits each group of money by currency, where that was asked for.
    fn split_by_currency(&mut self) {
        let groups = std::mem::take(&mut self.groups);
        let whole = || GroupFigures { key: Group::new(), figure: self.overall.clone(), series: self.series.clone() };
        let groups = if self.group_by.is_empty() { vec![whole()] } else { groups };
        let split = groups.into_iter().flat_map(|group| group.currencies());
        self.groups = split.filter(|group| !group.figure.is_nothing()).collect();
        self.group_by.push(CURRENCY.into());
    }
}

impl GroupFigures {
    fn currencies(self) -> Vec<Self> {
        let Figure::Money(parts) = &self.figure else { return vec![self] };
        let of = |figure: &Figure, currency: &SmolStr| match figure {
            Figure::Money(parts) => Figure::Money(
                parts.get_key_value(currency).map(|(c, part)| (c.clone(), part.clone())).into_iter().collect(),
            ),
            plain => plain.clone(),
        };
        let part = |currency: &SmolStr| Self {
            key: self.key.iter().chain([currency]).cloned().collect(),
            figure: of(&self.figure, currency),
            series: self.series.iter().map(|(at, figure)| (*at, of(figure, currency))).collect(),
        };
        parts.keys().map(part).collect()
    }
}

/// Evaluates a metric.
pub(crate) fn evaluate(
    read: &Read,
    company: &Company,
    metric: &MetricDefinition,
    ask: &Ask,
) -> Result<Evaluation, ReadError> {
    let mut evaluation = match &metric.formula {
        Formula::Growth { of } => growth::growth(read, company, metric, ask, of),
        Formula::Distinct { of } | Formula::Frequency { of } => people::people(read, company, metric, ask, of),
        Formula::Lifetime { people, .. } => people::people(read, company, metric, ask, people),
        Formula::DistinctValues { of, .. } => flow::distinct_values(read, company, metric, ask, of),
        formula if is_level(company, formula) => flow::level(read, company, metric, ask),
        _ => flow::flow(read, company, metric, ask),
    }?;
    if flow::is_money(&metric.formula) && ask.group_by.iter().any(|name| name == CURRENCY) {
        evaluation.split_by_currency();
    }
    Ok(evaluation)
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

/// Answers a question to a company metric.
pub(crate) fn company_metric(read: &mut Read, name: &str) -> Result<Json, ReadError> {
    let begun = std::time::Instant::now();
    let company = read.company()?;
    let metric = find(&company, name)?;
    if !read.grant.may_read_module(&metric.module) {
        return Err(ReadError::ModuleHidden(metric.module.to_string()));
    }
    let ask = Ask::parse(read, &company, metric)?;
    let evaluation = evaluate(read, &company, metric, &ask)?;
    let beside = beside::beside(read, &company, metric, &ask)?;
    let joined = beside::joined_share(read, &company, metric, &ask)?;
    let answer = render::company_answer(read, &company, metric, &ask, &evaluation, beside, joined);
    metrics::histogram!("cebe_retriever_metric_computed", "metric_name" => metric.name.to_string())
        .record(begun.elapsed().as_secs_f64() * 1_000.0);
    Ok(answer)
}

fn find<'a>(company: &'a Company, name: &str) -> Result<&'a MetricDefinition, ReadError> {
    let metrics = &company.definitions.metrics;
    let refuse = |message: &str, near: Vec<&SmolStr>| {
        let near = near.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
        let hint = if near.is_empty() { String::new() } else { format!("did you mean {near}? ") };
        ReadError::invalid("unknown_metric", "name", message, format!("{hint}GET /v1/metrics lists all"))
    };
    match metrics.get(name) {
        Some(metric) if metric.company => Ok(metric),
        Some(_) => Err(refuse("this metric is answered per customer only", Vec::new())),
        None => Err(refuse("no metric has this name", nearest(name, metrics.keys()))),
    }
}

/// A company metric over a window: its value, a series, and groups.
#[utoipa::path(get, path = "/v1/metrics/{name}", tag = "metrics",
    params(
        ("name" = String, Path, description = "Name of the metric; GET /v1/metrics lists all"),
        ("from" = Option<String>, Query, description = "Begin, inclusive: a local date or RFC 3339; taken to whole buckets"),
        ("to" = Option<String>, Query, description = "End, exclusive: a local date or RFC 3339"),
        ("interval" = Option<String>, Query, description = "hour, day, week or month of the company's zone"),
        ("group_by" = Option<String>, Query, description = "Dimensions, separated by commas"),
        ("at" = Option<String>, Query, description = "When a gauge is read; now when absent"),
        ("time_zone" = Option<String>, Query, description = "Another zone for days, when the buckets fit it"),
        ("resolved" = Option<bool>, Query, description = "Count known customers only, where people are counted"),
    ),
    responses(
        (status = 200, description = "The value with its freshness", body = Object),
        (status = 400, description = "Unknown metric, dimension or parameter; the hint lists what there is", body = ErrorBody),
        (status = 403, description = "Not for this key", body = ErrorBody),
        (status = 503, description = "Not in time, and never computed before", body = ErrorBody),
    ))]
pub(crate) async fn metric(State(house): State<Shared>, Path(name): Path<String>, asked: Asked) -> Response {
    read_remembered(house, asked, Action::Read, move |read| company_metric(read, &name)).await
}
