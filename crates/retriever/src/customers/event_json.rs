//! An event as the timeline shows it: the envelope, attributes masked, agents' ids hidden from keys that may not see them.

use crate::{http::Read, scope};
use cebe_catalog::{EventRecord, Lane, Node, PiiClass, definition::CompanyCatalog, record::Actor};
use cebe_privacy::mask;
use serde_json::{Map, Value as Json, json};

/// Roles of actors whose ids are the customers' own.
const CUSTOMER: &str = "customer";

/// The event as JSON.
pub(super) fn event_json(read: &Read, catalog: &CompanyCatalog<'_>, event: &EventRecord) -> Json {
    let module = event.header.module.as_str();
    let staff = scope::sees_staff(&read.grant, module);
    let customer = event.anchor.as_ref().filter(|anchor| anchor.is_customer()).map(Node::to_text);
    json!({
        "event_id": event.id,
        "event_name": event.name,
        "source_module": module,
        "event_timestamp": event.event_at.to_rfc3339(),
        "received_at": event.header.received_at.to_rfc3339(),
        "sent_at": event.sent_at.map(cebe_catalog::Micros::to_rfc3339),
        "qontak_customer_id": customer,
        "anchor": event.anchor.as_ref().map(Node::to_text),
        "identifiers": event.identifiers.iter().map(Node::to_text).collect::<Vec<_>>(),
        "actor": event.actor.as_ref().map(|actor| actor_json(actor, staff)),
        "trigger_from": event.trigger_from,
        "event_description": event.description,
        "event_attributes": attributes(catalog, event, staff),
        "derived": event.derived,
        "backfill": event.header.lane == Lane::Backfill,
        "warnings": event.warnings,
    })
}

fn actor_json(actor: &Actor, staff: bool) -> Json {
    let hidden = !staff && actor.kind != CUSTOMER;
    let id = actor.id.as_ref().map(|id| if hidden { mask::HIDDEN } else { id.as_str() });
    json!({ "type": actor.kind, "id": id, "name": actor.name.as_ref().map(cebe_catalog::Value::to_json) })
}

fn attributes(catalog: &CompanyCatalog<'_>, event: &EventRecord, staff: bool) -> Json {
    let definition = catalog.event(event.name.as_str());
    let is_staff = |name: &str| {
        let attribute = definition.and_then(|definition| definition.attributes.get(name));
        attribute.is_some_and(|attribute| attribute.pii == PiiClass::Staff)
    };
    let shown = event.attributes.iter().map(|(name, value)| {
        let hidden = !staff && !value.is_null() && is_staff(name);
        (name.to_string(), if hidden { Json::from(mask::HIDDEN) } else { value.to_json() })
    });
    Json::Object(shown.collect::<Map<_, _>>())
}
