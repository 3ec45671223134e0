//! The answer to a question about a company metric: over all, its series and its groups.

use super::{
    ask::Ask,
    computed, dimension,
    gather::{CURRENCY, Group, too_many_rows},
    own, render,
    sums::Sums,
};
use crate::{
    company::Company,
    http::{Asked, ErrorBody, Read, ReadError, read_remembered},
    reads::Shared,
    scope,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use cebe_catalog::{
    Definitions, Micros,
    definition::{MetricDefinition, nearest::nearest},
    limits,
};
use cebe_engine::formula::{Answer, Figure, MoneyLine, evaluate};
use cebe_privacy::access::Action;
use serde_json::Value as Json;
use smol_str::SmolStr;
use std::time::Instant;

/// The answers of a metric.
#[derive(Debug)]
pub(crate) struct Evaluation {
    pub(crate) overall: Answer,
    pub(crate) series: Series,
    /// Names of the dimensions in the groups' keys.
    pub(crate) group_by: Vec<SmolStr>,
    pub(crate) groups: Vec<GroupAnswer>,
}

/// Answers by the start of their window.
pub(crate) type Series = Vec<(Micros, Answer)>;

/// The answers of one group.
#[derive(Clone, Debug)]
pub(crate) struct GroupAnswer {
    pub(crate) key: Group,
    pub(crate) answer: Answer,
    pub(crate) series: Series,
}

impl Evaluation {
    /// Answers each group and window; groups of nothing are left out, the others come largest first.
    fn of(definitions: &Definitions, metric: &MetricDefinition, sums: &Sums<'_>) -> Result<Self, ReadError> {
        let groups = sums.groups();
        if (groups.len() + 1).saturating_mul(sums.windows.len().max(1)) > limits::METRIC_ROWS_MAX {
            return Err(too_many_rows());
        }
        let answer = |group: Option<&Group>, window| evaluate(definitions, metric, &sums.of(group, window));
        let series = |group: Option<&Group>| -> Series {
            sums.windows.iter().map(|window| (*window, answer(group, Some(*window)))).collect()
        };
        let group = |key: Group| GroupAnswer { answer: answer(Some(&key), None), series: series(Some(&key)), key };
        let (overall, series, group_by) = (answer(None, None), series(None), sums.group_by.clone());
        let mut all = Self { overall, series, group_by, groups: groups.iter().cloned().map(group).collect() };
        if dimension::is_money(&metric.formula) && sums.ask.group_by.iter().any(|name| name == CURRENCY) {
            all.split_by_currency();
        }
        Ok(all.in_order())
    }

    /// Answers put together elsewhere.
    pub(crate) fn assembled(overall: Answer, series: Series, group_by: Vec<SmolStr>, groups: Vec<GroupAnswer>) -> Self {
        Self { overall, series, group_by, groups }.in_order()
    }

    /// Groups of nothing left out, the others largest first.
    fn in_order(mut self) -> Self {
        self.groups.retain(|group| !is_nothing(&group.answer));
        self.groups.sort_by(|a, b| weight(&b.answer).total_cmp(&weight(&a.answer)).then_with(|| a.key.cmp(&b.key)));
        self
    }

    /// Splits each group of money by currency, where that was asked for.
    fn split_by_currency(&mut self) {
        let groups = std::mem::take(&mut self.groups);
        let whole = || GroupAnswer { key: Group::new(), answer: self.overall.clone(), series: self.series.clone() };
        let groups = if self.group_by.is_empty() { vec![whole()] } else { groups };
        self.groups = groups.iter().flat_map(GroupAnswer::by_currency).collect();
        self.group_by.push(CURRENCY.into());
    }
}

impl GroupAnswer {
    fn by_currency(&self) -> Vec<Self> {
        let one = |line: MoneyLine| Self {
            key: self.key.iter().chain([&line.currency]).cloned().collect(),
            series: self.series.iter().map(|(at, answer)| (*at, of_currency(answer, &line.currency))).collect(),
            answer: of_line(line),
        };
        lines(&self.answer).into_iter().map(one).collect()
    }
}

/// The lines of an answer in money, one per currency.
pub(crate) fn lines(answer: &Answer) -> Vec<MoneyLine> {
    match &answer.currency {
        Some(currency) => vec![MoneyLine {
            currency: currency.clone(),
            value: answer.value.clone(),
            numerator: answer.numerator.clone(),
            denominator: answer.denominator.clone(),
        }],
        None => answer.by_currency.clone(),
    }
}

fn of_line(line: MoneyLine) -> Answer {
    let MoneyLine { currency, value, numerator, denominator } = line;
    Answer { value, numerator, denominator, currency: Some(currency), ..Answer::default() }
}

/// One currency's part of an answer. A sum without a line is nothing of that currency; a ratio without one is no ratio.
fn of_currency(answer: &Answer, currency: &SmolStr) -> Answer {
    let all = lines(answer);
    let is_sum = all.iter().all(|line| line.denominator.is_none());
    let line = all.into_iter().find(|line| line.currency == *currency).unwrap_or_else(|| MoneyLine {
        currency: currency.clone(),
        value: if is_sum { Figure::money(0, currency) } else { Figure::Null },
        numerator: None,
        denominator: None,
    });
    of_line(line)
}

/// What groups are sorted by.
fn weight(answer: &Answer) -> f64 {
    let number = |figure: &Figure| figure.to_text().and_then(|text| text.parse::<f64>().ok());
    let values = lines(answer).iter().filter_map(|line| number(&line.value)).reduce(f64::max);
    number(&answer.value).or(values).unwrap_or(f64::NEG_INFINITY)
}

fn is_nothing(answer: &Answer) -> bool {
    let nothing = |figure: &Figure| match figure {
        Figure::Null | Figure::Whole(0) | Figure::Decimal(0) | Figure::Money { amount: 0, .. } => true,
        Figure::Ratio { numerator, .. } => *numerator == 0,
        _ => false,
    };
    let fraction = [&answer.value].into_iter().chain(&answer.numerator).chain(&answer.denominator);
    fraction.into_iter().all(nothing) && answer.by_currency.is_empty() && answer.rows.is_empty()
}

/// Answers a question to a company metric.
fn company_metric(read: &mut Read, name: &str) -> Result<Json, ReadError> {
    let begun = Instant::now();
    let company = read.company()?;
    let metric = find(&company, name)?;
    if !scope::sees_metric(&read.grant, metric) {
        return Err(ReadError::ModuleHidden(metric.module.to_string()));
    }
    let mut ask = Ask::parse(read, &company, metric)?;
    let answer = if metric.formula.is_own() {
        let evaluation = own::evaluate(read, &company, metric, &mut ask)?;
        render::company_answer(read, &company, metric, &ask, &evaluation)
    } else {
        let sums = Sums::read(read, &company, metric, ask)?;
        let evaluation = Evaluation::of(&company.definitions, metric, &sums)?;
        render::company_answer(read, &company, metric, &sums.ask, &evaluation)
    };
    computed::note(&read.house, &company.id, &metric.name, begun.elapsed(), read.now);
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
