//! Attribute values as JSON that people can query, and beside it the few bytes that JSON cannot say: which kind a value
//! was and in what order keys came. The two together give back exactly the value that was stored; a value that JSON cannot
//! hold (NUL, doubled keys, times beyond the calendar) is packed instead, and its JSON is for reading only.

use cebe_catalog::{Amount, Micros, PiiClass, Token, Value, time::Day};
use serde_json::{Map, Value as Json};
use smol_str::SmolStr;

const EXACT: u8 = 0;
const PACKED: u8 = 1;

const NULL: u8 = 0;
const BOOL: u8 = 1;
const INT: u8 = 2;
const DECIMAL: u8 = 3;
const NUMBER: u8 = 4;
const TEXT: u8 = 5;
const TIME: u8 = 6;
const DATE: u8 = 7;
const LIST: u8 = 8;
const MAP: u8 = 9;
const SEALED: u8 = 10;

/// JSON text and the shape that belongs to it.
pub(super) fn split(value: &Value) -> (String, Vec<u8>) {
    let mut shape = vec![EXACT];
    match exact(value, &mut shape) {
        Some(json) => (json.to_string(), shape),
        None => {
            let shape =
                postcard::to_extend(value, vec![PACKED]).expect("values hold only types that postcard can write");
            (without_nul(value.to_json()).to_string(), shape)
        }
    }
}

/// Reads what [`split`] wrote.
pub(super) fn join(json: &str, shape: &[u8]) -> Option<Value> {
    match shape.split_first()? {
        (&PACKED, packed) => postcard::from_bytes(packed).ok(),
        (&EXACT, mut shape) => {
            let value = joined(serde_json::from_str(json).ok()?, &mut shape)?;
            shape.is_empty().then_some(value)
        }
        _ => None,
    }
}

fn exact(value: &Value, shape: &mut Vec<u8>) -> Option<Json> {
    let (tag, json) = match value {
        Value::Null => (NULL, Json::Null),
        Value::Bool(flag) => (BOOL, Json::Bool(*flag)),
        Value::Int(whole) => (INT, (*whole).into()),
        Value::Decimal(amount) => (DECIMAL, amount.to_text(0).into()),
        Value::Number(text) => (NUMBER, plain(text)?),
        Value::Text(text) => (TEXT, plain(text)?),
        Value::Time(at) => (TIME, text_of(at.to_rfc3339(), |text| Micros::parse(text) == Some(*at))?),
        Value::Date(day) => (DATE, text_of(day.to_string(), |text| Day::parse(text) == Some(*day))?),
        Value::List(items) => {
            shape.push(LIST);
            return items.iter().map(|item| exact(item, shape)).collect();
        }
        Value::Map(entries) => return exact_map(entries, shape),
        Value::Sealed { mask, token, class } => {
            let sealed = [("mask", plain(mask)?), ("token", token.to_hex().into()), ("class", class.as_str().into())];
            (SEALED, Json::Object(sealed.map(|(name, json)| (name.to_owned(), json)).into_iter().collect()))
        }
    };
    shape.push(tag);
    Some(json)
}

/// The entries in the order of their keys, each with its place among those that came.
fn exact_map(entries: &[(SmolStr, Value)], shape: &mut Vec<u8>) -> Option<Json> {
    shape.push(MAP);
    let mut places: Vec<usize> = (0..entries.len()).collect();
    places.sort_by_key(|place| &entries[*place].0);
    let mut map = Map::new();
    for place in places {
        let (key, value) = &entries[place];
        shape.extend(u16::try_from(place).ok()?.to_le_bytes());
        let json = exact(value, shape)?;
        if key.contains('\0') || map.insert(key.to_string(), json).is_some() {
            return None;
        }
    }
    Some(Json::Object(map))
}

fn plain(text: &str) -> Option<Json> {
    (!text.contains('\0')).then(|| text.into())
}

fn text_of(text: String, comes_back: impl FnOnce(&str) -> bool) -> Option<Json> {
    comes_back(&text).then(|| text.into())
}

fn joined(json: Json, shape: &mut &[u8]) -> Option<Value> {
    let tag = take::<1>(shape)?[0];
    Some(match (tag, json) {
        (NULL, Json::Null) => Value::Null,
        (BOOL, Json::Bool(flag)) => Value::Bool(flag),
        (INT, Json::Number(number)) => Value::Int(number.as_i64()?),
        (DECIMAL, Json::String(text)) => Value::Decimal(Amount::parse(&text).ok()?),
        (NUMBER, Json::String(text)) => Value::Number(text.into()),
        (TEXT, Json::String(text)) => Value::Text(text.into()),
        (TIME, Json::String(text)) => Value::Time(Micros::parse(&text)?),
        (DATE, Json::String(text)) => Value::Date(Day::parse(&text)?),
        (LIST, Json::Array(items)) => {
            Value::List(items.into_iter().map(|item| joined(item, shape)).collect::<Option<_>>()?)
        }
        (MAP, Json::Object(map)) => joined_map(map, shape)?,
        (SEALED, Json::Object(mut map)) => Value::Sealed {
            mask: map.get("mask")?.as_str()?.into(),
            token: Token::from_hex(map.get("token")?.as_str()?)?,
            class: serde_json::from_value::<PiiClass>(map.remove("class")?).ok()?,
        },
        _ => return None,
    })
}

fn joined_map(map: Map<String, Json>, shape: &mut &[u8]) -> Option<Value> {
    let mut sorted: Vec<(String, Json)> = map.into_iter().collect();
    sorted.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let mut entries: Vec<Option<(SmolStr, Value)>> = vec![None; sorted.len()];
    for (key, json) in sorted {
        let place = usize::from(u16::from_le_bytes(take(shape)?));
        *entries.get_mut(place)? = Some((key.into(), joined(json, shape)?));
    }
    entries.into_iter().collect::<Option<_>>().map(Value::Map)
}

fn take<const N: usize>(shape: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = shape.split_first_chunk::<N>()?;
    *shape = rest;
    Some(*first)
}

fn without_nul(json: Json) -> Json {
    let clean = |text: String| text.replace('\0', "\u{fffd}");
    match json {
        Json::String(text) => Json::String(clean(text)),
        Json::Array(items) => items.into_iter().map(without_nul).collect(),
        Json::Object(map) => map.into_iter().map(|(key, json)| (clean(key), without_nul(json))).collect(),
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text() -> impl Strategy<Value = SmolStr> {
        prop_oneof!["[a-zé\u{0}\u{1}\"\\\\]{0,3}", "[a-z]{0,8}"].prop_map(SmolStr::from)
    }

    fn value() -> impl Strategy<Value = Value> {
        let sealed = (text(), any::<[u8; 16]>()).prop_map(|(mask, token)| Value::Sealed {
            mask,
            token: Token(token),
            class: PiiClass::FreeText,
        });
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::Int),
            any::<i64>().prop_map(|millionths| Value::Decimal(Amount(millionths))),
            any::<f64>().prop_map(|number| Value::Number(number.to_string().into())),
            text().prop_map(Value::Text),
            any::<i64>().prop_map(|at| Value::Time(Micros(at))),
            (0..4_000_000_000_000_000_i64).prop_map(|at| Value::Time(Micros(at))),
            (-2_000_000..2_000_000).prop_map(|day| Value::Date(Day(day))),
            (0..40_000).prop_map(|day| Value::Date(Day(day))),
            sealed,
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
                prop::collection::vec((text(), inner), 0..4).prop_map(Value::Map),
            ]
        })
    }

    proptest! {
        #[test]
        fn values_come_back(value in value()) {
            let (json, shape) = split(&value);
            prop_assert!(!json.contains("\\u0000"));
            prop_assert_eq!(join(&json, &shape), Some(value));
        }

        #[test]
        fn damage_never_panics(json in "[\\[\\]{}a\",:0-9]{0,12}", shape in prop::collection::vec(0..12u8, 0..8)) {
            let _ = join(&json, &shape);
        }
    }
}
