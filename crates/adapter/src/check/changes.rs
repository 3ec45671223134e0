//! Profile fields and changes of them: a list of {name, value}, each concealed by what its name stands for, and taken in
//! as identity where the name says so.

use super::Work;
use crate::{
    fault::{Fault, shown_key},
    json::Json,
};
use cebe_catalog::{QuarantineCode, Value};
use smol_str::SmolStr;

/// Profile fields: a list of {name, value}, or an object.
pub(super) fn fields(work: &mut Work<'_>, value: &Json<'_>) -> Result<Value, Fault> {
    match value {
        Json::Map(fields) => {
            let each = fields
                .iter()
                .map(|(name, value)| field(work, name, value).map_err(|fault| fault.under(&shown_key(name))));
            each.collect::<Result<_, _>>().map(Value::List)
        }
        Json::List(items) => named(work, items, false),
        _ => Err(Fault::new(QuarantineCode::InvalidType).with_hint("send a list of {name, value}, or an object")),
    }
}

/// Changes: a list of {name, value, old_value}; a null value clears the field, and is no evidence of anything.
pub(super) fn changes(work: &mut Work<'_>, value: &Json<'_>) -> Result<Value, Fault> {
    match value {
        Json::List(items) => named(work, items, true),
        _ => Err(Fault::new(QuarantineCode::InvalidType).with_hint("send a list of {name, value, old_value}")),
    }
}

fn named(work: &mut Work<'_>, items: &[Json<'_>], old: bool) -> Result<Value, Fault> {
    let each = items.iter().enumerate().map(|(index, item)| one(work, item, old).map_err(|fault| fault.item(index)));
    each.collect::<Result<_, _>>().map(Value::List)
}

fn one(work: &mut Work<'_>, item: &Json<'_>, old: bool) -> Result<Value, Fault> {
    if !matches!(item, Json::Map(_)) {
        return Err(Fault::new(QuarantineCode::InvalidType).with_hint("a field is an object with name and value"));
    }
    let name = match item.field("name") {
        Some(Json::Text(name)) if !name.trim().is_empty() => name.trim(),
        Some(Json::Text(_)) | None => return Err(Fault::at(QuarantineCode::MissingField, "name")),
        Some(_) => return Err(Fault::at(QuarantineCode::InvalidType, "name")),
    };
    let value = item.field("value").unwrap_or(&Json::Null);
    let mut stored = field(work, name, value).map_err(|fault| fault.under("value"))?;
    if let (true, Some(before), Value::Map(parts)) = (old, item.field("old_value"), &mut stored) {
        let before = scalar(before).map(|before| work.undeclared(name, before));
        parts.push((SmolStr::new_static("old_value"), before.map_err(|fault| fault.under("old_value"))?));
    }
    Ok(stored)
}

/// One field as it is stored: {name, value}.
fn field(work: &mut Work<'_>, name: &str, value: &Json<'_>) -> Result<Value, Fault> {
    let value = scalar(value)?;
    let shown = if value.is_null() { Value::Null } else { work.undeclared(name, value) };
    if let Some(kind) = work.field_identifier(name).filter(|_| !value.is_null()) {
        work.identify(kind, None, value);
    }
    let name = Value::Text(shown_key(name));
    Ok(Value::Map(vec![(SmolStr::new_static("name"), name), (SmolStr::new_static("value"), shown)]))
}

fn scalar<'v, 'a>(value: &'v Json<'a>) -> Result<&'v Json<'a>, Fault> {
    match value {
        Json::List(_) | Json::Map(_) => Err(Fault::new(QuarantineCode::InvalidType)
            .with_hint("a field's value is a text, a number, true, false or null")),
        scalar => Ok(scalar),
    }
}
