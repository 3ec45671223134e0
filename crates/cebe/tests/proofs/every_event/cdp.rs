//! Customers and segments.

use serde_json::{Value, json};

use super::{Story, World, at};

pub const STORIES: [Story; 4] = [
    ("customer.created", created),
    ("customer.updated", updated),
    ("segment.entered", entered),
    ("segment.exited", exited),
];

/// Loaded late, counted in its own month, and nobody reads the phone.
fn created(w: &World) {
    let fields = json!([{"name": "phone", "value": "0811-1234-789"}, {"name": "full_name", "value": "Ayu Lestari"}]);
    let about =
        json!({"qontak_customer_id": "ayu", "created_at": "2020-05-06T09:00:00+07:00", "default_fields": fields});
    w.tell("ayu", "made", "customer.created", &at(3, 9, 0), about);
    let months = w.days("new_customers?interval=month&from=2020-01-01&to=2021-01-01");
    assert_eq!(months, [(json!("2020-04-30T17:00:00Z"), json!(1))]);
    let shown = format!("{}{}", w.profile("ayu"), json!(w.timeline("ayu")));
    assert!(!shown.contains("Lestari") && !shown.contains("1234"), "{shown}");
    assert!(shown.contains("A•••"), "{shown}");
}

fn updated(w: &World) {
    w.tell("ayu", "made", "customer.created", &at(3, 9, 0), json!({"qontak_customer_id": "ayu"}));
    let change = |id: &str, day: u32, value: Value| {
        let changes = json!([{"name": "lifecycle_stage", "value": value}]);
        let about = json!({"qontak_customer_id": "ayu", "change_fields": changes, "updated_at": at(day, 9, 0)});
        w.tell("ayu", id, "customer.updated", &at(day, 9, 0), about);
    };
    let stage = || w.profile("ayu")["fields"]["lifecycle_stage"]["value"].clone();
    change("newer", 6, json!("customer"));
    change("older", 5, json!("lead"));
    assert_eq!(stage(), "customer", "{:#}", w.profile("ayu")["fields"]);
    change("cleared", 7, Value::Null);
    assert_eq!(w.profile("ayu")["fields"].get("lifecycle_stage"), None);
}

fn segment(w: &World, id: &str, way: &str, day: u32, name: &str) {
    let about = json!({"qontak_customer_id": "ayu", "segment_id": "s-1", "segment_name": name});
    w.tell("ayu", id, &format!("segment.{way}"), &at(day, 9, 0), about);
}

fn entered(w: &World) {
    segment(w, "in", "entered", 3, "Regulars");
    segment(w, "renamed", "entered", 5, "Friends");
    let segments = w.profile("ayu")["segments"].clone();
    assert_eq!(segments.as_array().map(Vec::len), Some(1), "{segments:#}");
    assert_eq!((&segments[0]["segment_id"], &segments[0]["name"]), (&json!("s-1"), &json!("Friends")), "{segments:#}");
    assert_eq!(segments[0]["since"], "2025-11-03T02:00:00Z", "{segments:#}");
}

/// An exit that lies before the entry ends nothing.
fn exited(w: &World) {
    segment(w, "in", "entered", 5, "Regulars");
    segment(w, "early", "exited", 4, "Regulars");
    assert_eq!(w.profile("ayu")["segments"].as_array().map(Vec::len), Some(1));
    segment(w, "out", "exited", 6, "Regulars");
    assert_eq!(w.profile("ayu")["segments"].as_array().map_or(0, Vec::len), 0);
    segment(w, "again", "entered", 7, "Regulars");
    assert_eq!(w.profile("ayu")["segments"][0]["since"], "2025-11-07T02:00:00Z");
    assert_eq!(w.groups("segments?group_by=segment_id"), [(json!("s-1"), json!(1))]);
}
