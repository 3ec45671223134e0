//! The JSON Schema (2020-12) of an event: the whole envelope with the event's own attributes. It accepts at least what the
//! front door accepts; rules a schema cannot say (scopes, two ids that must be equal) stand in descriptions.

use super::{Attribute, AttributeType as Type, Concern, EventDefinition, schema_type};
use crate::envelope::{self, EnvelopeField, Need, Shape};
use serde_json::{Map, Value, json};

/// The schema of an event. Equal definitions give equal text.
pub fn json_schema(event: &EventDefinition) -> Value {
    let mut fields = Map::new();
    for field in envelope::FIELDS {
        fields.insert(field.name.into(), envelope_field(event, field));
    }
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:cebe:event:{}:{}", event.name, event.schema_version),
        "title": event.name,
        "description": description(event),
        "type": "object",
        "properties": fields,
        "required": required_fields(),
        "x-cebe-module": event.module,
        "x-cebe-schema-version": event.schema_version,
        "x-cebe-domain-time": event.at,
    });
    let mut rules: Vec<Value> = same_as_rules(event).collect();
    if event.concerns == Concern::Required && rules.is_empty() {
        rules.push(json!({ "required": ["qontak_customer_id"] }));
    }
    if !rules.is_empty() {
        schema["allOf"] = rules.into();
    }
    schema
}

fn description(event: &EventDefinition) -> String {
    let parts = [&event.trigger, &event.note].map(|text| text.trim_end_matches('.'));
    parts.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(". ")
}

fn required_fields() -> Vec<&'static str> {
    envelope::FIELDS.iter().filter(|field| field.need == Need::Required).map(|field| field.name).collect()
}

/// A required attribute that says the same as an envelope field may stand in either place.
fn same_as_rules(event: &EventDefinition) -> impl Iterator<Item = Value> {
    event.attributes.iter().filter(|(_, attribute)| attribute.required).filter_map(|(name, attribute)| {
        let same = attribute.same_as.as_ref()?;
        Some(json!({ "anyOf": [
            { "required": [same], "properties": { same.as_str(): { "not": { "type": "null" } } } },
            { "properties": { "event_attributes": {
                "required": [name],
                "properties": { name.as_str(): { "not": { "type": "null" } } },
            } } },
        ] }))
    })
}

fn envelope_field(event: &EventDefinition, field: &EnvelopeField) -> Value {
    let mut schema = match field.shape {
        Shape::Id => schema_type::id(),
        Shape::Text(max) => json!({ "type": "string", "maxLength": max }),
        Shape::Timestamp => schema_type::timestamp(),
        Shape::Int => json!({ "type": "integer", "minimum": 1 }),
        Shape::Actor => actor(),
        Shape::Identifiers => identifiers(),
        Shape::Attributes => attributes(event),
    };
    if field.name == "event_name" {
        schema = json!({ "const": event.name });
    }
    schema["description"] = field.about.into();
    schema["x-cebe-pii"] = field.pii.as_str().into();
    if field.extension {
        schema["x-cebe-extension"] = true.into();
    }
    if field.need == Need::Required { schema } else { schema_type::or_null(schema) }
}

fn actor() -> Value {
    json!({
        "type": ["string", "object"],
        "properties": {
            "type": { "type": "string", "examples": ["customer", "agent", "bot", "system", "integration"] },
            "id": schema_type::or_null(schema_type::id()),
            "name": { "type": ["string", "null"], "x-cebe-pii": "name" },
        },
    })
}

fn identifiers() -> Value {
    let kinds = crate::IdentifierKind::ALL.into_iter().map(|kind| {
        let value = json!({ "type": ["string", "number", "array", "null"], "items": { "type": ["string", "number"] } });
        (kind.as_str().to_owned(), value)
    });
    json!({ "type": "object", "properties": kinds.collect::<Map<_, _>>() })
}

/// `event_attributes`.
fn attributes(event: &EventDefinition) -> Value {
    let properties: Map<String, Value> =
        event.attributes.iter().map(|(name, attribute)| (name.to_string(), self::attribute(attribute))).collect();
    let is_required = |attribute: &Attribute| attribute.required && attribute.same_as.is_none();
    let required: Vec<_> =
        event.attributes.iter().filter(|(_, attribute)| is_required(attribute)).map(|(name, _)| name).collect();
    let mut schema = json!({ "type": "object", "properties": properties, "required": required });
    let rules: Vec<Value> = one_of_rules(event).chain(required_when_rules(event)).collect();
    if !rules.is_empty() {
        schema["allOf"] = rules.into();
    }
    if let Some(map) = &event.open_map {
        schema["additionalProperties"] = json!({ "description": format!("belongs to {map}") });
    }
    schema
}

fn present(name: &str) -> Value {
    json!({ "required": [name], "properties": { name: { "not": { "type": "null" } } } })
}

fn one_of_rules(event: &EventDefinition) -> impl Iterator<Item = Value> {
    event.one_of.iter().map(|group| json!({ "anyOf": group.iter().map(|name| present(name)).collect::<Vec<_>>() }))
}

fn required_when_rules(event: &EventDefinition) -> impl Iterator<Item = Value> {
    event.attributes.iter().flat_map(|(name, attribute)| {
        attribute.required_when.iter().map(move |(other, values)| {
            json!({
                "if": { "required": [other], "properties": { other.as_str(): { "enum": values } } },
                "then": present(name),
            })
        })
    })
}

/// One attribute.
fn attribute(attribute: &Attribute) -> Value {
    let mut schema = schema_type::value(attribute);
    let mut add = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            schema[key] = value;
        }
    };
    let text = |text: &Option<smol_str::SmolStr>| text.as_ref().map(|text| text.as_str().into());
    add("description", (!attribute.note.is_empty()).then(|| attribute.note.as_str().into()));
    add("x-cebe-type", serde_json::to_value(attribute.kind).ok());
    add("x-cebe-pii", Some(attribute.pii.as_str().into()));
    add("x-cebe-identifier", attribute.identifier.map(|kind| kind.as_str().into()));
    add("x-cebe-scope", text(&attribute.scope));
    add("x-cebe-same-as", text(&attribute.same_as));
    add("x-cebe-default", text(&attribute.default));
    add("x-cebe-advised", attribute.advised.then(|| true.into()));
    add("x-cebe-extension", attribute.extension.then(|| true.into()));
    let nullable = !attribute.required || attribute.same_as.is_some();
    if nullable && attribute.kind != Type::Map { schema_type::or_null(schema) } else { schema }
}
