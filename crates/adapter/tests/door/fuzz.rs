//! Whatever comes in, the door answers and every raw event becomes one record.

use super::house::{House, event};
use proptest::prelude::*;
use serde_json::{Value, json};

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~\u{0}-\u{ff}]{0,20}".prop_map(Value::from),
        "[+0-9 ().-]{5,20}".prop_map(Value::from),
        "[a-z.]{1,8}@[a-z]{1,8}\\.[a-z]{2,3}".prop_map(Value::from),
        Just(json!("2025-11-03T02:15:00Z")),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::hash_map("[ -~]{0,10}", inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Any value in any place of any event of the catalog, and arbitrary bytes.
#[test]
fn the_door_never_panics() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let house = runtime.block_on(House::open());
    let names: Vec<String> = cebe_catalog::Definitions::standard().events.keys().map(ToString::to_string).collect();
    let fields = cebe_catalog::envelope::FIELDS;
    let settings = ProptestConfig { failure_persistence: None, cases: 400, ..ProptestConfig::default() };
    let (name, field) = (0..names.len(), 0..fields.len());
    proptest!(settings, |(name in name, field in field, value in any_json(), attributes in any_json())| {
        let definition = &cebe_catalog::Definitions::standard().events[names[name].as_str()];
        let mut whole = event(json!({"event_name": names[name]}));
        let mut filled = definition.valid[0].attributes.clone();
        for key in definition.attributes.keys().take(3) {
            filled[key.as_str()] = attributes.clone();
        }
        whole["event_attributes"] = filled;
        whole[fields[field].name] = value;
        let answer = runtime.block_on(house.push(json!([whole]).to_string()));
        prop_assert_eq!(answer.status.as_u16(), 200);
        let counted = ["accepted", "ignored", "quarantined"].map(|name| answer.body[name].as_u64().unwrap());
        prop_assert_eq!(counted.iter().sum::<u64>(), 1);
    });
    let settings = ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() };
    proptest!(settings, |(bytes in proptest::collection::vec(any::<u8>(), 0..300))| {
        let answer = runtime.block_on(house.push(bytes));
        prop_assert!(matches!(answer.status.as_u16(), 200 | 400));
    });
}
