//! Tokens: what stands in an event in place of an identifier, and what tells two contents apart.
//! All are HMAC-SHA-256 under the company's secrets, cut to 128 bits; the secrets are never rotated, so a token is for ever.

use hmac::Mac;

use crate::keys::{CompanyKeys, HmacSha256};

/// Stands between the parts of a MAC's input; no kind contains it.
const UNIT_SEPARATOR: u8 = 0x1f;

/// The token of a normalised identifier. `kind` keeps equal texts of different kinds apart; a kind that is scoped
/// (per ad platform, per program) names its scope in it, as in `ad_click_id:meta`.
pub fn token(keys: &CompanyKeys, kind: &str, normalised: &str) -> [u8; 16] {
    let mut mac = keys.token_mac();
    mac.update(kind.as_bytes());
    mac.update(&[UNIT_SEPARATOR]);
    mac.update(normalised.as_bytes());
    first_half(mac)
}

/// The content mark of an event: equal for equal canonical envelopes, telling nothing to who lacks the key.
pub fn content(keys: &CompanyKeys, canonical: &[u8]) -> [u8; 16] {
    let mut mac = keys.content_mac();
    mac.update(b"content\x1f");
    mac.update(canonical);
    first_half(mac)
}

/// The id of an event that came without one: 32 hexadecimal digits from its content and the number `n` of equal rows
/// before it in the same request or file.
pub fn derived_id(keys: &CompanyKeys, content: [u8; 16], n: u64) -> String {
    let mut mac = keys.content_mac();
    mac.update(b"event_id\x1f");
    mac.update(&content);
    mac.update(&n.to_be_bytes());
    hex::encode(first_half(mac))
}

fn first_half(mac: HmacSha256) -> [u8; 16] {
    let whole: [u8; 32] = mac.finalize().into_bytes().into();
    *whole.first_chunk().expect("32 bytes hold 16")
}

#[cfg(test)]
mod tests;
