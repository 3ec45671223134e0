//! From an event to the entries it puts into facts, as its definition projects them.

use super::context::CompanyContext;
use crate::{
    entry::{Entry, Rank},
    rows::{FactKey, Owner},
};
use alloc::{format, string::String, vec, vec::Vec};
use cebe_catalog::{
    Definitions, EventRecord, Micros, Node, Value,
    definition::{AttributeType, EventDefinition, FactDefinition, Projection, Whose},
    time::{Day, Zone},
    value,
};
use smol_str::{SmolStr, format_smolstr};

/// One entry and the fact it belongs to.
#[derive(Clone, Debug)]
pub struct Placed<'a> {
    /// The fact's definition.
    pub fact: &'a FactDefinition,
    /// The fact's key.
    pub key: FactKey,
    /// The entry.
    pub entry: Entry,
}

/// All entries of an event, in the order of the definitions.
pub fn project<'a>(definitions: &'a Definitions, company: &CompanyContext, event: &EventRecord) -> Vec<Placed<'a>> {
    let rank = rank(definitions.events.get(&event.name.0), company, event);
    let mut placed = Vec::new();
    for (fact, projection) in definitions.projections(event.name.as_str()) {
        match &projection.each {
            None => place(fact, projection, company, event, &rank, None, &mut placed),
            Some(list) => {
                for (name, item) in items(event.attribute(list)) {
                    place(fact, projection, company, event, &rank, Some((name, item)), &mut placed);
                }
            }
        }
    }
    placed
}

/// The event's rank: domain time, definition's order, version, id.
pub fn rank(definition: Option<&EventDefinition>, company: &CompanyContext, event: &EventRecord) -> Rank {
    let zone = definition.and_then(|definition| own_zone(definition, event));
    let zone = zone.as_ref().unwrap_or(&company.zone);
    let at = definition
        .and_then(|definition| definition.at.iter().find_map(|name| instant(event.attribute(name)?, zone)))
        .unwrap_or(event.event_at);
    let version = definition
        .and_then(|definition| version_time(definition.version.as_ref()?, event, zone))
        .map_or_else(|| uuid_v7_millis(event.id.as_str()), |at| at.0.div_euclid(1_000));
    Rank { at, order: definition.map_or(1, |definition| definition.order), version, id: event.id.clone() }
}

/// A time, or the local start of a day or of a period that begins with one.
fn instant(value: &Value, zone: &Zone) -> Option<Micros> {
    match value {
        Value::Time(at) => Some(*at),
        Value::Date(day) => Some(day.start_in(zone)),
        Value::Text(text) => text.get(..10).and_then(Day::parse).map(|day| day.start_in(zone)),
        _ => None,
    }
}

/// Days and periods of an event are read in the zone that it names, if it names one.
fn own_zone(definition: &EventDefinition, event: &EventRecord) -> Option<Zone> {
    let zones = definition.attributes.iter().filter(|(_, attribute)| attribute.kind == AttributeType::Zone);
    zones.filter_map(|(name, _)| event.attribute(name)?.as_text()).find_map(Zone::named)
}

fn version_time(name: &str, event: &EventRecord, zone: &Zone) -> Option<Micros> {
    match name {
        "@event_timestamp" => Some(event.event_at),
        "@sent_at" => event.sent_at,
        name => instant(event.attribute(name)?, zone),
    }
}

/// Milliseconds inside a UUIDv7, else 0.
fn uuid_v7_millis(id: &str) -> i64 {
    let bytes = id.as_bytes();
    let shaped = bytes.len() == 36 && bytes[14] == b'7' && [8, 13, 18, 23].iter().all(|i| bytes[*i] == b'-');
    if !shaped || !id.is_ascii() {
        return 0;
    }
    i64::from_str_radix(&[&id[..8], &id[9..13]].concat(), 16).unwrap_or(0)
}

/// The items of a field list: an object, or a list of objects with `name` and `value`.
fn items(value: Option<&Value>) -> Vec<(SmolStr, Value)> {
    match value {
        Some(Value::Map(entries)) => entries.clone(),
        Some(Value::List(list)) => list.iter().filter_map(named_item).collect(),
        _ => Vec::new(),
    }
}

fn named_item(item: &Value) -> Option<(SmolStr, Value)> {
    let Value::Map(fields) = item else { return None };
    let name = value::field(fields, "name")?.as_text()?;
    Some((name.into(), value::field(fields, "value").cloned().unwrap_or(Value::Null)))
}

fn place<'a>(
    fact: &'a FactDefinition,
    projection: &Projection,
    company: &CompanyContext,
    event: &EventRecord,
    rank: &Rank,
    item: Option<(SmolStr, Value)>,
    placed: &mut Vec<Placed<'a>>,
) {
    let keys = business_keys(fact, projection, company, event, rank, item.as_ref().map(|(name, _)| name));
    let entry = Entry {
        rank: rank.clone(),
        event: event.name.0.clone(),
        step: projection.step.clone(),
        anchor: event.anchor.clone(),
        customers: event.references.iter().map(|reference| reference.anchor.clone()).collect(),
        fields: fields(projection, event, item.map(|(_, value)| value)),
    };
    let mut owners: Vec<_> = keys.into_iter().flat_map(|key| owners(fact, projection, event, key)).collect();
    let last = owners.pop();
    let key = |(owner, key)| FactKey { company: event.company().clone(), owner, fact: fact.name.clone(), key };
    placed.extend(owners.into_iter().map(|owner| Placed { fact, key: key(owner), entry: entry.clone() }));
    placed.extend(last.map(|owner| Placed { fact, key: key(owner), entry }));
}

fn fields(projection: &Projection, event: &EventRecord, item: Option<Value>) -> Vec<(SmolStr, Value)> {
    let plain = projection.fields.iter().map(|name| (name, name));
    let renamed = projection.renamed.iter();
    let mut fields: Vec<_> = plain
        .chain(renamed)
        .filter_map(|(name, attribute)| {
            Some((name.clone(), special(attribute, event).or_else(|| event.attribute(attribute).cloned())?))
        })
        .collect();
    if let Some(value) = item {
        fields.push(("value".into(), value));
    }
    fields
}

/// Envelope fields that a projection may name.
fn special(name: &str, event: &EventRecord) -> Option<Value> {
    let text = match name {
        "@trigger_from" => event.trigger_from.clone(),
        "@source_module" | "@module" => Some(event.header.module.0.clone()),
        "@event_id" => Some(event.id.0.clone()),
        "@actor" => event.actor.as_ref().and_then(|actor| actor.id.clone()),
        "@event_timestamp" => return Some(Value::Time(event.event_at)),
        _ => None,
    };
    text.map(Value::Text)
}

/// Who owns the fact, with the key under each owner.
fn owners(fact: &FactDefinition, projection: &Projection, event: &EventRecord, key: SmolStr) -> Vec<(Owner, SmolStr)> {
    if matches!(fact.whose, Whose::Entity | Whose::Occurrence) {
        return vec![(Owner::Entity, key)];
    }
    let anchors: Vec<&Node> = if projection.for_references { event.anchors() } else { event.anchor.iter().collect() };
    if anchors.is_empty() {
        // Nobody's: it stands alone and still counts for the company.
        return vec![(Owner::Entity, format!("{key}\u{1f}{}\u{1f}{}", event.name, event.id).into())];
    }
    anchors.into_iter().map(|anchor| (Owner::Anchor(anchor.clone()), key.clone())).collect()
}

/// The business keys an entry goes under: none when the event has not what a key needs, several when a period spans
/// several months.
fn business_keys(
    fact: &FactDefinition,
    projection: &Projection,
    company: &CompanyContext,
    event: &EventRecord,
    rank: &Rank,
    item: Option<&SmolStr>,
) -> Vec<SmolStr> {
    if let Some(name) = item {
        return vec![name.clone()];
    }
    if fact.whose == Whose::Window {
        return vec![period_key(rank.at, company.window_micros(fact.window.as_deref()))];
    }
    if projection.key.is_empty() {
        return vec![SmolStr::default()];
    }
    let alternatives = projection.key.iter().enumerate();
    let found = alternatives.filter_map(|(place, parts)| Some((place, alternative(parts, event)?))).next();
    match found {
        None => Vec::new(),
        Some((0, keys)) => keys,
        // An id of one kind must not meet an equal id of another.
        Some((place, keys)) => keys.into_iter().map(|key| format!("{place}\u{1e}{key}").into()).collect(),
    }
}

/// One alternative of a key; the last part `@months` stands for every month of the event's period.
fn alternative(parts: &[SmolStr], event: &EventRecord) -> Option<Vec<SmolStr>> {
    let (months, parts) = match parts.split_last() {
        Some((last, parts)) if last == "@months" => (Some(months(event)?), parts),
        _ => (None, parts),
    };
    let parts: Option<Vec<String>> = parts.iter().map(|part| key_part(part, event)).collect();
    let key = parts?.join("\u{1f}");
    Some(match months {
        None => vec![key.into()],
        Some(months) => months.into_iter().map(|month| format!("{key}\u{1f}{month}").into()).collect(),
    })
}

/// Longest period that is spread over months, in days; a longer one is cut there.
const PERIOD_DAYS_MAX: i32 = 366;

/// Every calendar month (`YYYY-MM`) that the event's `period` touches.
fn months(event: &EventRecord) -> Option<Vec<String>> {
    let (first, last) = match event.attribute("period")? {
        Value::Date(day) => (*day, *day),
        Value::Text(text) => {
            let first = text.get(..10).and_then(Day::parse)?;
            let last = text.split_once('/').and_then(|(_, end)| Day::parse(end)).unwrap_or(first);
            (first, Day(last.0.clamp(first.0, first.0.saturating_add(PERIOD_DAYS_MAX))))
        }
        _ => return None,
    };
    let mut months = Vec::new();
    let mut month = first.to_civil().first_of_month();
    while month <= last.to_civil() {
        months.push(format!("{:04}-{:02}", month.year(), month.month()));
        month = month.last_of_month().tomorrow().ok()?;
    }
    Some(months)
}

fn key_part(part: &str, event: &EventRecord) -> Option<String> {
    if part == "@event" {
        return Some(format!("{}\u{1f}{}", event.name, event.id));
    }
    if let Some(literal) = part.strip_prefix('=') {
        return Some(literal.into());
    }
    // `name?` may be absent and is then empty; `name:7` keeps the first seven characters.
    let (name, optional) = part.strip_suffix('?').map_or((part, false), |name| (name, true));
    let (name, length) = match name.split_once(':') {
        Some((name, length)) => (name, length.parse().unwrap_or(usize::MAX)),
        None => (name, usize::MAX),
    };
    let text = special(name, event).as_ref().or_else(|| event.attribute(name)).and_then(text_of);
    match text {
        Some(text) => Some(text.chars().take(length).collect()),
        None => optional.then(String::new),
    }
}

/// The text of a scalar, as used in keys and dimensions.
pub fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) | Value::Number(text) => Some(text.as_str().into()),
        Value::Int(whole) => Some(format!("{whole}")),
        Value::Decimal(amount) => Some(amount.to_text(0)),
        Value::Bool(flag) => Some(format!("{flag}")),
        Value::Time(at) => Some(format!("{}", at.0)),
        Value::Date(day) => Some(format!("{day}")),
        Value::Sealed { token, .. } => Some(token.to_hex()),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}

/// The key of the period that holds `at`, in ten digits, so that keys sort by time.
pub fn period_key(at: Micros, window_micros: i64) -> SmolStr {
    numbered(at.0.div_euclid(window_micros))
}

/// The key of a period by its number.
pub fn numbered(period: i64) -> SmolStr {
    format_smolstr!("{period:010}")
}
