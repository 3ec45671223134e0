//! Values that a registry says are harmless: kept as they are, save for texts and keys that are contact data all the same.

use super::Sealer;
use crate::{fault::shown_key, json::Json};
use cebe_catalog::{PiiClass, Value};

/// The value as it is stored.
pub(super) fn kept(sealer: &mut Sealer<'_>, value: &Json<'_>) -> Value {
    match value {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(*flag),
        Json::Number(text) => text.parse().map_or_else(|_| Value::Number((*text).into()), Value::Int),
        Json::Text(text) => sealer.text_or_kept(PiiClass::None, (&**text).into()),
        Json::List(items) => Value::List(items.iter().map(|item| kept(sealer, item)).collect()),
        Json::Map(fields) => {
            Value::Map(fields.iter().map(|(key, value)| (shown_key(key), kept(sealer, value))).collect())
        }
    }
}
