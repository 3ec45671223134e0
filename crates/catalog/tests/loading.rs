//! Reading definition files: a module that no Rust knows, messages that say what to do, and no panic on any text.

use cebe_catalog::{Definitions, definition::Sources};
use proptest::prelude::*;

const EVENTS: &str = include_str!("made_up/garden/events.toml");
const METRICS: &str = include_str!("made_up/garden/metrics.toml");

fn load(events: &str, metrics: &str) -> Result<Definitions, String> {
    let sources = Sources::default().with("garden/events.toml", events).with("garden/metrics.toml", metrics);
    Definitions::load(&sources).map_err(|error| error.to_string())
}

/// Adding a module is adding a folder.
#[test]
fn a_made_up_module_needs_no_rust() {
    let sources = Sources::embedded().with("garden/events.toml", EVENTS).with("garden/metrics.toml", METRICS);
    let all = Definitions::load(&sources).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(all.module("plants").map(|name| name.as_str()), Some("garden"));
    let entered: Vec<_> = all.projections("plant.harvested").map(|(fact, entry)| (&*fact.name, &*entry.step)).collect();
    assert_eq!(entered, [("plant", "harvested")]);
    let components: Vec<_> = all.components_of("plant").map(|component| component.name.as_str()).collect();
    assert_eq!(components, ["plants_harvested", "plants_sown"]);
    assert_eq!(all.metrics["harvest_rate"].module, "garden");
    assert_eq!(all.events.len(), Definitions::standard().events.len() + 2);
}

/// Changes one thing in the made-up files and returns what the loader says.
fn message(from: &str, to: &str) -> String {
    assert!(EVENTS.contains(from) || METRICS.contains(from), "{from}");
    match load(&EVENTS.replace(from, to), &METRICS.replace(from, to)) {
        Ok(_) => panic!("{to} was accepted"),
        Err(message) => message,
    }
}

#[test]
fn messages_name_file_item_and_remedy() {
    let cases = [
        (
            r#"at = ["harvested_at"]"#,
            r#"at = ["harvest"]"#,
            r#"garden/events.toml: event "plant.harvested": at names "harvest", which is no attribute of the event; declare it or correct the name"#,
        ),
        (r#"at = ["harvested_at"]"#, r#"at = ["plant_id"]"#, "holds no time"),
        ("order = 3", "order = 3\nversion = \"read_at\"", r#"version names "read_at""#),
        ("order = 3", "order = 4", "use 0 opens, 1 changes, 2 answers or 3 closes"),
        ("order = 3", "order = 3\none_of = [[\"a\"]]", r#"one_of names "a""#),
        ("order = 3", "order = 3\nopen_map = \"more\"", "declare an attribute of that name with type map"),
        (r#"type = "timestamp""#, r#"type = "timestamp", scope = "x", identifier = "email""#, r#"scope names "x""#),
        (r#"type = "timestamp""#, r#"type = "timestamp", min = 4"#, "min and max are for int, number and money"),
        (r#"type = "timestamp""#, r#"type = "time""#, "unknown variant"),
        (r#"type = "timestamp""#, r#"type = "timestamp", colour = "red""#, "unknown field `colour`"),
        (r#"default = "company_currency""#, r#"default = "IDR""#, "the only one there is, is company_currency"),
        ("phase = 9", "phase = 9\nowner = \"x\"", "unknown field `owner`"),
        (r#"name = "garden""#, r#"name = "yard""#, "stands in the folder \"garden\"; give both one name"),
        (
            r#"name = "plant.harvested""#,
            r#"name = "plant.sown""#,
            "it is already defined in garden/events.toml; rename one",
        ),
        (r#"name = "plant.harvested""#, r#"name = "Plant harvested""#, "is no name; use lower-case letters"),
        (r#"'{"kind": "herb"}'"#, r#"'["herb"]'"#, "attributes must be a JSON object"),
        (r#"code = "missing_field""#, r#"code = "missing""#, "unknown variant `missing`"),
        (r#"path = "event_attributes.plant_id""#, r#"path = "plant_id""#, "names the path"),
        (
            r#"event = "plant.harvested""#,
            r#"event = "plant.eaten""#,
            r#"garden/metrics.toml: fact "plant", entry 2 (plant.eaten): no event is called "plant.eaten""#,
        ),
        (
            r#"key = [["plant_id"], ["@event"]]"#,
            r#"key = [["id"]]"#,
            r#"key names "id", which is no attribute of plant.harvested"#,
        ),
        (r#""price = cost""#, r#""cost = price""#, r#"fields names "price""#),
        (r#"whose = "entity""#, r#"whose = "window""#, "window belong together"),
        (r#"whose = "entity""#, "whose = \"window\"\nwindow = \"a_while\"", "no company setting"),
        (r#"mark = "harvested""#, "mark = \"harvested\"\nmarks = 1", "unknown field `marks`"),
        (
            "fact = \"plant\"\nmark = \"sown\"",
            "fact = \"tree\"\nmark = \"sown\"",
            r#"component "plants_sown": no fact is called "tree""#,
        ),
        (
            r#"denominator = ["plants_sown"]"#,
            r#"denominator = ["sown"]"#,
            r#"metric "harvest_rate": no component is called "sown""#,
        ),
        (r#"beside = { sown = "plants_sown" }"#, r#"beside = { sown = "sown" }"#, "no component and no metric"),
        (
            "mark = \"harvested\"\ndimensions = [\"kind\"]",
            "mark = \"harvested\"",
            r#"offers the dimension "kind", which its component "plants_harvested" is not cut by"#,
        ),
        ("activity = true", "activity = false", "set activity = true there"),
        (r#"unit = "ratio""#, r#"unit = "percent""#, "use one of count, ratio"),
        (r#"kind = "distinct""#, r#"kind = "level""#, "set level = true there"),
    ];
    for (from, to, expected) in cases {
        let message = message(from, to);
        assert!(message.contains(expected), "for {to}\nexpected {expected}\ngot {message}");
        assert!(message.starts_with("garden/"), "{message}");
    }
}

#[test]
fn files_that_do_not_belong_are_named() {
    let error = Definitions::load(&Sources::default().with("garden/event.toml", EVENTS)).map(|_| ()).unwrap_err();
    assert!(error.to_string().starts_with("garden/event.toml: no such file belongs here"), "{error}");
}

#[test]
fn an_alias_is_given_once() {
    let other = EVENTS.replace("garden", "park").replace("plant.", "bench.");
    let sources = Sources::default().with("garden/events.toml", EVENTS).with("park/events.toml", other);
    let error = Definitions::load(&sources).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("the alias \"plants\" is also one of \"garden\""), "{error}");
}

#[test]
fn all_problems_are_told_at_once() {
    let text = EVENTS.replace("order = 3", "order = 7").replace(r#"["harvested_at"]"#, r#"["x"]"#);
    assert_eq!(load(&text, METRICS).map(|_| ()).unwrap_err().lines().count(), 2);
}

proptest! {
    #[test]
    fn no_text_makes_the_loader_panic(text in ".{0,300}", path in "(garden/events|garden/metrics|fields|x)\\.toml") {
        let _ = Definitions::load(&Sources::default().with(&path, text));
    }

    /// Damaged files are refused or read, never a panic.
    #[test]
    fn no_damage_makes_the_loader_panic(at in 0usize..4_000, len in 0usize..40, with in "[ -~\\n]{0,8}") {
        let whole: Vec<char> = EVENTS.chars().chain("\u{0}".chars()).chain(METRICS.chars()).collect();
        let at = at.min(whole.len());
        let end = (at + len).min(whole.len());
        let damaged: String = whole[..at].iter().copied().chain(with.chars()).chain(whole[end..].iter().copied()).collect();
        let (events, metrics) = damaged.split_once('\u{0}').unwrap_or((&damaged, ""));
        let _ = load(events, metrics);
    }
}
