//! Ids: 1–128 characters, a JSON number becomes its text, and contact data is no id.

use super::Work;
use crate::{fault::Fault, json::Json};
use cebe_catalog::{QuarantineCode, Value, definition::Attribute, limits::ID_CHARS_MAX};
use smol_str::{SmolStr, format_smolstr};

/// Reads an id.
pub(crate) fn id(value: &Json<'_>) -> Result<SmolStr, Fault> {
    let text = raw(value)?;
    let fits = !text.is_empty() && (text.len() <= ID_CHARS_MAX || text.chars().count() <= ID_CHARS_MAX);
    if !fits || text.chars().any(char::is_control) {
        return Err(Fault::new(QuarantineCode::InvalidText)
            .with_hint("an id has 1 to 128 characters and no control characters"));
    }
    if is_contact(text) { Err(QuarantineCode::ContactInId.into()) } else { Ok(text.into()) }
}

/// The trimmed text of a text or number.
pub(crate) fn raw<'v>(value: &'v Json<'_>) -> Result<&'v str, Fault> {
    match value {
        Json::Text(text) => Ok(text.trim()),
        Json::Number(text) => Ok(text),
        _ => Err(Fault::new(QuarantineCode::InvalidType).with_hint("an id is a text or a number")),
    }
}

/// Is the id contact data? Most ids are told to be none by their letters alone.
pub(crate) fn is_contact(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/');
    !text.bytes().all(plain) && cebe_privacy::normalise::looks_like_contact(text)
}

/// An id attribute. An empty one that would be evidence about the person names nobody.
pub(super) fn attribute(work: &mut Work<'_>, attribute: &Attribute, value: &Json<'_>) -> Result<Value, Fault> {
    let names_somebody = attribute.identifier.is_some() || attribute.same_as.is_some();
    if names_somebody && raw(value)?.is_empty() {
        work.warn("placeholder_identity".into());
        return Ok(Value::Null);
    }
    let text = id(value)?;
    Ok(work.sealer.text_or_kept(attribute.pii, text))
}

/// An id or a list of ids, as a list.
pub(super) fn list(work: &mut Work<'_>, attribute: &Attribute, value: &Json<'_>) -> Result<Value, Fault> {
    let one = |work: &mut Work<'_>, value: &Json<'_>| Ok(work.sealer.text_or_kept(attribute.pii, id(value)?));
    let Json::List(items) = value else { return Ok(Value::List(vec![one(work, value)?])) };
    let items = items.iter().enumerate();
    items
        .map(|(index, item)| one(work, item).map_err(|fault: Fault| fault.item(index)))
        .collect::<Result<_, _>>()
        .map(Value::List)
}

impl Work<'_> {
    /// The attribute that says the same as the envelope's `qontak_customer_id` must name the same customer.
    pub(super) fn same_customer(&mut self, stored: &Value, name: &str) -> Result<(), Fault> {
        let (Some(text), Some(customer)) = (stored.as_text(), &self.identity.customer) else { return Ok(()) };
        if text == customer {
            return Ok(());
        }
        let hint = format_smolstr!("{name} must equal the envelope's qontak_customer_id when both are given");
        Err(Fault::new(QuarantineCode::InvalidAttribute).with_hint(hint))
    }
}
