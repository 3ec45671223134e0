//! What no definition declares: keys of an open map, and keys of an event that has none. Values follow the company's field
//! registry, else the names that are known, else the detector, else they are sealed.

use super::{Fields, Work, checked};
use crate::{
    fault::{Fault, shown_key},
    json::{Json, to_text},
};
use cebe_catalog::{
    IdentifierKind, PiiClass, QuarantineCode, Value,
    definition::{Attribute, EventDefinition},
};
use smol_str::SmolStr;

/// Stores undeclared keys: in the event's open map, else beside the declared ones.
pub(super) fn take(
    work: &mut Work<'_>,
    event: &EventDefinition,
    given: &Fields<'_>,
    rest: &[(&str, &Json<'_>)],
    stored: &mut Vec<(SmolStr, Value)>,
) -> Result<(), Fault> {
    let mut open = Vec::new();
    let nested =
        event.open_map.as_ref().and_then(|name| given.iter().find(|(key, value)| **key == **name && !value.is_null()));
    if let Some((name, value)) = nested {
        let Json::Map(fields) = value else { return Err(Fault::at(QuarantineCode::InvalidType, name)) };
        nested_fields(work, event, fields, stored, &mut open);
    }
    for (key, value) in rest {
        open.retain(|(name, _)| name != key);
        let shown = work.undeclared(key, value);
        open.push((stored_key(key, &open), shown));
    }
    match &event.open_map {
        Some(name) if nested.is_some() || !open.is_empty() => stored.push((name.clone(), Value::Map(open))),
        _ => stored.append(&mut open),
    }
    Ok(())
}

/// Fields of the object under the open map's own name. One that the event declares counts as declared where it reads as
/// such and was not given itself.
fn nested_fields(
    work: &mut Work<'_>,
    event: &EventDefinition,
    fields: &Fields<'_>,
    stored: &mut Vec<(SmolStr, Value)>,
    open: &mut Vec<(SmolStr, Value)>,
) {
    for (key, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        let declared =
            event.attributes.get_key_value(&**key).filter(|(name, _)| !stored.iter().any(|(key, _)| key == *name));
        let lifted = declared.and_then(|(name, attribute)| {
            let value = checked(work, event, fields, name, attribute, value).ok()?;
            Some((name.clone(), value))
        });
        match lifted {
            Some(pair) => stored.push(pair),
            None => {
                let shown = work.undeclared(key, value);
                open.push((stored_key(key, open), shown));
            }
        }
    }
}

/// The key as it is stored; two that look alike once contact data is replaced are told apart by a number.
fn stored_key(key: &str, taken: &[(SmolStr, Value)]) -> SmolStr {
    let shown = shown_key(key);
    if !taken.iter().any(|(name, _)| *name == shown) {
        return shown;
    }
    let free = |n: &usize| !taken.iter().any(|(name, _)| *name == format!("{shown}#{n}"));
    (2..).find(free).map_or(shown.clone(), |n| format!("{shown}#{n}").into())
}

/// A declared map: each key is treated as undeclared keys are, unless the map itself has a class.
pub(super) fn map(work: &mut Work<'_>, attribute: &Attribute, value: &Json<'_>) -> Result<Value, Fault> {
    let Json::Map(fields) = value else {
        return Err(Fault::new(QuarantineCode::InvalidType).with_hint("send an object"));
    };
    let mut stored = Vec::with_capacity(fields.len());
    for (key, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        let shown = match attribute.pii {
            PiiClass::Mixed => work.undeclared(key, value),
            class => work.sealer.classed(class, value),
        };
        stored.push((stored_key(key, &stored), shown));
    }
    Ok(Value::Map(stored))
}

impl Work<'_> {
    /// A value that no definition declares, concealed by what its name stands for.
    pub(super) fn undeclared(&mut self, name: &str, value: &Json<'_>) -> Value {
        if shown_key(name) != name {
            // The name itself tells something: it is sealed with the value, or it would be lost.
            let pair = Json::Map(vec![(name.into(), value.clone())]);
            return self.sealer.hidden(PiiClass::Unclassified, &to_text(&pair));
        }
        match self.field_class(name) {
            Some(class) => self.sealer.classed(class, value),
            None => self.sealer.unknown(value),
        }
    }

    /// The identifier kind that a field's name stands for.
    pub(super) fn field_identifier(&self, name: &str) -> Option<IdentifierKind> {
        self.known_field(name).and_then(|field| field.identifier)
    }

    fn field_class(&self, name: &str) -> Option<PiiClass> {
        let own = self.company.fields.get(name).copied();
        own.or_else(|| self.known_field(name).map(|field| field.pii)).filter(|class| *class != PiiClass::Mixed)
    }

    fn known_field(&self, name: &str) -> Option<&cebe_catalog::definition::FieldDefinition> {
        let fields = &self.definitions.fields;
        fields.get(name).or_else(|| fields.get(name.trim().to_lowercase().as_str()))
    }
}
