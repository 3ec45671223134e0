//! Customers become known, change, and enter and leave segments.

use serde_json::json;

use super::Scene;

const MODULE: &str = "cdp";

/// A customer is created.
pub(super) fn customer(scene: &mut Scene) {
    let (person, now) = (scene.person.clone(), scene.now());
    let source = *scene.dice.pick(&["walk-in", "web", "referral"]);
    let attributes = json!({
        "qontak_customer_id": person.id,
        "default_fields": [
            {"name": "full_name", "value": person.name},
            {"name": "phone", "value": person.phone},
            {"name": "email", "value": person.email},
        ],
        "custom_fields": [{"name": "favourite", "value": scene.dice.pick(&["arabica", "tent", "boots", "robusta"])}],
        "created_at": now,
        "created_by": "import-1",
        "acquisition_source": source,
    });
    scene.emit(MODULE, "customer.created", attributes);
    scene.pass(60);
}

/// A field changes.
pub(super) fn profile_change(scene: &mut Scene) {
    let value = *scene.dice.pick(&["morning", "noon", "evening"]);
    let attributes = json!({
        "qontak_customer_id": scene.person.id,
        "change_fields": [{"name": "best_time", "value": value}],
        "updated_at": scene.now(),
        "updated_by": "agent-3",
    });
    scene.emit(MODULE, "customer.updated", attributes);
    scene.pass(600);
}

/// A segment is entered, and sometimes left.
pub(super) fn segment(scene: &mut Scene) {
    let id = *scene.dice.pick(&["regulars", "big-spenders", "quiet"]);
    let attributes = json!({"qontak_customer_id": scene.person.id, "segment_id": id, "segment_name": id});
    scene.emit(MODULE, "segment.entered", attributes.clone());
    scene.pass(3_600);
    if scene.dice.chance(30) {
        scene.emit(MODULE, "segment.exited", attributes);
        scene.pass(600);
    }
}
