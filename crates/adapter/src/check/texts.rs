//! Texts, addresses of pages, phones and e-mail addresses.

use super::{Work, ids};
use crate::{fault::Fault, json::Json};
use cebe_catalog::{
    PiiClass, QuarantineCode, Value,
    definition::{Attribute, AttributeType},
    limits::{STRING_CHARS_MAX, URL_CHARS_MAX},
};

/// Reads text of at most `chars_max` characters; `lines` allows line breaks and tabs.
pub(crate) fn text<'v>(value: &'v Json<'_>, chars_max: usize, lines: bool) -> Result<&'v str, Fault> {
    let Json::Text(text) = value else {
        return Err(Fault::new(QuarantineCode::InvalidType).with_hint("send a text"));
    };
    if text.len() > chars_max && text.chars().count() > chars_max {
        return Err(Fault::new(QuarantineCode::InvalidText).with_hint(format!("send at most {chars_max} characters")));
    }
    let unfit = |c: char| c.is_control() && !(lines && matches!(c, '\n' | '\r' | '\t'));
    if text.chars().any(unfit) {
        return Err(Fault::new(QuarantineCode::InvalidText).with_hint("send text without control characters"));
    }
    Ok(text)
}

/// A string or free text.
pub(super) fn attribute(work: &mut Work<'_>, attribute: &Attribute, value: &Json<'_>) -> Result<Value, Fault> {
    let chars_max = attribute.chars_max.unwrap_or(STRING_CHARS_MAX);
    let lines = attribute.kind == AttributeType::Text || attribute.pii == PiiClass::FreeText;
    let text = text(value, chars_max, lines)?;
    Ok(work.sealer.text_or_scrubbed(attribute.pii, text))
}

/// An absolute URI of any scheme.
pub(super) fn url(work: &mut Work<'_>, attribute: &Attribute, value: &Json<'_>) -> Result<Value, Fault> {
    let text = text(value, attribute.chars_max.unwrap_or(URL_CHARS_MAX), false)?.trim();
    if !is_absolute(text) {
        let hint = "send an absolute URI, scheme included, without blanks";
        return Err(Fault::new(QuarantineCode::InvalidAttribute).with_hint(hint));
    }
    Ok(work.sealer.text_or_kept(attribute.pii, text.into()))
}

fn is_absolute(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        && !rest.is_empty()
        && !rest.contains(char::is_whitespace)
}

/// A phone or an e-mail address: sealed whatever it is; a malformed one is no identity, which `identify` remarks.
pub(super) fn contact(work: &mut Work<'_>, attribute: &Attribute, value: &Json<'_>) -> Result<Value, Fault> {
    let text = ids::raw(value)?;
    Ok(match attribute.kind {
        AttributeType::Phone => work.sealer.phone(text),
        _ => work.sealer.email(text),
    })
}
