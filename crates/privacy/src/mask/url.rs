//! URLs without what identifies people: credentials, query, fragment and telling path segments go, and click ids are
//! lifted out first, because they are evidence about a person rather than part of a page's address.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use crate::detect::{self, Kind};
use crate::normalise;

use super::HIDDEN;

/// Query parameters in which ad platforms hand over the id of a click.
const CLICK_ID_PARAMETERS: [&str; 6] = ["gclid", "gbraid", "wbraid", "fbclid", "ttclid", "ctwa_clid"];

/// A URL of any scheme without user info, fragment and parameters, save those named in `allow`. Path segments that
/// hold contact data are hidden, and so is an allowed parameter that plainly holds some.
pub fn url_without_params(url: &str, allow: &[&str]) -> String {
    let url = url.trim();
    let before_fragment = url.split('#').next().unwrap_or_default();
    let (address, query) = before_fragment.split_once('?').unwrap_or((before_fragment, ""));
    let mut shown = shown_address(address);
    let allowed = |pair: &&str| may_stay(pair, allow);
    for (index, pair) in query.split('&').filter(allowed).enumerate() {
        shown.push(if index == 0 { '?' } else { '&' });
        shown.push_str(pair);
    }
    shown
}

/// The click ids in a URL's query or fragment, each with the name of the parameter it came in.
pub fn lift_click_ids(url: &str) -> Vec<(&'static str, String)> {
    let Some(from) = url.find(['?', '#']) else { return Vec::new() };
    url[from..].split(['?', '#', '&', ';']).filter_map(click_id).collect()
}

fn click_id(pair: &str) -> Option<(&'static str, String)> {
    let (key, value) = pair.split_once('=')?;
    let parameter = CLICK_ID_PARAMETERS.into_iter().find(|known| known.eq_ignore_ascii_case(key))?;
    let id = normalise::opaque(&percent_decoded(value))?;
    let telling = !normalise::is_placeholder(&id) && !normalise::looks_like_contact(&id);
    telling.then_some((parameter, id))
}

fn shown_address(address: &str) -> String {
    let (scheme, rest) = split_scheme(address);
    let mut shown = String::with_capacity(address.len());
    if let Some(scheme) = scheme {
        shown.push_str(shown_segment(scheme));
        shown.push(':');
    }
    let path = match rest.strip_prefix("//") {
        Some(after) => {
            let end = after.find(['/', '\\']).unwrap_or(after.len());
            shown.push_str("//");
            shown.push_str(shown_host(&after[..end]));
            &after[end..]
        }
        None => rest,
    };
    for segment in path.split_inclusive(['/', '\\']) {
        let name = segment.strip_suffix(['/', '\\']).unwrap_or(segment);
        shown.push_str(shown_segment(name));
        shown.push_str(&segment[name.len()..]);
    }
    shown
}

fn split_scheme(address: &str) -> (Option<&str>, &str) {
    let is_scheme = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    };
    match address.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
        _ => (None, address),
    }
}

/// The host and port of an authority; what stands before the last `@` is somebody's name or password.
fn shown_host(authority: &str) -> &str {
    let host = authority.rsplit('@').next().unwrap_or_default();
    let name = host.split(':').next().unwrap_or_default();
    if name.parse::<Ipv4Addr>().is_ok() { host } else { shown_segment(host) }
}

fn shown_segment(segment: &str) -> &str {
    let found = detect::scrub(segment).found || detect::scrub(&percent_decoded(segment)).found;
    if found { HIDDEN } else { segment }
}

fn may_stay(pair: &str, allow: &[&str]) -> bool {
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    if !allow.iter().any(|allowed| allowed.eq_ignore_ascii_case(key)) {
        return false;
    }
    // Campaign ids are long runs of digits, so digits alone are no reason to drop a parameter that was allowed.
    let value = percent_decoded(value);
    let holds_address = detect::find(&value).iter().any(|found| found.kind == Kind::Email);
    !holds_address && !normalise::looks_like_contact(&value)
}

/// Every `%XX` as the byte it stands for; what is not UTF-8 then is replaced.
fn percent_decoded(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let byte = after.get(..2).filter(|_| *first == b'%').and_then(|digits| hex::decode(digits).ok());
        match byte {
            Some(byte) => {
                decoded.extend(byte);
                rest = &after[2..];
            }
            None => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&decoded).into_owned())
}
