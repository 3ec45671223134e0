//! Values from lists: closed ones, open ones, currencies and zones.

use super::{Work, currency::known_currency, texts};
use crate::{fault::Fault, json::Json};
use cebe_catalog::{QuarantineCode, Value, definition::Attribute, limits::STRING_CHARS_MAX, time::Zone};
use smol_str::{SmolStr, SmolStrBuilder};

/// One of a closed list, exactly.
pub(super) fn closed(attribute: &Attribute, value: &Json<'_>) -> Result<Value, Fault> {
    let Json::Text(text) = value else { return Err(QuarantineCode::InvalidType.into()) };
    match attribute.values.iter().find(|known| *known == &**text) {
        Some(known) => Ok(Value::Text(known.clone())),
        None => {
            Err(Fault::new(QuarantineCode::InvalidEnum)
                .with_hint(format!("use one of {}", attribute.values.join(", "))))
        }
    }
}

/// One of an open list, or anything else, lower-cased.
pub(super) fn open(work: &mut Work<'_>, attribute: &Attribute, value: &Json<'_>) -> Result<Value, Fault> {
    let text = texts::text(value, attribute.chars_max.unwrap_or(STRING_CHARS_MAX), false)?.trim();
    if text.is_empty() {
        return Err(Fault::new(QuarantineCode::InvalidText).with_hint("send a text that is not empty"));
    }
    if let Some(known) = attribute.values.iter().find(|known| known.as_str() == text) {
        return Ok(Value::Text(known.clone()));
    }
    Ok(work.sealer.text_or_scrubbed(attribute.pii, &lower(text)))
}

fn lower(text: &str) -> SmolStr {
    let mut lower = SmolStrBuilder::new();
    text.chars().flat_map(char::to_lowercase).for_each(|c| lower.push(c));
    lower.finish()
}

/// An ISO 4217 code.
pub(super) fn currency(value: &Json<'_>) -> Result<Value, Fault> {
    let Json::Text(text) = value else { return Err(QuarantineCode::InvalidType.into()) };
    let hint = || Fault::new(QuarantineCode::InvalidAttribute).with_hint("send an ISO 4217 code, such as IDR");
    known_currency(text.trim()).map(|code| Value::Text(SmolStr::new_static(code))).ok_or_else(hint)
}

/// An IANA zone.
pub(super) fn zone(value: &Json<'_>) -> Result<Value, Fault> {
    let Json::Text(text) = value else { return Err(QuarantineCode::InvalidType.into()) };
    let known = text.len() <= 64 && Zone::named(text).is_some();
    let hint =
        || Fault::new(QuarantineCode::InvalidAttribute).with_hint("send an IANA zone name, such as Asia/Jakarta");
    if known { Ok(Value::Text((&**text).into())) } else { Err(hint()) }
}
