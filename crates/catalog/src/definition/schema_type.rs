//! What JSON Schema says of each attribute type.

use super::{Attribute, AttributeType as Type};
use crate::limits;
use serde_json::{Value, json};

/// Decimal text with at most six fraction digits that count.
const DECIMAL: &str = r"[0-9]+(\.[0-9]{1,6}0*)?([eE][-+]?[0-9]{1,2})?$";

/// The schema of an attribute's value.
pub(super) fn value(attribute: &Attribute) -> Value {
    match attribute.kind {
        Type::Id => known(id(), attribute),
        Type::IdList => {
            json!({ "type": ["string", "number", "array"], "minLength": 1, "items": id(), "maxItems": limits::LIST_ITEMS_MAX })
        }
        Type::String | Type::Text => known(text(attribute), attribute),
        Type::Int => bounded(json!({ "type": "integer" }), attribute),
        Type::Number | Type::Score => bounded(json!({ "type": "number" }), attribute),
        Type::Money => bounded(json!({ "type": ["number", "string"], "pattern": decimal(attribute) }), attribute),
        Type::Bool => json!({ "type": "boolean" }),
        Type::True => json!({ "const": true }),
        Type::Currency => json!({ "type": "string", "pattern": "^[A-Za-z]{3}$" }),
        Type::Timestamp => timestamp(),
        Type::DateOrTimestamp => json!({ "type": ["string", "integer"] }),
        Type::Date => json!({ "type": "string", "format": "date" }),
        Type::Period => json!({
            "type": "string",
            "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(/[0-9]{4}-[0-9]{2}-[0-9]{2}|T[0-9]{2})?$",
        }),
        Type::Url => json!({ "type": "string", "format": "uri", "maxLength": limits::URL_CHARS_MAX }),
        Type::Zone | Type::Phone | Type::Email => json!({ "type": "string", "maxLength": limits::STRING_CHARS_MAX }),
        Type::Enum => json!({ "enum": attribute.values }),
        Type::EnumOpen => known(json!({ "type": "string", "maxLength": limits::STRING_CHARS_MAX }), attribute),
        Type::CustomerRefs | Type::Items | Type::ProductRefs | Type::Fields | Type::Changes => list(attribute.kind),
        Type::Map => json!({ "type": ["object", "null"] }),
    }
}

pub(super) fn id() -> Value {
    json!({ "type": ["string", "number"], "minLength": 1, "maxLength": limits::ID_CHARS_MAX })
}

pub(super) fn timestamp() -> Value {
    json!({ "type": ["string", "integer"], "format": "date-time" })
}

fn text(attribute: &Attribute) -> Value {
    json!({ "type": "string", "maxLength": attribute.chars_max.unwrap_or(limits::STRING_CHARS_MAX) })
}

/// `minimum` says nothing of text, so the sign must.
fn decimal(attribute: &Attribute) -> String {
    let positive = attribute.min.is_some_and(|min| min.0 >= crate::Amount(0));
    format!("{}{DECIMAL}", if positive { "^" } else { "^-?" })
}

/// Known values of an open list are examples, not a rule.
fn known(mut schema: Value, attribute: &Attribute) -> Value {
    if !attribute.values.is_empty() {
        schema["examples"] = json!(attribute.values);
    }
    schema
}

fn bounded(mut schema: Value, attribute: &Attribute) -> Value {
    let number = |bound: super::event::Bound| bound.0.to_text(0).parse::<serde_json::Number>().ok().map(Value::Number);
    let lowest = if attribute.above_min { "exclusiveMinimum" } else { "minimum" };
    if let Some(min) = attribute.min.and_then(number) {
        schema[lowest] = min;
    }
    if let Some(max) = attribute.max.and_then(number) {
        schema["maximum"] = max;
    }
    schema
}

fn list(kind: Type) -> Value {
    let scalar = json!({ "type": ["string", "number", "boolean", "null"] });
    let field = json!({ "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } } });
    let product = |name: &str| json!({ "type": "object", "required": [name], "properties": { name: id() } });
    let id_or = |object: Value| json!({ "anyOf": [id(), object] });
    let (items, items_max) = match kind {
        Type::CustomerRefs => {
            (id_or(json!({ "type": "object", "additionalProperties": scalar })), limits::ASSOCIATION_ITEMS_MAX)
        }
        Type::Items => (product("item_id"), limits::LIST_ITEMS_MAX),
        Type::ProductRefs => (id_or(product("product_id")), limits::LIST_ITEMS_MAX),
        _ => (field, limits::LIST_ITEMS_MAX),
    };
    let types = if kind == Type::Fields { json!(["array", "object"]) } else { json!("array") };
    json!({ "type": types, "items": items, "maxItems": items_max })
}

/// The schema, and null, which is the same as absent.
pub(super) fn or_null(mut schema: Value) -> Value {
    match schema.get("type").cloned() {
        Some(Value::String(one)) => schema["type"] = json!([one, "null"]),
        Some(Value::Array(mut several)) => {
            several.retain(|one| one != "null");
            several.push("null".into());
            schema["type"] = several.into();
        }
        _ => {
            let list = schema.as_object_mut().and_then(|schema| schema.remove("enum"));
            match list {
                Some(Value::Array(mut values)) => {
                    values.push(Value::Null);
                    schema["enum"] = values.into();
                }
                _ => schema = json!({ "anyOf": [schema, { "type": "null" }] }),
            }
        }
    }
    schema
}
