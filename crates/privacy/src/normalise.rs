//! Identifiers in their one spelling: what two spellings of the same phone, address or id have in common.
//! Every function is idempotent: a normalised value normalises to itself.

use std::borrow::Cow;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use rlibphonenumber::{NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumberFormat, Region};

use crate::detect::{self, Kind};

/// Longest text that is read as a phone number; nothing longer can be one.
const PHONE_CHARS_MAX: usize = 64;
/// Longest part of an address before the `@` (RFC 5321).
const EMAIL_LOCAL_MAX: usize = 64;
/// Longest address as a whole (RFC 5321).
const EMAIL_MAX: usize = 254;
/// Longest opaque identifier, in characters.
const OPAQUE_CHARS_MAX: usize = 128;
/// Values that publishers send when they do not know who it was.
const PLACEHOLDERS: [&str; 12] =
    ["", "?", "-", "0", "none", "unknown", "null", "nil", "guest", "n/a", "undefined", "empty"];

/// An identifier of a kind in its one spelling, or `None` when it identifies nobody: placeholders and malformed values.
/// Phones and e-mails have rules of their own, every other kind is opaque.
pub fn identifier(kind: &str, text: &str, region: Option<&str>) -> Option<String> {
    if is_placeholder(text) {
        return None;
    }
    match kind {
        "phone" => phone(text, region),
        "email" => email(text),
        _ => opaque(text),
    }
}

/// A phone number in E.164, or `None` when the text is not one. `region` (ISO 3166, such as `ID`) says how a number
/// without a country code is read; without it only international spellings are.
///
/// Numbers of a possible length count even when no numbering plan lists them yet, because plans grow faster than
/// their copies do; numbers that lack an area code do not, because they belong to several people.
pub fn phone(text: &str, region: Option<&str>) -> Option<String> {
    let text = text.trim();
    if !spelled_like_a_phone(text) {
        return None;
    }
    let mut found = parse_phone(text, region.and_then(known_region))?;
    // A reading may leave a national prefix behind that a second reading would strip; settle it here.
    for _ in 0..3 {
        if found == text {
            return Some(found);
        }
        let again = parse_phone(&found, None)?;
        if again == found {
            return Some(found);
        }
        found = again;
    }
    None
}

fn parse_phone(text: &str, region: Option<Region>) -> Option<String> {
    let number = PHONE_NUMBER_UTIL.parse(text, region).ok()?;
    let counts = match number.is_possible_with_reason() {
        Ok(NumberLengthType::IsPossible) => true,
        // A few whole numbers are as short as one without its area code; only the numbering plan tells them apart.
        Ok(NumberLengthType::IsPossibleLocalOnly) => number.is_valid(),
        Err(_) => false,
    };
    counts.then(|| number.format_as(PhoneNumberFormat::E164).into_owned())
}

fn known_region(code: &str) -> Option<Region> {
    code.trim().to_ascii_uppercase().parse().ok()
}

/// Digits, separators and, after enough digits, an extension; so that "room 12345678" is no phone number.
fn spelled_like_a_phone(text: &str) -> bool {
    if text.chars().count() > PHONE_CHARS_MAX {
        return false;
    }
    let number = match text.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => &text[4..],
        _ => text,
    };
    let mut digits = 0;
    for c in number.chars() {
        match c {
            ';' => break,
            'e' | 'x' | 't' | 'n' | 'E' | 'X' | '#' | ',' if digits >= 4 => {}
            c if c.is_alphabetic() || c == '@' => return false,
            c if c.is_numeric() => digits += 1,
            _ => {}
        }
    }
    digits > 0
}

/// An e-mail address trimmed, lower-cased and with its domain in ASCII, or `None` when it is malformed.
pub fn email(text: &str) -> Option<String> {
    let text = narrow(text.trim());
    if text.len() > 4 * EMAIL_MAX {
        return None;
    }
    let (local, domain) = text.split_once('@')?;
    let local = local.to_lowercase();
    if !is_local_part(&local) {
        return None;
    }
    let domain = domain_in_ascii(domain)?;
    let address = format!("{local}@{domain}");
    (address.len() <= EMAIL_MAX).then_some(address)
}

/// Full-width letters, digits and signs in their usual width.
fn narrow(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(detect::narrow).collect())
}

fn is_local_part(local: &str) -> bool {
    let sane = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    (1..=EMAIL_LOCAL_MAX).contains(&local.len())
        && local.chars().all(sane)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
}

fn domain_in_ascii(domain: &str) -> Option<String> {
    let ascii =
        Uts46::new().to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::Check, DnsLength::Verify).ok()?;
    let last = ascii.rsplit_once('.')?.1;
    let names_a_domain = last.len() >= 2 && !last.bytes().all(|b| b.is_ascii_digit());
    names_a_domain.then(|| ascii.into_owned())
}

/// An identifier whose inside means nothing to us: trimmed, case kept, 1 to 128 characters, none of them control.
pub fn opaque(text: &str) -> Option<String> {
    let text = text.trim();
    let length = text.chars().take(OPAQUE_CHARS_MAX + 1).count();
    let sane = (1..=OPAQUE_CHARS_MAX).contains(&length) && !text.chars().any(char::is_control);
    sane.then(|| text.to_owned())
}

/// Whether a value stands for "nobody" and so must never link two events to one person.
pub fn is_placeholder(text: &str) -> bool {
    let text = text.trim();
    PLACEHOLDERS.iter().any(|placeholder| text.eq_ignore_ascii_case(placeholder))
}

/// Whether a value given as an id is contact data: an e-mail address, or a number that opens with `+`.
/// Plain digits are not: most ids are.
pub fn looks_like_contact(text: &str) -> bool {
    match detect::classify(text) {
        Some(Kind::Email) => true,
        Some(Kind::Phone | Kind::Card) => detect::announces_contact(text),
        None => false,
    }
}

#[cfg(test)]
mod tests;
