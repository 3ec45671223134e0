//! Every example of the catalog, pushed through the door.

use super::house::House;
use cebe_catalog::{Definitions, envelope};
use serde_json::json;

/// ANCHOR-1 to ANCHOR-7, ANCHOR-ENV-10: every valid example becomes an event.
#[tokio::test]
async fn valid_examples_are_accepted() {
    let house = House::open().await;
    let mut seen = 0;
    for event in Definitions::standard().events.values() {
        for example in &event.valid {
            let whole = envelope::example(event, &example.attributes, &example.envelope);
            let answer = house.push(whole.to_string()).await;
            assert_eq!(answer.body["accepted"], 1, "{}: {}\n{}", event.name, example.why, answer.body);
            seen += 1;
        }
    }
    assert!(seen >= 52);
}

/// CORE-B1-b, ANCHOR-ENV-10: every invalid example is refused with its code at its path, and takes nothing with it.
#[tokio::test]
async fn invalid_examples_are_refused_with_code_and_path() {
    let house = House::open().await;
    let good = super::house::event(json!({"event_id": null}));
    for event in Definitions::standard().events.values() {
        for example in &event.invalid {
            let whole = envelope::example(event, &example.attributes, &example.envelope);
            let answer = house.push(json!([whole, good]).to_string()).await;
            let result = &answer.body["results"][0];
            let found = (result["code"].as_str(), result["path"].as_str());
            let wanted_path = example.path.as_deref().or(found.1);
            assert_eq!(found, (Some(example.code.as_str()), wanted_path), "{}: {}", event.name, example.why);
            assert_eq!(answer.body["accepted"], 1, "the rest of the batch goes through");
        }
    }
}
