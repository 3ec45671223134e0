//! Figures as JSON: counts and ratios as numbers, money as decimal text beside its currency, durations in seconds.

use super::{
    answer::{Evaluation, GroupFigures, is_level},
    ask::Ask,
    dimension,
    figure::{Figure, MoneyPart, MoneyValue, Number},
    gather::Group,
};
use crate::{company::Company, http::Read};
use cebe_catalog::{
    Micros,
    amount::{millionths_to_text, minor_digits},
    definition::MetricDefinition,
};
use serde_json::{Map, Value as Json, json};
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// The whole answer about a company metric.
pub(crate) fn company_answer(
    read: &Read,
    company: &Company,
    metric: &MetricDefinition,
    ask: &Ask,
    evaluation: &Evaluation,
    beside: Map<String, Json>,
    joined_share: Json,
) -> Json {
    let mut answer = Map::new();
    answer.insert("metric".into(), metric.name.as_str().into());
    answer.insert("unit".into(), metric.unit.as_str().into());
    answer.extend(figure(&evaluation.overall));
    if is_level(company, &metric.formula) {
        answer.insert("at".into(), ask.level_at().to_rfc3339().into());
    }
    for (name, at) in [("from", ask.from), ("to", ask.to)] {
        answer.extend(at.map(|at| (name.to_owned(), at.to_rfc3339().into())));
    }
    if ask.interval.is_some() {
        answer.insert("series".into(), series(&evaluation.series));
    }
    if !evaluation.group_by.is_empty() {
        let shares = dimension::listed_by(&metric.formula).is_some() && metric.unit != "history";
        let total = shares.then(|| weight(&evaluation.overall)).flatten();
        let groups = evaluation.groups.iter().map(|g| group(&evaluation.group_by, g, total, ask.interval.is_some()));
        answer.insert("groups".into(), groups.collect());
    }
    if !beside.is_empty() {
        answer.insert("beside".into(), Json::Object(beside));
    }
    answer.insert("joined_share".into(), joined_share);
    answer.insert("freshness".into(), read.freshness.to_json());
    Json::Object(answer)
}

fn group(names: &[SmolStr], group: &GroupFigures, total: Option<f64>, with_series: bool) -> Json {
    let mut json = Map::from_iter([("key".to_owned(), key(names, &group.key))]);
    json.extend(figure(&group.figure));
    if let (Some(total), Some(part)) = (total, weight(&group.figure)) {
        json.insert("share".into(), if total == 0.0 { Json::Null } else { (part / total).into() });
    }
    if with_series {
        json.insert("series".into(), series(&group.series));
    }
    Json::Object(json)
}

fn weight(figure: &Figure) -> Option<f64> {
    Some(figure.weight()).filter(|weight| weight.is_finite())
}

/// A group's key; a missing value is null.
fn key(names: &[SmolStr], group: &Group) -> Json {
    let value = |text: &SmolStr| if text.is_empty() { Json::Null } else { Json::String(text.to_string()) };
    Json::Object(names.iter().zip(group).map(|(name, text)| (name.to_string(), value(text))).collect())
}

fn series(points: &[(Micros, Figure)]) -> Json {
    let point = |(at, of): &(Micros, Figure)| {
        let mut json = Map::from_iter([("time".to_owned(), Json::String(at.to_rfc3339()))]);
        json.extend(figure(of));
        Json::Object(json)
    };
    points.iter().map(point).collect()
}

/// A figure's fields.
pub(crate) fn figure(figure: &Figure) -> Map<String, Json> {
    let mut json = Map::new();
    json.insert("value".into(), value(figure));
    match figure {
        Figure::Plain { of: Some((numerator, denominator)), .. } => {
            json.insert("numerator".into(), number(*numerator));
            json.insert("denominator".into(), number(*denominator));
        }
        Figure::Plain { of: None, .. } => {}
        Figure::Money(parts) => json.extend(money(parts)),
    }
    json
}

/// A figure's value alone; money of several currencies has none.
pub(crate) fn value(figure: &Figure) -> Json {
    match figure {
        Figure::Plain { value, .. } => value.map_or(Json::Null, number),
        Figure::Money(parts) => match single(parts) {
            Some((currency, part)) => part.value.map_or(Json::Null, |value| money_value(value, currency)),
            None => Json::Null,
        },
    }
}

fn single(parts: &BTreeMap<SmolStr, MoneyPart>) -> Option<(&SmolStr, &MoneyPart)> {
    parts.iter().next().filter(|_| parts.len() == 1)
}

fn money(parts: &BTreeMap<SmolStr, MoneyPart>) -> Map<String, Json> {
    let mut json = Map::new();
    if let Some((currency, part)) = single(parts) {
        json.insert("currency".into(), currency.as_str().into());
        json.extend(fraction(currency, part));
    } else {
        json.insert("currency".into(), Json::Null);
    }
    let part = |(currency, part): (&SmolStr, &MoneyPart)| {
        let value = part.value.map_or(Json::Null, |value| money_value(value, currency));
        let mut json = Map::from_iter([("currency".to_owned(), currency.as_str().into()), ("value".into(), value)]);
        json.extend(fraction(currency, part));
        Json::Object(json)
    };
    json.insert("by_currency".into(), parts.iter().map(part).collect());
    json
}

fn fraction(currency: &str, part: &MoneyPart) -> Map<String, Json> {
    let mut json = Map::new();
    if let (Some(numerator), Some(denominator)) = (part.numerator, part.denominator) {
        json.insert("numerator".into(), money_value(MoneyValue::Amount(numerator), currency));
        json.insert("denominator".into(), money_value(denominator, currency));
    }
    json
}

fn money_value(value: MoneyValue, currency: &str) -> Json {
    match value {
        MoneyValue::Amount(millionths) => json!(millionths_to_text(millionths, minor_digits(currency))),
        MoneyValue::Number(of) => number(of),
    }
}

/// Whole numbers without a point, others as the nearest float.
fn number(number: Number) -> Json {
    let whole = (number.under != 0 && number.over % number.under == 0).then(|| number.over / number.under);
    match whole.and_then(|whole| i64::try_from(whole).ok()) {
        Some(whole) => whole.into(),
        None => Json::from(number.to_f64()),
    }
}
