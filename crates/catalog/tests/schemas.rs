//! JSON Schemas of all events, held against their own examples by an independent validator.

use cebe_catalog::{
    Definitions, QuarantineCode,
    definition::{AttributeType, EventDefinition, InvalidExample, Sources, schema::json_schema},
    envelope,
};

fn validator(event: &EventDefinition) -> jsonschema::Validator {
    let schema = json_schema(event);
    jsonschema::draft202012::meta::validate(&schema).unwrap_or_else(|error| panic!("{}: {error}", event.name));
    jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{}: {error}", event.name))
}

/// CORE-SCOPE-1: each schema accepts its own valid examples.
#[test]
fn schemas_accept_valid_examples() {
    for event in Definitions::standard().events.values() {
        let validator = validator(event);
        for example in &event.valid {
            let whole = envelope::example(event, &example.attributes, &example.envelope);
            let errors: Vec<_> =
                validator.iter_errors(&whole).map(|error| format!("{error} at {}", error.instance_path())).collect();
            assert!(errors.is_empty(), "{}: {}: {errors:?}", event.name, example.why);
        }
    }
}

/// Can a schema tell? It does not know a company's scale, e-mail addresses in ids, or calendars.
fn schema_tells(event: &EventDefinition, example: &InvalidExample) -> bool {
    let name = example.path.as_deref().and_then(|path| path.strip_prefix("event_attributes."));
    let kind = name.and_then(|name| event.attributes.get(name)).map(|attribute| attribute.kind);
    match example.code {
        QuarantineCode::OutOfRange => kind != Some(AttributeType::Score),
        QuarantineCode::MissingField
        | QuarantineCode::InvalidType
        | QuarantineCode::InvalidEnum
        | QuarantineCode::UnknownEvent => true,
        _ => matches!(kind, Some(AttributeType::True | AttributeType::Money | AttributeType::Currency)),
    }
}

#[test]
fn schemas_refuse_invalid_examples_they_can_tell() {
    let mut told = 0;
    for event in Definitions::standard().events.values() {
        let validator = validator(event);
        for example in event.invalid.iter().filter(|example| schema_tells(event, example)) {
            let whole = envelope::example(event, &example.attributes, &example.envelope);
            assert!(!validator.is_valid(&whole), "{}: {}", event.name, example.why);
            told += 1;
        }
    }
    assert!(told > 50, "{told}");
}

#[test]
fn schemas_say_what_publishers_must_know() {
    let schema = json_schema(Definitions::standard().event("conversation.started").unwrap());
    let attributes = &schema["properties"]["event_attributes"];
    assert_eq!(attributes["required"], serde_json::json!(["channel", "room_id"]));
    assert_eq!(attributes["properties"]["phone"]["x-cebe-pii"], "contact");
    assert_eq!(attributes["properties"]["bsuid"]["x-cebe-identifier"], "bsuid");
    assert_eq!(attributes["properties"]["bsuid"]["x-cebe-scope"], "channel");
    assert_eq!(schema["properties"]["event_name"]["const"], "conversation.started");
    assert_eq!(schema["required"], serde_json::json!(["event_timestamp", "event_name", "event_attributes"]));
}

/// The order in which files are read does not show.
#[test]
fn equal_definitions_give_equal_text() {
    let mut sources = Sources::embedded();
    sources.0.reverse();
    let again = Definitions::load(&sources).unwrap();
    for event in Definitions::standard().events.values() {
        assert_eq!(json_schema(event).to_string(), json_schema(&again.events[&event.name]).to_string());
    }
}

/// Proves CORE-MET-5: the event and the numbers that CONTRIBUTING adds as its example work as they stand there, without
/// any Rust, and the event's examples are what they say they are.
#[test]
fn the_example_of_contributing_works() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../CONTRIBUTING.md");
    let page = std::fs::read_to_string(page).expect("CONTRIBUTING.md is there");
    let blocks: Vec<&str> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("\n```").next()).collect();
    let [event, metrics] = blocks[..] else { panic!("the page shows an event and its metrics") };
    let sources = Sources::embedded()
        .with("conversion/events.toml", format!("{}\n{event}", include_str!("../definitions/conversion/events.toml")))
        .with(
            "conversion/metrics.toml",
            format!("{}\n{metrics}", include_str!("../definitions/conversion/metrics.toml")),
        );
    let all = Definitions::load(&sources).unwrap_or_else(|error| panic!("{error}"));
    let event = all.event("voucher.redeemed").expect("the event is there");
    let validator = validator(event);
    let whole = |attributes, more| envelope::example(event, attributes, more);
    assert!(event.valid.iter().all(|one| validator.is_valid(&whole(&one.attributes, &one.envelope))));
    assert!(event.invalid.iter().all(|one| !validator.is_valid(&whole(&one.attributes, &one.envelope))));
    assert_eq!(all.metrics["voucher_discounts"].module, "conversion");
    assert_eq!(all.events.len(), Definitions::standard().events.len() + 1);
}
