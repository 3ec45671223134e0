//! The envelope that every event travels in: its fields as data, for schemas, documentation and examples.

use crate::{definition::Concern, definition::EventDefinition, pii::PiiClass};
use serde_json::{Map, Value, json};

/// Must a field be there?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// In every event.
    Required,
    /// In every event; filled in from the key or the request when absent.
    Filled,
    /// Depends on whom the event concerns.
    Concern,
    /// May be left out.
    Optional,
}

/// How a field's value looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// 1–128 characters; a JSON number becomes its text.
    Id,
    /// Text of at most so many characters.
    Text(usize),
    /// RFC 3339 with a zone, or epoch milliseconds.
    Timestamp,
    /// Whole number.
    Int,
    /// Text, or {type, id, name}.
    Actor,
    /// Identifier kind to value or list of values.
    Identifiers,
    /// The event's own attributes.
    Attributes,
}

/// One field of the envelope.
#[derive(Clone, Copy, Debug)]
pub struct EnvelopeField {
    /// Its key.
    pub name: &'static str,
    /// Must it be there?
    pub need: Need,
    /// How its value looks.
    pub shape: Shape,
    /// PII class.
    pub pii: PiiClass,
    /// Proposed by CEBE; the product documents do not list it.
    pub extension: bool,
    /// What it means, for people.
    pub about: &'static str,
}

const fn listed(name: &'static str, need: Need, shape: Shape, pii: PiiClass, about: &'static str) -> EnvelopeField {
    EnvelopeField { name, need, shape, pii, extension: false, about }
}

const fn added(name: &'static str, shape: Shape, pii: PiiClass, about: &'static str) -> EnvelopeField {
    EnvelopeField { name, need: Need::Optional, shape, pii, extension: true, about }
}

/// Every field, the ten of the product documents first.
pub const FIELDS: &[EnvelopeField] = &[
    listed(
        "company_sso_id",
        Need::Filled,
        Shape::Id,
        PiiClass::None,
        "the company's id in single sign-on; must be the one it was registered with",
    ),
    listed("company_id", Need::Filled, Shape::Id, PiiClass::None, "the tenant"),
    listed(
        "qontak_customer_id",
        Need::Concern,
        Shape::Id,
        PiiClass::Pseudonym,
        "the customer as the publisher knows it; without it and without identifiers the event is kept as unresolved",
    ),
    listed(
        "actor",
        Need::Optional,
        Shape::Actor,
        PiiClass::Staff,
        "who acted; a bare text becomes {type: unknown, id}",
    ),
    listed("event_timestamp", Need::Required, Shape::Timestamp, PiiClass::None, "when it happened at the source"),
    listed(
        "source_module",
        Need::Filled,
        Shape::Text(64),
        PiiClass::None,
        "the module that owns the event; aliases are accepted",
    ),
    listed(
        "trigger_from",
        Need::Optional,
        Shape::Text(64),
        PiiClass::None,
        "what set it off: web, mobile, api, import, automation, system, or a channel",
    ),
    listed("event_name", Need::Required, Shape::Text(64), PiiClass::None, "the registered name"),
    listed("event_description", Need::Optional, Shape::Text(500), PiiClass::FreeText, "words for people; never parsed"),
    listed(
        "event_attributes",
        Need::Required,
        Shape::Attributes,
        PiiClass::Mixed,
        "the event's own attributes; may be empty",
    ),
    added(
        "event_id",
        Shape::Id,
        PiiClass::None,
        "the publisher's id of the event: sent again under it, the event counts once; strongly advised",
    ),
    added(
        "identifiers",
        Shape::Identifiers,
        PiiClass::Mixed,
        "identifiers of the customer by kind: phone, email, bsuid, ad_click_id, platform_user_id, device_id, anonymous_id, member_id, room_id",
    ),
    added(
        "sent_at",
        Shape::Timestamp,
        PiiClass::None,
        "the publisher's clock when sending: corrects its skew and measures latency",
    ),
    added("schema_version", Shape::Int, PiiClass::None, "version of the event's definition; the latest when absent"),
];

/// The field of a name.
pub fn field(name: &str) -> Option<&'static EnvelopeField> {
    FIELDS.iter().find(|field| field.name == name)
}

/// A whole event around an example's attributes: the usual envelope, with the fields that differ (`null` takes one away).
pub fn example(event: &EventDefinition, attributes: &Value, differing: &Map<String, Value>) -> Value {
    let mut fields = json!({
        "company_sso_id": "sso-demo",
        "company_id": "demo",
        "actor": {"type": "system", "id": "example"},
        "event_timestamp": "2025-11-03T09:15:00+07:00",
        "source_module": event.module,
        "trigger_from": "api",
        "event_name": event.name,
        "event_id": "example-1",
        "event_attributes": attributes,
    });
    if event.concerns != Concern::Nobody {
        fields["qontak_customer_id"] = "c-1001".into();
    }
    if let Some(fields) = fields.as_object_mut() {
        for (name, value) in differing {
            match value {
                Value::Null => fields.remove(name),
                value => fields.insert(name.clone(), value.clone()),
            };
        }
    }
    fields
}
