//! Which changes of an event definition break nobody: new optional attributes, widened enums, widened limits. Everything
//! else is refused with the reason in plain words.

use super::{Attribute, EventDefinition};
use crate::limits;
use serde::Serialize;
use serde_json::{Map, Value};
use smol_str::SmolStr;
use std::collections::BTreeSet;

/// Keys of an event that may change: words for people, examples, and what is compared by itself.
const FREE: &[&str] = &["trigger", "note", "valid", "invalid", "schema_version", "attributes"];
/// Keys of an attribute that may change, or that are compared by themselves.
const FREE_IN_ATTRIBUTE: &[&str] = &["note", "values", "min", "max", "above_min", "chars_max"];

/// May `new` take the place of `old`? The reasons when it may not. Words for people and examples may change freely.
pub fn check_additive(old: &EventDefinition, new: &EventDefinition) -> Result<(), Vec<String>> {
    let mut reasons = Vec::new();
    for key in changed(old, new, FREE) {
        reasons.push(format!("{key} cannot change: stored events were read with the old one; register a new name"));
    }
    if new.schema_version < old.schema_version {
        reasons.push(format!("schema_version cannot go back; it is {} now", old.schema_version));
    }
    for (name, was) in &old.attributes {
        match new.attributes.get(name) {
            None => {
                reasons.push(format!("attribute {name} cannot be taken away: publishers send it; keep it as it is"));
            }
            Some(is) => compare(name, was, is, &mut reasons),
        }
    }
    for (name, attribute) in new.attributes.iter().filter(|(name, _)| !old.attributes.contains_key(*name)) {
        if attribute.required || !attribute.required_when.is_empty() {
            reasons
                .push(format!("new attribute {name} must be optional: publishers of the old version do not send it"));
        }
    }
    if reasons.is_empty() { Ok(()) } else { Err(reasons) }
}

/// Keys whose values differ, but for the free ones. Over the written form, so that a key added later is held too.
fn changed<T: Serialize>(old: &T, new: &T, free: &[&str]) -> Vec<String> {
    let (old, new) = (written(old), written(new));
    let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let differ = |key: &&&String| !free.contains(&key.as_str()) && old.get(**key) != new.get(**key);
    keys.iter().filter(differ).map(|key| key.to_string()).collect()
}

fn written<T: Serialize>(definition: &T) -> Map<String, Value> {
    match serde_json::to_value(definition) {
        Ok(Value::Object(keys)) => keys,
        _ => Map::new(),
    }
}

fn compare(name: &SmolStr, was: &Attribute, is: &Attribute, reasons: &mut Vec<String>) {
    for key in changed(was, is, FREE_IN_ATTRIBUTE) {
        reasons.push(format!("{key} of attribute {name} cannot change; add another attribute instead"));
    }
    for value in was.values.iter().filter(|value| !is.values.contains(value)) {
        reasons.push(format!("value {value} of attribute {name} cannot be taken away: publishers send it"));
    }
    if narrowed(was, is) {
        reasons.push(format!("limits of attribute {name} can only be widened"));
    }
}

/// Is a bound tighter than it was?
fn narrowed(was: &Attribute, is: &Attribute) -> bool {
    let min = match (was.min, is.min) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(was_min), Some(is_min)) => is_min > was_min || (is_min == was_min && is.above_min && !was.above_min),
    };
    let max = match (was.max, is.max) {
        (_, None) => false,
        (was_max, Some(is_max)) => was_max.is_none_or(|was_max| is_max < was_max),
    };
    let chars = |attribute: &Attribute| attribute.chars_max.unwrap_or(limits::STRING_CHARS_MAX);
    min || max || chars(is) < chars(was)
}
