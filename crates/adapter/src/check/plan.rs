//! What must be there: required and advised attributes, groups of which one is needed, and what is filled in when absent.

use super::{Work, advised};
use crate::fault::Fault;
use cebe_catalog::{
    QuarantineCode, Value,
    definition::{Attribute, EventDefinition},
};
use smol_str::SmolStr;

/// Completes the attributes of an event, or says what is missing.
pub(super) fn complete(
    work: &mut Work<'_>,
    event: &EventDefinition,
    stored: &mut Vec<(SmolStr, Value)>,
) -> Result<(), Fault> {
    for (name, attribute) in &event.attributes {
        if stored.iter().any(|(key, _)| key == name) {
            continue;
        }
        if let Some(value) = filled(work, attribute) {
            stored.push((name.clone(), value));
        } else if attribute.required || is_required_now(attribute, stored) {
            return Err(Fault::at(QuarantineCode::MissingField, name));
        } else if attribute.advised {
            work.warn(advised(name));
        }
    }
    for group in &event.one_of {
        if !group.iter().any(|name| stored.iter().any(|(key, _)| key == name)) {
            let first = group.first().map_or("", SmolStr::as_str);
            let hint = format!("give at least one of {}", group.join(", "));
            return Err(Fault::at(QuarantineCode::MissingField, first).with_hint(hint));
        }
    }
    Ok(())
}

/// What stands in for an absent attribute.
fn filled(work: &Work<'_>, attribute: &Attribute) -> Option<Value> {
    if attribute.default.as_deref() == Some("company_currency") {
        return Some(Value::Text(work.company.settings.currency.clone()));
    }
    match attribute.same_as.as_deref() {
        Some("qontak_customer_id") => work.identity.customer.clone().map(Value::Text),
        _ => None,
    }
}

fn is_required_now(attribute: &Attribute, stored: &[(SmolStr, Value)]) -> bool {
    attribute.required_when.iter().any(|(other, values)| {
        cebe_catalog::value::field(stored, other)
            .and_then(Value::as_text)
            .is_some_and(|text| values.iter().any(|v| v == text))
    })
}
