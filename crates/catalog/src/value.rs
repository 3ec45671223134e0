//! Attribute values as they travel and are stored: typed, masked where they were PII.

use crate::{
    amount::Amount,
    ids::Token,
    pii::PiiClass,
    time::{Day, Micros},
};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// An attribute's value after normalisation and masking.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Value {
    /// Absent or null.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Money and declared numbers, exact.
    Decimal(Amount),
    /// Any other number, as its shortest decimal text.
    Number(SmolStr),
    /// Text that is shown.
    Text(SmolStr),
    /// An instant.
    Time(Micros),
    /// A day without a zone; it becomes an instant with the company's zone.
    Date(Day),
    /// A list.
    List(Vec<Value>),
    /// A nested object, keys in the order they came.
    Map(Vec<(SmolStr, Value)>),
    /// A value that was PII: what is shown instead, and the token under which the vault keeps it.
    Sealed {
        /// What is shown.
        mask: SmolStr,
        /// The vault key, equal for equal values of one company.
        token: Token,
        /// Why it was sealed.
        class: PiiClass,
    },
}

impl Value {
    /// The text of a text value.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The amount of a decimal or whole number.
    pub fn as_amount(&self) -> Option<Amount> {
        match self {
            Self::Decimal(amount) => Some(*amount),
            Self::Int(whole) => whole.checked_mul(crate::amount::UNIT).map(Amount),
            _ => None,
        }
    }

    /// The whole number of an `Int`.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(whole) => Some(*whole),
            _ => None,
        }
    }

    /// Is it null?
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// As JSON for an answer: masks in place of sealed values, money and decimals as text-exact numbers.
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self {
            Self::Null => Json::Null,
            Self::Bool(flag) => Json::Bool(*flag),
            Self::Int(whole) => (*whole).into(),
            Self::Decimal(amount) => Json::String(amount.to_text(0)),
            Self::Number(text) => {
                text.parse::<serde_json::Number>().map_or(Json::String(text.to_string()), Json::Number)
            }
            Self::Text(text) => Json::String(text.to_string()),
            Self::Time(at) => Json::String(at.to_rfc3339()),
            Self::Date(day) => Json::String(day.to_string()),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(entries) => entries.iter().map(|(k, v)| (k.to_string(), v.to_json())).collect(),
            Self::Sealed { mask, .. } => Json::String(mask.to_string()),
        }
    }
}

/// Finds a field by name in a list of named values.
pub fn field<'a>(fields: &'a [(SmolStr, Value)], name: &str) -> Option<&'a Value> {
    fields.iter().find(|(key, value)| key == name && !value.is_null()).map(|(_, value)| value)
}
