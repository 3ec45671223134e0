//! What an event says, as one sequence of bytes before anything is masked: equal for equal content however it is spelled.
//! Keys are sorted, numbers are their shortest text, times are UTC microseconds; sent_at, event_id and schema_version are
//! no content, nor is what settings fill in. Its HMAC tells duplicates from conflicts and gives an event without an id one.

use crate::{
    check::Fields,
    envelope::Envelope,
    json::{Json, canonical_number},
};
use cebe_catalog::{
    Micros,
    definition::{AttributeType, EventDefinition},
};
use smol_str::SmolStr;

/// The canonical bytes of an event.
pub(crate) fn canonical(
    company: &str,
    event: &EventDefinition,
    envelope: &Envelope<'_>,
    at: Micros,
    customer: Option<&SmolStr>,
    given: &Fields<'_>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    for part in [company, &event.module, &event.name, customer.map_or("", SmolStr::as_str)] {
        text(part, &mut out);
    }
    out.extend_from_slice(&at.0.to_be_bytes());
    for part in [envelope.actor, envelope.description, envelope.identifiers] {
        value(part.unwrap_or(&Json::Null), None, &mut out);
    }
    value(envelope.trigger_from.unwrap_or(&Json::Null), Some(AttributeType::EnumOpen), &mut out);
    attributes(event, given, &mut out);
    out
}

/// Attributes sorted by name, those of a nested open map among them.
fn attributes(event: &EventDefinition, given: &Fields<'_>, out: &mut Vec<u8>) {
    let mut fields: Vec<(&str, &Json<'_>)> = Vec::with_capacity(given.len());
    for (key, value) in given.iter().filter(|(_, value)| !value.is_null()) {
        match value {
            Json::Map(nested) if event.open_map.as_deref() == Some(&**key) => {
                let own = |name: &str| given.iter().any(|(key, value)| key == name && !value.is_null());
                let nested = nested.iter().filter(|(name, value)| !value.is_null() && !own(name));
                fields.extend(nested.map(|(name, value)| (&**name, value)));
            }
            _ => fields.push((key, value)),
        }
    }
    fields.sort_unstable_by_key(|(key, _)| *key);
    for (key, field) in fields {
        let attribute = event.attributes.get(key);
        if attribute.is_some_and(|attribute| attribute.same_as.is_some()) {
            continue;
        }
        text(key, out);
        value(field, attribute.map(|attribute| attribute.kind), out);
    }
}

fn value(value: &Json<'_>, kind: Option<AttributeType>, out: &mut Vec<u8>) {
    use AttributeType as Type;
    match value {
        Json::Null => out.push(b'n'),
        Json::Bool(flag) => out.push(if *flag { b't' } else { b'f' }),
        Json::Number(number) => match kind {
            Some(Type::Timestamp | Type::DateOrTimestamp) => instant(value, number, out),
            Some(Type::Id | Type::IdList) => text(number, out),
            _ => digits(number, out),
        },
        Json::Text(written) => match kind {
            Some(Type::Money | Type::Number) => digits(written.trim(), out),
            Some(Type::Id | Type::IdList) => single(written.trim(), kind, out),
            Some(Type::EnumOpen) => text(&written.trim().to_lowercase(), out),
            _ if may_be_instant(written) => instant(value, written, out),
            _ => text(written, out),
        },
        Json::List(items) => {
            out.push(b'[');
            items.iter().for_each(|item| self::value(item, item_kind(kind), out));
            out.push(b']');
        }
        Json::Map(fields) => map(fields, out),
    }
}

/// A single id where a list may stand is a list of one.
fn single(id: &str, kind: Option<AttributeType>, out: &mut Vec<u8>) {
    let list = kind == Some(AttributeType::IdList);
    if list {
        out.push(b'[');
    }
    text(id, out);
    if list {
        out.push(b']');
    }
}

fn item_kind(kind: Option<AttributeType>) -> Option<AttributeType> {
    match kind {
        Some(AttributeType::IdList) => Some(AttributeType::Id),
        _ => None,
    }
}

fn map(fields: &Fields<'_>, out: &mut Vec<u8>) {
    let mut sorted: Vec<_> = fields.iter().filter(|(_, value)| !value.is_null()).collect();
    sorted.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    out.push(b'{');
    for (key, field) in sorted {
        text(key, out);
        value(field, None, out);
    }
    out.push(b'}');
}

/// Text with its length before it, so that no two sequences of texts are one.
fn text(text: &str, out: &mut Vec<u8>) {
    out.push(b's');
    out.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn digits(number: &str, out: &mut Vec<u8>) {
    out.push(b'd');
    canonical_number(number, out);
    out.push(0);
}

fn may_be_instant(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 20 && bytes[0].is_ascii_digit() && bytes[4] == b'-' && matches!(bytes[10], b'T' | b't' | b' ')
}

fn instant(value: &Json<'_>, written: &str, out: &mut Vec<u8>) {
    match crate::check::times::instant(value) {
        Ok(at) => {
            out.push(b'@');
            out.extend_from_slice(&at.0.to_be_bytes());
        }
        Err(_) => text(written, out),
    }
}
