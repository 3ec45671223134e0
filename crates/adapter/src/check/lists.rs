//! Lists: references to customers, order items and products.

use super::{Work, ids, numbers, texts};
use crate::{
    fault::{Fault, shown_key},
    json::Json,
};
use cebe_catalog::{
    Amount, IdentifierKind, PiiClass, QuarantineCode, Value,
    amount::UNIT,
    limits::{ASSOCIATION_ITEMS_MAX, STRING_CHARS_MAX},
};
use smol_str::SmolStr;

fn listed<'v, 'a>(value: &'v Json<'a>) -> Result<&'v [Json<'a>], Fault> {
    match value {
        Json::List(items) => Ok(items),
        _ => Err(Fault::new(QuarantineCode::InvalidType).with_hint("send a list, also for one")),
    }
}

/// Customers that the event refers to: ids, or objects with an id and identifiers.
pub(super) fn customers(work: &mut Work<'_>, value: &Json<'_>) -> Result<Value, Fault> {
    let items = listed(value)?;
    if items.len() > ASSOCIATION_ITEMS_MAX {
        let hint = format!("name at most {ASSOCIATION_ITEMS_MAX} customers");
        return Err(Fault::new(QuarantineCode::TooMany).with_hint(hint));
    }
    let each = items.iter().enumerate().map(|(index, item)| customer(work, item).map_err(|fault| fault.item(index)));
    each.collect::<Result<_, _>>().map(Value::List)
}

fn customer(work: &mut Work<'_>, item: &Json<'_>) -> Result<Value, Fault> {
    let Json::Map(fields) = item else {
        let id = reference_id(work, item)?;
        work.refer(id.clone(), Vec::new());
        return Ok(id.map_or(Value::Null, Value::Text));
    };
    let (mut id, mut nodes, mut stored) = (None, Vec::new(), Vec::new());
    for (key, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        let (kind, shown) = match &**key {
            "qontak_customer_id" => {
                id = reference_id(work, value).map_err(|fault| fault.under(key))?;
                (None, id.clone().map_or(Value::Null, Value::Text))
            }
            "phone" => (Some(IdentifierKind::Phone), work.sealer.phone(contact_text(value, key)?)),
            "email" => (Some(IdentifierKind::Email), work.sealer.email(contact_text(value, key)?)),
            _ => (None, work.undeclared(key, value)),
        };
        nodes.extend(kind.and_then(|kind| work.node(kind, None, value)));
        stored.push((shown_key(key), shown));
    }
    work.refer(id, nodes);
    Ok(Value::Map(stored))
}

fn contact_text<'v>(value: &'v Json<'_>, key: &str) -> Result<&'v str, Fault> {
    ids::raw(value).map_err(|fault| fault.under(key))
}

/// The id of a referenced customer; a placeholder names nobody.
fn reference_id(work: &mut Work<'_>, value: &Json<'_>) -> Result<Option<SmolStr>, Fault> {
    if cebe_privacy::normalise::is_placeholder(ids::raw(value)?) {
        work.warn("placeholder_identity".into());
        return Ok(None);
    }
    ids::id(value).map(Some)
}

/// Order items or products: ids, or objects with an id, a name, a quantity and a price.
pub(super) fn items(work: &mut Work<'_>, value: &Json<'_>, id_name: &'static str) -> Result<Value, Fault> {
    let items = listed(value)?.iter().enumerate();
    items
        .map(|(index, each)| item(work, each, id_name).map_err(|fault| fault.item(index)))
        .collect::<Result<_, _>>()
        .map(Value::List)
}

fn item(work: &mut Work<'_>, item: &Json<'_>, id_name: &'static str) -> Result<Value, Fault> {
    let Json::Map(fields) = item else {
        return Ok(Value::Map(vec![(SmolStr::new_static(id_name), Value::Text(ids::id(item)?)), one()]));
    };
    if item.field(id_name).is_none() {
        return Err(Fault::at(QuarantineCode::MissingField, id_name));
    }
    let mut stored = Vec::with_capacity(fields.len() + 1);
    for (key, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
        let under = |fault: Fault| fault.under(&shown_key(key));
        let shown = match &**key {
            name if name == id_name => ids::id(value).map(Value::Text).map_err(under)?,
            "name" => {
                let text = texts::text(value, STRING_CHARS_MAX, false).map_err(under)?;
                work.sealer.text_or_scrubbed(PiiClass::None, text)
            }
            "quantity" | "price" => number(value).map_err(under)?,
            _ => work.undeclared(key, value),
        };
        stored.push((shown_key(key), shown));
    }
    if item.field("quantity").is_none() {
        stored.push(one());
    }
    Ok(Value::Map(stored))
}

fn one() -> (SmolStr, Value) {
    (SmolStr::new_static("quantity"), Value::Decimal(Amount(UNIT)))
}

fn number(value: &Json<'_>) -> Result<Value, Fault> {
    let amount = match value {
        Json::Number(text) => numbers::amount(text)?,
        Json::Text(text) => numbers::amount(text.trim())?,
        _ => return Err(QuarantineCode::InvalidType.into()),
    };
    if amount.0 < 0 { Err(QuarantineCode::OutOfRange.into()) } else { Ok(Value::Decimal(amount)) }
}
