//! Which changes of an event definition break nobody: new optional attributes, widened enums, widened limits. Everything
//! else is refused with the reason in plain words.

use super::{Attribute, EventDefinition};
use crate::limits;
use smol_str::SmolStr;

/// May `new` take the place of `old`? The reasons when it may not. Words for people and examples may change freely.
pub fn check_additive(old: &EventDefinition, new: &EventDefinition) -> Result<(), Vec<String>> {
    let mut reasons = Vec::new();
    let same = [
        (old.name == new.name, "name"),
        (old.module == new.module, "module"),
        (old.concerns == new.concerns, "concerns"),
        (old.at == new.at, "at"),
        (old.order == new.order, "order"),
        (old.version == new.version, "version"),
        (old.open_map == new.open_map, "open_map"),
        (old.one_of == new.one_of, "one_of"),
    ];
    for (_, key) in same.iter().filter(|(same, _)| !same) {
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

fn compare(name: &SmolStr, was: &Attribute, is: &Attribute, reasons: &mut Vec<String>) {
    let same = [
        (was.kind == is.kind, "type"),
        (was.required == is.required, "required"),
        (was.advised == is.advised, "advised"),
        (was.extension == is.extension, "extension"),
        (was.pii == is.pii, "pii"),
        (was.identifier == is.identifier, "identifier"),
        (was.scope == is.scope, "scope"),
        (was.scope_default == is.scope_default, "scope_default"),
        (was.same_as == is.same_as, "same_as"),
        (was.default == is.default, "default"),
        (was.required_when == is.required_when, "required_when"),
    ];
    for (_, key) in same.iter().filter(|(same, _)| !same) {
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
