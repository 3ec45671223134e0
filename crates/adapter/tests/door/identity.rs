//! Whose event it is: anchors, other identifiers, references, and what is refused as identity.

use super::house::{House, event};
use cebe_catalog::{IdentifierKind as Kind, Node, Token};
use cebe_privacy::token;
use serde_json::{Value, json};

fn node(house: &House, kind: Kind, domain: &str, normalised: &str) -> Node {
    Node::Token(kind, Token(token::token(&house.keys_of("demo"), domain, normalised)))
}

fn started(attributes: Value, customer: Value) -> Value {
    event(json!({"event_name": "conversation.started", "qontak_customer_id": customer, "event_attributes": attributes}))
}

/// ANCHOR-ENV-3, MKT-S01-AC2: without a customer id the strongest identifier is the anchor; spelling makes no difference.
#[tokio::test]
async fn the_strongest_identifier_is_the_anchor() {
    let house = House::open().await;
    let attributes = json!({"channel": "WhatsApp", "room_id": "r-1", "phone": "0812 3456 7890", "bsuid": "b-1"});
    let (record, _) = house.accepted(&started(attributes.clone(), Value::Null)).await;
    let phone = node(&house, Kind::Phone, "phone", "+6281234567890");
    let others = vec![node(&house, Kind::Bsuid, "bsuid:whatsapp", "b-1"), node(&house, Kind::RoomId, "room_id", "r-1")];
    assert_eq!((record.anchor, record.identifiers), (Some(phone.clone()), others.clone()));
    let (record, _) = house.accepted(&started(attributes, json!(" c-7 "))).await;
    assert_eq!(record.anchor, Some(Node::Customer("c-7".into())));
    assert_eq!(record.identifiers, [vec![phone.clone()], others].concat());
    let sent = event(json!({"event_name": "campaign.sent", "qontak_customer_id": null,
        "identifiers": {"phone": "+62 812-3456-7890"}, "event_attributes": {"campaign_id": "c", "channel": "sms"}}));
    assert_eq!(house.accepted(&sent).await.0.anchor, Some(phone));
}

/// Placeholders and malformed identifiers name nobody; the event is applied with a remark.
#[tokio::test]
async fn placeholders_are_refused_as_identity_never_as_event() {
    let house = House::open().await;
    for nobody in ["guest", "0", "null", "N/A", "", "unknown", "?"] {
        let attributes = json!({"channel": "sms", "room_id": "r-1", "bsuid": nobody, "phone": "12", "email": "x@"});
        let (record, _) = house.accepted(&started(attributes, json!(nobody))).await;
        assert_eq!(record.anchor, Some(node(&house, Kind::RoomId, "room_id", "r-1")), "{nobody:?}");
        assert!(record.identifiers.is_empty());
        for remark in ["placeholder_identity", "malformed_phone", "malformed_email"] {
            assert!(record.warnings.iter().any(|warning| warning == remark), "{:?}", record.warnings);
        }
    }
    let spend = json!({"ad_id": "*", "campaign_id": "c", "ad_platform": "meta", "ad_spend": 1, "currency": "IDR", "period": "2025-11-02"});
    let (record, _) =
        house.accepted(&event(json!({"event_name": "ad.spend_recorded", "event_attributes": spend}))).await;
    assert_eq!((record.anchor, record.identifiers.len()), (None, 0), "it concerns nobody");
}

/// References link to their own identifiers only; tokens are scoped; click ids are lifted out of addresses.
#[tokio::test]
async fn references_scopes_and_click_ids() {
    let house = House::open().await;
    let refs = json!(["c-1", {"qontak_customer_id": "c-2", "phone": "081298765432"}, {"email": "Budi@Example.com"}, "guest", {}]);
    let ticket = json!({"ticket_id": "t", "pipeline_id": "p", "stage_id": "s", "customer_association": refs});
    let (record, _) = house.accepted(&event(json!({"event_name": "ticket.created", "event_attributes": ticket}))).await;
    let anchors: Vec<Node> = record.references.iter().map(|reference| reference.anchor.clone()).collect();
    let mail = node(&house, Kind::Email, "email", "budi@example.com");
    assert_eq!(anchors, [Node::Customer("c-1".into()), Node::Customer("c-2".into()), mail]);
    assert_eq!(record.references[1].identifiers, [node(&house, Kind::Phone, "phone", "+6281298765432")]);
    assert!(record.identifiers.is_empty(), "what a reference shows is no evidence of the event's own customer");
    let click = json!({"ad_id": "a", "campaign_id": "c", "ad_platform": "google", "platform_user_id": "u",
        "destination_url": "https://x.example/?gclid=G1&utm_source=ads"});
    let (record, _) = house.accepted(&event(json!({"event_name": "ad.clicked", "event_attributes": click}))).await;
    let user = node(&house, Kind::PlatformUserId, "platform_user_id:google", "u");
    assert_eq!(record.identifiers, [user, node(&house, Kind::AdClickId, "ad_click_id:google", "G1")]);
}

/// Profile fields are evidence; a cleared phone and an old value are not.
#[tokio::test]
async fn profile_fields_are_evidence_of_the_anchor() {
    let house = House::open().await;
    let changes = json!([{"name": "phone", "value": null, "old_value": "+6281234567890"}, {"name": "Email", "value": "a.b@example.com"}]);
    let attributes = json!({"qontak_customer_id": "c-1001", "change_fields": changes});
    let (record, _) =
        house.accepted(&event(json!({"event_name": "customer.updated", "event_attributes": attributes}))).await;
    assert_eq!(record.identifiers, [node(&house, Kind::Email, "email", "a.b@example.com")]);
    let (record, _) = house
        .accepted(&event(json!({"event_name": "customer.created", "qontak_customer_id": null,
        "event_attributes": {"qontak_customer_id": "c-5", "default_fields": {"phone": 6281234567890_i64}}})))
        .await;
    assert_eq!(record.anchor, Some(Node::Customer("c-5".into())), "the attribute says the same as the envelope");
    assert_eq!(record.identifiers, [node(&house, Kind::Phone, "phone", "+6281234567890")]);
}

/// ANCHOR-ENV-4: a bare text and an object are both actors.
#[tokio::test]
async fn actors_are_kept() {
    let house = House::open().await;
    let (bare, _) = house.accepted(&event(json!({"actor": "agent-7"}))).await;
    let actor = bare.actor.unwrap();
    assert_eq!((actor.kind.as_str(), actor.id.as_deref()), ("unknown", Some("agent-7")));
    let (whole, _) = house.accepted(&event(json!({"actor": {"type": "agent", "id": 7, "name": "Sari Dewi"}}))).await;
    let actor = whole.actor.unwrap();
    assert_eq!((actor.kind.as_str(), actor.id.as_deref()), ("agent", Some("7")));
    assert!(matches!(actor.name, Some(cebe_catalog::Value::Sealed { mask, .. }) if mask == "S•••"));
}
