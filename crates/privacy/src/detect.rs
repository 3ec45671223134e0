//! The detector: finds phone-, e-mail- and card-like parts in free text and puts a label in their place.
//! It would rather hide a harmless number than show a telephone number, and takes linear time on any input.

mod escapes;
mod glyphs;
mod search;
mod times;

use std::ops::Range;

pub(crate) use glyphs::narrow;

/// Schemes that announce contact data, as in `tel:0812…`.
const CONTACT_SCHEMES: [&str; 6] = ["tel:", "mailto:", "sms:", "callto:", "whatsapp:", "wa:"];
/// With fewer digits than this no part of a text is phone-like.
const PHONE_DIGITS_MIN: usize = 7;

/// What a part of a text looks like; the later kinds win where two finds overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A run of digits long enough to be a telephone number.
    Phone,
    /// 13 to 19 digits whose check digit is right.
    Card,
    /// Something, an `@`, and a domain.
    Email,
}

impl Kind {
    /// What stands in the text in place of such a part.
    pub fn label(self) -> &'static str {
        match self {
            Self::Phone => "[phone]",
            Self::Card => "[card]",
            Self::Email => "[email]",
        }
    }
}

/// A text after the detector has been over it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scrubbed {
    /// The text, contact data replaced by labels.
    pub text: String,
    /// Whether anything was replaced.
    pub found: bool,
}

/// One find: the bytes it covers and what it looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) bytes: Range<usize>,
    pub(crate) kind: Kind,
}

/// Replaces every contact-like part of a text by its label.
pub fn scrub(text: &str) -> Scrubbed {
    let found = find(text);
    let mut scrubbed = String::with_capacity(text.len());
    let mut shown_to = 0;
    for part in &found {
        scrubbed.push_str(&text[shown_to..part.bytes.start]);
        scrubbed.push_str(part.kind.label());
        shown_to = part.bytes.end;
    }
    scrubbed.push_str(&text[shown_to..]);
    Scrubbed { text: scrubbed, found: !found.is_empty() }
}

/// What a value is, when as a whole it is contact data: nothing but punctuation and perhaps a scheme stands around it.
pub fn classify(text: &str) -> Option<Kind> {
    let value = without_contact_scheme(text.trim());
    let found = find(value);
    let [part] = found.as_slice() else { return None };
    let around = [&value[..part.bytes.start], &value[part.bytes.end..]];
    let alone = around.iter().all(|rest| !rest.chars().any(char::is_alphanumeric));
    alone.then_some(part.kind)
}

/// Whether a value says itself that it is contact data: it opens with `+` or a scheme such as `tel:`.
pub(crate) fn announces_contact(text: &str) -> bool {
    let text = text.trim();
    let value = without_contact_scheme(text);
    let plus_first = |glyphs: Vec<glyphs::Glyph>| {
        glyphs.iter().map(|glyph| glyph.ch).take_while(|ch| !ch.is_alphanumeric()).any(|ch| ch == '+')
    };
    value.len() < text.len() || plus_first(glyphs::plain(value)) || plus_first(glyphs::unescaped(value))
}

fn without_contact_scheme(text: &str) -> &str {
    let scheme = CONTACT_SCHEMES
        .iter()
        .find(|scheme| text.get(..scheme.len()).is_some_and(|head| head.eq_ignore_ascii_case(scheme)));
    scheme.map_or(text, |scheme| text[scheme.len()..].trim_start())
}

/// All finds, in order and apart from each other.
pub(crate) fn find(text: &str) -> Vec<Found> {
    if is_plainly_clean(text) {
        return Vec::new();
    }
    let mut found = Vec::new();
    search::search(&glyphs::plain(text), &mut found);
    if text.bytes().any(escapes::may_open) {
        search::search(&glyphs::unescaped(text), &mut found);
    }
    merged(found)
}

/// The quick look that most texts pass.
fn is_plainly_clean(text: &str) -> bool {
    let mut digits = 0;
    for byte in text.bytes() {
        if !byte.is_ascii() || byte == b'@' || escapes::may_open(byte) {
            return false;
        }
        digits += usize::from(byte.is_ascii_digit());
    }
    digits < PHONE_DIGITS_MIN
}

fn merged(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_by_key(|part| (part.bytes.start, part.bytes.end));
    let mut apart: Vec<Found> = Vec::with_capacity(found.len());
    for part in found {
        match apart.last_mut() {
            Some(last) if part.bytes.start < last.bytes.end => {
                last.bytes.end = last.bytes.end.max(part.bytes.end);
                last.kind = last.kind.max(part.kind);
            }
            _ => apart.push(part),
        }
    }
    apart
}

#[cfg(test)]
mod tests;
