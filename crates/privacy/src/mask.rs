//! Masks: what a reader without the right to reveal sees. Enough to recognise, never enough to contact.

use rlibphonenumber::PHONE_NUMBER_UTIL;

use crate::detect;

mod url;

pub use url::{lift_click_ids, url_without_params};

/// The mask that says nothing at all.
pub const HIDDEN: &str = "•••";
/// Stands for the hidden middle of a phone number, however long.
const HIDDEN_DIGITS: &str = "•••••";
/// Last digits of a phone number that stay, and how many must be hidden before them.
const TAIL_DIGITS: usize = 3;
const HIDDEN_DIGITS_MIN: usize = 4;
const COUNTRY_CODE_DIGITS_MAX: usize = 3;

/// A phone number in E.164 as `+62•••••789`; a text that is not in E.164 is hidden whole.
pub fn phone(e164: &str) -> String {
    let Some(digits) = e164.strip_prefix('+').filter(|rest| rest.bytes().all(|byte| byte.is_ascii_digit())) else {
        return HIDDEN.to_owned();
    };
    let Some(country) = country_code(digits) else { return HIDDEN.to_owned() };
    let national = &digits[country.len()..];
    let tail = match national.len().checked_sub(TAIL_DIGITS) {
        Some(hidden) if hidden >= HIDDEN_DIGITS_MIN => &national[hidden..],
        _ => "",
    };
    format!("+{country}{HIDDEN_DIGITS}{tail}")
}

/// No country code begins another, so the first that is known is the right one.
fn country_code(digits: &str) -> Option<&str> {
    (1..=COUNTRY_CODE_DIGITS_MAX).filter_map(|length| digits.get(..length)).find(|code| {
        let code = code.parse().unwrap_or_default();
        PHONE_NUMBER_UTIL.get_regions_for_country_calling_code(code).is_some_and(|mut regions| regions.next().is_some())
    })
}

/// An e-mail address as `a•••@mail.com`. A domain that itself holds contact data is hidden too.
pub fn email(address: &str) -> String {
    let Some((local, domain)) = address.rsplit_once('@') else { return HIDDEN.to_owned() };
    let domain = if domain.is_empty() || detect::scrub(domain).found { HIDDEN } else { domain };
    let mut letters = local.chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(_)) if first.is_alphanumeric() => format!("{first}{HIDDEN}@{domain}"),
        _ => format!("{HIDDEN}@{domain}"),
    }
}

/// A name as `S•••`; a name of one letter is hidden whole.
pub fn name(name: &str) -> String {
    let mut letters = name.trim().chars();
    match (letters.next(), letters.next()) {
        (Some(first), Some(_)) if first.is_alphabetic() => format!("{first}{HIDDEN}"),
        _ => HIDDEN.to_owned(),
    }
}

/// Anything else, such as a postal address.
pub fn hidden() -> String {
    HIDDEN.to_owned()
}

#[cfg(test)]
mod tests;
