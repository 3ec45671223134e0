//! How folds read entries and show what they found: texts of dimensions, customers of a fact, views as maps.

use crate::entry::Entry;
use alloc::{string::String, vec::Vec};
use cebe_catalog::{Micros, Node, Value};
use smol_str::SmolStr;

/// Longest dimension value in characters; free texts (reasons) are cut there.
const DIMENSION_CHARS_MAX: usize = 64;

/// A value as a dimension's text; lists and maps have none.
pub fn dimension_text(value: &Value) -> SmolStr {
    let text: SmolStr = match value {
        Value::Text(text) | Value::Number(text) | Value::Sealed { mask: text, .. } => text.clone(),
        Value::Int(whole) => alloc::format!("{whole}").into(),
        Value::Decimal(amount) => amount.to_text(0).into(),
        Value::Bool(flag) => SmolStr::new_static(if *flag { "true" } else { "false" }),
        Value::Time(at) => at.to_rfc3339().into(),
        Value::Date(day) => alloc::format!("{day}").into(),
        Value::Null | Value::List(_) | Value::Map(_) => SmolStr::default(),
    };
    if text.chars().count() <= DIMENSION_CHARS_MAX { text } else { cut(&text) }
}

fn cut(text: &str) -> SmolStr {
    text.chars().take(DIMENSION_CHARS_MAX).collect::<String>().into()
}

/// The customers of an entity fact: the anchor and the references of the newest entry that refers to customers; when
/// none does, every anchor among the entries (identity tells whether they are one person).
pub fn customers(entries: &[&Entry]) -> Vec<Node> {
    let associated = entries.iter().rev().find(|entry| !entry.customers.is_empty());
    let mut nodes: Vec<Node> = match associated {
        Some(entry) => entry.anchor.iter().chain(&entry.customers).cloned().collect(),
        None => entries.iter().filter_map(|entry| entry.anchor.clone()).collect(),
    };
    nodes.sort();
    nodes.dedup();
    nodes
}

/// Fields as a map, absent ones left out.
pub fn fields_of(fields: &[(SmolStr, Value)], names: &[&'static str]) -> Vec<(SmolStr, Value)> {
    let present = names.iter().filter_map(|name| Some((*name, cebe_catalog::value::field(fields, name)?)));
    present.map(|(name, value)| (SmolStr::new_static(name), value.clone())).collect()
}

/// A named value of a view.
pub(crate) fn item(name: &'static str, value: impl Into<Shown>) -> (SmolStr, Value) {
    (SmolStr::new_static(name), value.into().0)
}

/// A value on its way into a view.
pub(crate) struct Shown(Value);

impl From<Option<Micros>> for Shown {
    fn from(at: Option<Micros>) -> Self {
        Self(at.map_or(Value::Null, Value::Time))
    }
}

impl From<Micros> for Shown {
    fn from(at: Micros) -> Self {
        Self(Value::Time(at))
    }
}

impl From<SmolStr> for Shown {
    fn from(text: SmolStr) -> Self {
        Self(Value::Text(text))
    }
}

impl From<&'static str> for Shown {
    fn from(text: &'static str) -> Self {
        Self(Value::Text(SmolStr::new_static(text)))
    }
}

impl From<i64> for Shown {
    fn from(whole: i64) -> Self {
        Self(Value::Int(whole))
    }
}

impl From<bool> for Shown {
    fn from(flag: bool) -> Self {
        Self(Value::Bool(flag))
    }
}

impl From<Value> for Shown {
    fn from(value: Value) -> Self {
        Self(value)
    }
}

impl From<Option<&Value>> for Shown {
    fn from(value: Option<&Value>) -> Self {
        Self(value.cloned().unwrap_or_default())
    }
}

/// The milliseconds in a field that holds whole or decimal seconds.
pub(crate) fn millis_of_seconds(value: &Value) -> Option<i128> {
    value.as_amount().map(|amount| i128::from(amount.0) / 1_000)
}
