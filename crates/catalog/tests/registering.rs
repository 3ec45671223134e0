//! Events registered at run time: what is additive is taken, what is not is refused with the reason.

use cebe_catalog::{
    Definitions,
    definition::{Attribute, AttributeType, CompanyCatalog, EventDefinition, check_additive},
};
use proptest::prelude::*;
use serde_json::json;

fn catalog() -> CompanyCatalog<'static> {
    CompanyCatalog::new(Definitions::standard())
}

fn body(name: &str) -> serde_json::Value {
    let event = Definitions::standard().event(name).expect("a standard event");
    serde_json::to_value(event).expect("definitions are JSON")
}

fn reasons(name: &str, body: &serde_json::Value) -> String {
    catalog().check(name, &body.to_string()).map(|_| ()).expect_err("refused").to_string()
}

/// CORE-CON-COMPAT: a new event under a new module, then a wider one.
#[test]
fn an_event_is_registered_and_widened() {
    let mut catalog = catalog();
    let first = json!({ "module": "garden", "attributes": { "kind": { "type": "enum", "values": ["tree"] } } });
    let event = catalog.check("plant.sown", &first.to_string()).unwrap();
    assert_eq!((event.schema_version, event.module.as_str()), (1, "garden"));
    catalog.add(event);
    assert_eq!(catalog.module("garden").map(|name| name.as_str()), Some("garden"));

    let wider = json!({ "attributes": {
        "kind": { "type": "enum", "values": ["herb", "tree"] }, "cost": { "type": "money" } } });
    let event = catalog.check("plant.sown", &wider.to_string()).unwrap();
    assert_eq!(event.schema_version, 2);
    catalog.add(event.clone());
    let again = catalog.check("plant.sown", &wider.to_string()).unwrap();
    assert_eq!(again, event);
    assert_eq!(catalog.events().count(), Definitions::standard().events.len() + 1);
    assert!(catalog.unknown_event_hint("plant.sowm").contains("plant.sown"));
}

/// CORE-CON-COMPAT: sending the same definition again changes nothing.
#[test]
fn the_same_definition_again_keeps_its_version() {
    let mut catalog = catalog();
    for version in [1, 1] {
        let event = catalog.check("order.paid", &body("order.paid").to_string()).unwrap();
        assert_eq!(event.schema_version, version);
        catalog.add(event);
    }
}

/// CORE-CON-COMPAT: a standard event may get an optional attribute; removing, retyping or tightening is refused.
#[test]
fn a_standard_event_only_grows() {
    let mut wider = body("order.paid");
    wider["attributes"]["cashier_id"] = json!({ "type": "id", "pii": "staff" });
    wider["module"] = "commerce".into();
    let event = catalog().check("order.paid", &wider.to_string()).unwrap();
    assert_eq!((event.schema_version, event.module.as_str()), (2, "conversion"));

    let mut removed = body("order.paid");
    removed["attributes"].as_object_mut().unwrap().remove("paid_at");
    assert!(reasons("order.paid", &removed).contains("attribute paid_at cannot be taken away"));
    let mut retyped = body("order.paid");
    retyped["attributes"]["paid_amount"]["type"] = "string".into();
    retyped["attributes"]["paid_amount"].as_object_mut().unwrap().remove("min");
    assert!(reasons("order.paid", &retyped).contains("type of attribute paid_amount cannot change"));
    let mut moved = body("order.paid");
    moved["module"] = "garden".into();
    assert!(reasons("order.paid", &moved).contains("module cannot change"));
    let mut needed = body("order.paid");
    needed["attributes"]["cashier_id"] = json!({ "type": "id", "required": true });
    assert!(reasons("order.paid", &needed).contains("new attribute cashier_id must be optional"));
    let mut narrower = body("order.paid");
    narrower["attributes"]["payment_type"]["values"] = json!(["full"]);
    assert!(reasons("order.paid", &narrower).contains("value dp of attribute payment_type cannot be taken away"));
}

#[test]
fn bodies_that_are_no_definition_are_refused_in_words() {
    let refuse = |name: &str, text: &str| catalog().check(name, text).map(|_| ()).unwrap_err().to_string();
    assert!(refuse("a.b", "[]").contains("not a JSON object"));
    assert!(refuse("a.b", r#"{"colour": 1, "module": "x"}"#).contains("unknown field `colour`"));
    assert!(refuse("a.b", "{}").contains("module is missing"));
    assert!(refuse("a.b", r#"{"name": "c", "module": "x"}"#).contains("differs from the one in the address"));
    assert!(refuse("A b", r#"{"module": "x"}"#).contains("is no name"));
    let unknown = r#"{"module": "x", "at": ["when"], "attributes": {"e": {"type": "enum"}}}"#;
    assert!(refuse("a.b", unknown).contains("at names \"when\""));
    assert!(refuse("a.b", unknown).contains("attribute \"e\": an enum needs values"));
}

fn any_event() -> impl Strategy<Value = EventDefinition> {
    let names: Vec<_> = Definitions::standard().events.keys().cloned().collect();
    prop::sample::select(names).prop_map(|name| Definitions::standard().events[&name].clone())
}

proptest! {
    /// Growth is additive, and never the way back when it truly grew.
    #[test]
    fn growth_goes_one_way(old in any_event(), name in "new_[a-z]{1,8}", value in "v[a-z]{1,8}") {
        let mut new = old.clone();
        new.attributes.insert(name.into(), Attribute { kind: AttributeType::Text, ..Attribute::default() });
        for attribute in new.attributes.values_mut() {
            if attribute.kind == AttributeType::Enum {
                attribute.values.push(value.as_str().into());
            }
            attribute.max = None;
            attribute.chars_max = attribute.chars_max.map(|max| max + 1);
        }
        prop_assert_eq!(check_additive(&old, &new), Ok(()));
        prop_assert!(check_additive(&new, &old).is_err());
        prop_assert_eq!(check_additive(&old, &old), Ok(()));
    }

    /// Taking any attribute away is refused, and the reason names it.
    #[test]
    fn nothing_is_taken_away(old in any_event(), pick in any::<prop::sample::Index>()) {
        let mut new = old.clone();
        let name = pick.get(&old.attributes.keys().collect::<Vec<_>>()).to_string();
        new.attributes.remove(name.as_str());
        let reasons = check_additive(&old, &new).unwrap_err();
        prop_assert!(reasons.iter().any(|reason| reason.contains(&name)));
    }

    #[test]
    fn no_body_makes_registration_panic(text in ".{0,200}") {
        let _ = catalog().check("a.b", &text);
    }
}
