//! Answers as JSON, the same for companies and customers: counts and ratios as numbers, money as decimal text beside its
//! currency, durations in seconds.

use super::{
    answer::{Evaluation, GroupAnswer, Series, lines},
    ask::Ask,
    dimension,
    gather::Group,
};
use crate::{company::Company, http::Read};
use cebe_catalog::definition::MetricDefinition;
use cebe_engine::formula::{Answer, Figure, MoneyLine, Row};
use serde_json::{Map, Value as Json};
use smol_str::SmolStr;

/// The whole answer about a company metric.
pub(crate) fn company_answer(
    read: &Read,
    company: &Company,
    metric: &MetricDefinition,
    ask: &Ask,
    evaluation: &Evaluation,
) -> Json {
    let mut json = Map::new();
    json.insert("metric".into(), metric.name.as_str().into());
    json.insert("unit".into(), metric.unit.as_str().into());
    json.extend(fields(&evaluation.overall));
    if dimension::is_level(company, &metric.formula) {
        json.insert("at".into(), ask.level_at().to_rfc3339().into());
    }
    for (name, at) in [("from", ask.from), ("to", ask.to)] {
        json.extend(at.map(|at| (name.to_owned(), at.to_rfc3339().into())));
    }
    if ask.interval.is_some() {
        json.insert("series".into(), series(&evaluation.series));
    }
    // What a distribution lists are its groups, unless others were asked for.
    if !evaluation.group_by.is_empty() {
        let groups = evaluation.groups.iter().map(|one| group(&evaluation.group_by, one, ask.interval.is_some()));
        json.insert("groups".into(), groups.collect());
    } else if let Some(by) = dimension::listed_by(&metric.formula) {
        json.remove("rows");
        json.insert("groups".into(), evaluation.overall.rows.iter().map(|row| listed(&by, row)).collect());
    }
    extras(&mut json, &evaluation.overall);
    json.insert("freshness".into(), read.freshness.to_json());
    Json::Object(json)
}

/// A customer's answer about one metric.
pub(crate) fn customer_answer(metric: &MetricDefinition, answer: &Answer) -> Json {
    let mut json = Map::from_iter([("unit".to_owned(), Json::from(metric.unit.as_str()))]);
    json.extend(fields(answer));
    let view = answer.view.to_json();
    if !view.is_null() {
        // Where only the view says something, it is the value.
        let name = if answer.value == Figure::Null { "value" } else { "detail" };
        json.insert(name.into(), view);
    }
    extras(&mut json, answer);
    Json::Object(json)
}

/// What stands beside the value: other numbers, and for how much of the data the joining id was there.
fn extras(json: &mut Map<String, Json>, answer: &Answer) {
    if !answer.beside.is_empty() {
        let beside = answer.beside.iter().map(|(name, figure)| (name.to_string(), value(figure)));
        json.insert("beside".into(), Json::Object(beside.collect()));
    }
    // Where nothing has to be joined, everything is.
    json.insert("joined_share".into(), answer.joined_share.as_ref().map_or(Json::from(1.0), value));
}

fn group(names: &[SmolStr], group: &GroupAnswer, with_series: bool) -> Json {
    let mut json = Map::from_iter([("key".to_owned(), key(names, &group.key))]);
    json.extend(fields(&group.answer));
    if with_series {
        json.insert("series".into(), series(&group.series));
    }
    Json::Object(json)
}

/// A group's key; a missing value is null.
fn key(names: &[SmolStr], group: &Group) -> Json {
    Json::Object(names.iter().zip(group).map(|(name, text)| (name.to_string(), key_value(text))).collect())
}

fn key_value(text: &SmolStr) -> Json {
    if text.is_empty() { Json::Null } else { Json::String(text.to_string()) }
}

fn series(answers: &Series) -> Json {
    let point = |(at, answer): &(cebe_catalog::Micros, Answer)| {
        let mut json = Map::from_iter([("time".to_owned(), Json::String(at.to_rfc3339()))]);
        json.extend(fields(answer));
        Json::Object(json)
    };
    answers.iter().map(point).collect()
}

/// The fields of one answer.
fn fields(answer: &Answer) -> Map<String, Json> {
    let mut json = Map::from_iter([("value".to_owned(), value(&answer.value))]);
    fraction(&mut json, answer.numerator.as_ref(), answer.denominator.as_ref());
    let money = lines(answer);
    if !money.is_empty() {
        json.insert("currency".into(), answer.currency.as_deref().map_or(Json::Null, Json::from));
        json.insert("by_currency".into(), money.iter().map(line).collect());
    }
    if !answer.rows.is_empty() {
        json.insert("rows".into(), answer.rows.iter().map(|row| Json::Object(row_fields(row))).collect());
    }
    json
}

fn fraction(json: &mut Map<String, Json>, numerator: Option<&Figure>, denominator: Option<&Figure>) {
    json.extend(numerator.map(|figure| ("numerator".to_owned(), value(figure))));
    json.extend(denominator.map(|figure| ("denominator".to_owned(), value(figure))));
}

fn line(line: &MoneyLine) -> Json {
    let currency = Json::from(line.currency.as_str());
    let mut json = Map::from_iter([("currency".to_owned(), currency), ("value".to_owned(), value(&line.value))]);
    fraction(&mut json, line.numerator.as_ref(), line.denominator.as_ref());
    Json::Object(json)
}

fn listed(by: &SmolStr, row: &Row) -> Json {
    let mut json = row_fields(row);
    json.insert("key".into(), Json::Object(Map::from_iter([(by.to_string(), key_value(&row.key))])));
    Json::Object(json)
}

fn row_fields(row: &Row) -> Map<String, Json> {
    let mut json = Map::from_iter([
        ("key".to_owned(), key_value(&row.key)),
        ("value".to_owned(), value(&Figure::Whole(row.count))),
        ("share".to_owned(), value(&row.share)),
    ]);
    json.extend(row.mean_seconds.as_ref().map(|seconds| ("mean_seconds".to_owned(), value(seconds))));
    json
}

/// One figure: whole numbers without a point, others as the float nearest to their exact text.
fn value(figure: &Figure) -> Json {
    match (figure, figure.to_text()) {
        (Figure::Flag(flag), _) => (*flag).into(),
        (_, None) => Json::Null,
        (figure, Some(text)) if figure.is_number() => {
            let whole = text.parse::<i64>().ok().map(Json::from);
            whole.unwrap_or_else(|| text.parse::<f64>().map_or(Json::Null, Json::from))
        }
        (_, Some(text)) => text.into(),
    }
}
