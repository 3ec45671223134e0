//! The rules an event definition keeps, whether it stands in a file or is registered at run time.

use super::{Attribute, AttributeType as Type, EventDefinition, problem::About};
use crate::{envelope, limits};
use smol_str::SmolStr;

/// Longest name of an event, an attribute or a module.
const NAME_CHARS_MAX: usize = 64;

/// Is it a name: lower-case letters, digits, `_` and `.`, a letter first?
pub(super) fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.';
    name.len() <= NAME_CHARS_MAX
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(plain)
        && !name.ends_with('.')
}

/// Checks one event.
pub(super) fn check(event: &EventDefinition, about: &mut About<'_>) {
    for name in [&event.name, &event.module] {
        about.check(is_name(name), || {
            format!("{name:?} is no name; use lower-case letters, digits, '_' and '.', at most {NAME_CHARS_MAX}")
        });
    }
    about
        .check(event.order <= 3, || format!("order is {}; use 0 opens, 1 changes, 2 answers or 3 closes", event.order));
    about.check(event.schema_version >= 1, || "schema_version is 0; begin with 1".into());
    about.check(event.attributes.len() <= limits::ATTRIBUTES_MAX, || {
        format!("it has more than {} attributes; take some away", limits::ATTRIBUTES_MAX)
    });
    check_times(event, about);
    check_groups(event, about);
    for (name, attribute) in &event.attributes {
        let mut about = about.part(format_args!("attribute {name:?}"));
        about.check(is_name(name), || "this is no name; use lower-case letters, digits and '_'".into());
        check_attribute(event, attribute, &mut about);
    }
    check_examples(event, about);
}

/// `at` and `version`.
fn check_times(event: &EventDefinition, about: &mut About<'_>) {
    let version = event.version.iter().filter(|name| !matches!(name.as_str(), "@event_timestamp" | "@sent_at"));
    for (key, name) in event.at.iter().map(|name| ("at", name)).chain(version.map(|name| ("version", name))) {
        match event.attributes.get(name) {
            None => about.wrong(unknown(key, name)),
            Some(attribute) => about.check(is_time(attribute.kind), || {
                format!("{key} names {name:?}, which holds no time; name a timestamp, date or period")
            }),
        }
    }
}

fn is_time(kind: Type) -> bool {
    matches!(kind, Type::Timestamp | Type::DateOrTimestamp | Type::Date | Type::Period)
}

fn unknown(key: &str, name: &str) -> String {
    format!("{key} names {name:?}, which is no attribute of the event; declare it or correct the name")
}

/// `open_map` and `one_of`.
fn check_groups(event: &EventDefinition, about: &mut About<'_>) {
    if let Some(map) = &event.open_map {
        let is_map = event.attributes.get(map).is_some_and(|attribute| attribute.kind == Type::Map);
        about.check(is_map, || format!("open_map names {map:?}; declare an attribute of that name with type map"));
    }
    for name in event.one_of.iter().flatten() {
        match event.attributes.get(name) {
            None => about.wrong(unknown("one_of", name)),
            Some(attribute) => about.check(!attribute.required, || {
                format!("one_of names {name:?}, which is always required; take it out of the group")
            }),
        }
    }
    about
        .check(event.one_of.iter().all(|group| !group.is_empty()), || "one_of has an empty group; take it away".into());
}

fn check_attribute(event: &EventDefinition, attribute: &Attribute, about: &mut About<'_>) {
    let has_values = !attribute.values.is_empty();
    about.check(attribute.kind != Type::Enum || has_values, || {
        "an enum needs values; list them, or use enum_open".into()
    });
    about.check(!has_values || matches!(attribute.kind, Type::Enum | Type::EnumOpen | Type::Id | Type::String), || {
        "values are for enum, enum_open, id and string; drop them or change the type".into()
    });
    check_bounds(attribute, about);
    if let Some(scope) = &attribute.scope {
        about.check(event.attributes.contains_key(scope), || unknown("scope", scope));
    }
    let scoped = attribute.scope.is_some() || attribute.scope_default.is_some();
    about.check(attribute.identifier.is_some() || !scoped, || {
        "a scope is for identifiers; name the identifier's kind".into()
    });
    if let Some(same) = &attribute.same_as {
        about.check(envelope::field(same).is_some(), || format!("same_as names {same:?}, which is no envelope field"));
    }
    if let Some(default) = &attribute.default {
        about.check(default == "company_currency" && attribute.kind == Type::Currency, || {
            format!("default is {default:?}; the only one there is, is company_currency, for type currency")
        });
    }
    for other in attribute.required_when.keys() {
        about.check(event.attributes.contains_key(other), || unknown("required_when", other));
    }
    about.check(!(attribute.required && attribute.advised), || {
        "required and advised exclude each other; keep one".into()
    });
}

fn check_bounds(attribute: &Attribute, about: &mut About<'_>) {
    let bounded = attribute.min.is_some() || attribute.max.is_some();
    about.check(!bounded || matches!(attribute.kind, Type::Int | Type::Number | Type::Money), || {
        "min and max are for int, number and money; drop them or change the type".into()
    });
    if let (Some(min), Some(max)) = (attribute.min, attribute.max) {
        about.check(min <= max, || "min is above max; exchange them".into());
    }
    about.check(!attribute.above_min || attribute.min.is_some(), || "above_min needs min; give it".into());
    about.check(attribute.chars_max.is_none() || matches!(attribute.kind, Type::String | Type::Text), || {
        "chars_max is for string and text; drop it or change the type".into()
    });
    about.check(attribute.chars_max.is_none_or(|max| (1..=limits::EVENT_BYTES_MAX).contains(&max)), || {
        format!("chars_max must lie between 1 and {}", limits::EVENT_BYTES_MAX)
    });
}

fn check_examples(event: &EventDefinition, about: &mut About<'_>) {
    let valid = event.valid.iter().map(|example| ("valid", &example.attributes, &example.envelope));
    let invalid = event.invalid.iter().map(|example| ("invalid", &example.attributes, &example.envelope));
    for (place, (kind, attributes, fields)) in valid.chain(invalid).enumerate() {
        let mut about = about.part(format_args!("{kind} example {}", place + 1));
        about.check(attributes.is_object(), || "attributes must be a JSON object".into());
        for name in fields.keys() {
            about.check(envelope::field(name).is_some(), || format!("{name:?} is no envelope field; correct the name"));
        }
    }
    for path in event.invalid.iter().filter_map(|example| example.path.as_ref()) {
        about.check(path_exists(event, path), || {
            format!(
                "an invalid example names the path {path:?}; begin it with an envelope field or a declared attribute"
            )
        });
    }
}

fn path_exists(event: &EventDefinition, path: &SmolStr) -> bool {
    let head = |text: &str| text.split(['.', '[']).next().unwrap_or_default().to_owned();
    match path.strip_prefix("event_attributes.") {
        Some(rest) => event.attributes.contains_key(head(rest).as_str()) || event.open_map.is_some(),
        None => envelope::field(&head(path)).is_some(),
    }
}
