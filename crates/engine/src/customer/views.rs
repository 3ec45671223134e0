//! What only a customer's own facts can say: lists, statuses, histories, flags.

use super::{Customer, FoldedFact};
use crate::{
    fold::Mark,
    formula::{Answer, Figure},
};
use alloc::{collections::BTreeMap, vec::Vec};
use cebe_catalog::{Amount, Micros, Value, time::DAY, value};
use smol_str::SmolStr;

/// How far back from the last interaction the preferred channel looks.
const PREFERRED_DAYS: i64 = 90;

/// What a customer does, as fact and mark.
const INTERACTIONS: &[(&str, &str)] = &[
    ("conversation", "started"),
    ("call", "customer_call"),
    ("message", "received.first"),
    ("delivery", "reply"),
    ("delivery", "click"),
];

/// Fills in the view of a name; an unknown name leaves the answer as it is.
pub(super) fn fill(view: &str, customer: &Customer<'_>, answer: &mut Answer) {
    match view {
        "channels" => answer.view = channels(customer),
        "preferred_channel" => answer.value = preferred_channel(customer),
        "consent" => answer.view = merged(customer, "consent"),
        "segments" => answer.view = Value::List(views(customer, "segment_membership")),
        "memberships" => answer.view = memberships(customer),
        "repeat_issue" => repeat_issue(customer, answer),
        "acquisition_source" => acquisition_source(customer, answer),
        _ => {}
    }
}

fn facts<'a>(customer: &'a Customer<'_>, name: &'a str) -> impl Iterator<Item = &'a FoldedFact<'a>> {
    customer.facts.iter().filter(move |fact| fact.definition.name == name)
}

/// The views of all facts of a kind, lists flattened.
fn views(customer: &Customer<'_>, name: &str) -> Vec<Value> {
    let mut all = Vec::new();
    for fact in facts(customer, name) {
        match &fact.folded.view {
            Value::Null => {}
            Value::List(items) => all.extend(items.iter().cloned()),
            view => all.push(view.clone()),
        }
    }
    all
}

/// The views of all facts of a kind that are maps, as one.
fn merged(customer: &Customer<'_>, name: &str) -> Value {
    let maps = views(customer, name).into_iter();
    Value::Map(maps.flat_map(|view| if let Value::Map(items) = view { items } else { Vec::new() }).collect())
}

/// What the customer did up to the time asked, as (channel, time).
fn interactions(customer: &Customer<'_>) -> Vec<(SmolStr, Micros)> {
    let mut done = Vec::new();
    for (fact, name) in INTERACTIONS {
        for fact in facts(customer, fact) {
            let channel = |mark: &Mark| {
                let own = mark.dimension("channel").cloned();
                own.or_else(|| fact.folded.field("channel").map(crate::fold::dimension_text)).unwrap_or_default()
            };
            done.extend(fact.folded.marks(name).map(|mark| (channel(mark), mark.at)));
        }
    }
    done.retain(|(channel, at)| !channel.is_empty() && *at <= customer.as_of);
    done
}

/// Interactions and the last of them per channel.
fn counted(done: impl Iterator<Item = (SmolStr, Micros)>) -> BTreeMap<SmolStr, (i64, Micros)> {
    let mut channels: BTreeMap<SmolStr, (i64, Micros)> = BTreeMap::new();
    for (channel, at) in done {
        let known = channels.entry(channel).or_insert((0, at));
        *known = (known.0 + 1, known.1.max(at));
    }
    channels
}

fn channels(customer: &Customer<'_>) -> Value {
    let one = |(channel, (count, last)): (SmolStr, (i64, Micros))| {
        Value::Map(Vec::from([
            (SmolStr::new_static("channel"), Value::Text(channel)),
            (SmolStr::new_static("interactions"), Value::Int(count)),
            (SmolStr::new_static("last_at"), Value::Time(last)),
        ]))
    };
    Value::List(counted(interactions(customer).into_iter()).into_iter().map(one).collect())
}

/// Most interactions in the 90 days that end with the last one; tie: the latest used.
fn preferred_channel(customer: &Customer<'_>) -> Figure {
    let done = interactions(customer);
    let Some(last) = done.iter().map(|(_, at)| *at).max() else { return Figure::Null };
    let recent = done.into_iter().filter(|(_, at)| last.0 - at.0 <= PREFERRED_DAYS * DAY);
    let most = counted(recent).into_iter().max_by_key(|(_, used)| *used);
    most.map_or(Figure::Null, |(channel, _)| Figure::Text(channel))
}

/// Memberships with what is available at the time asked: points whose expiry is past are none.
fn memberships(customer: &Customer<'_>) -> Value {
    let mut all = views(customer, "membership");
    for view in &mut all {
        let Value::Map(items) = view else { continue };
        let expired = matches!(value::field(items, "expires_at"), Some(Value::Time(at)) if *at <= customer.as_of);
        let points = items.iter_mut().find(|(name, value)| name == "available_points" && !value.is_null());
        if let (true, Some((_, points))) = (expired, points) {
            *points = Value::Decimal(Amount(0));
        }
    }
    Value::List(all)
}

fn repeat_issue(customer: &Customer<'_>, answer: &mut Answer) {
    let pairs = views(customer, "repeat_issue");
    answer.value = Figure::Flag(!pairs.is_empty());
    answer.view = Value::List(pairs);
}

fn acquisition_source(customer: &Customer<'_>, answer: &mut Answer) {
    let Value::Map(items) = merged(customer, "acquisition") else { return };
    if let Some(source) = value::field(&items, "source") {
        answer.value = Figure::Text(crate::fold::dimension_text(source));
        answer.view = Value::Map(items);
    }
}

/// The stays of all facts of a kind, in order of time.
pub(super) fn stage_history(customer: &Customer<'_>, name: &str) -> Value {
    let mut stays: Vec<Value> = Vec::new();
    for fact in facts(customer, name) {
        let Value::Map(items) = &fact.folded.view else { continue };
        if let Some(Value::List(list)) = value::field(items, "stages") {
            stays.extend(list.iter().cloned());
        }
    }
    let entered = |stay: &Value| match stay {
        Value::Map(items) => value::field(items, "entered_at").cloned(),
        _ => None,
    };
    stays.sort_by_key(entered);
    Value::List(stays)
}
