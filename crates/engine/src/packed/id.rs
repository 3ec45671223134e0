//! Event ids: a UUID in its canonical spelling as sixteen bytes, anything else as text.

use alloc::{borrow::Cow, string::String, vec::Vec};
use cebe_catalog::EventId;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// No UTF-8 text begins with it: marks a text that is as long as a UUID's bytes.
const TEXT: u8 = 0xFF;
const UUID_BYTES: usize = 16;
const HYPHENS: [usize; 4] = [8, 13, 18, 23];
/// Where the two digits of each byte stand.
const DIGIT_PAIRS: [usize; UUID_BYTES] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
const NO_DIGIT: u8 = 16;
/// The value of each lower-case hex digit.
const DIGIT: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < NO_DIGIT {
        digits[HEX[value as usize] as usize] = value;
        value += 1;
    }
    digits
};
const HEX: &[u8; 16] = b"0123456789abcdef";

/// An id as stored.
pub(super) struct Id<'a>(pub(super) Cow<'a, EventId>);

impl Serialize for Id<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        serialize(&self.0, to)
    }
}

impl<'de> Deserialize<'de> for Id<'_> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        deserialize(from).map(|id| Self(Cow::Owned(id)))
    }
}

pub(crate) fn serialize<S: Serializer>(id: &EventId, to: S) -> Result<S::Ok, S::Error> {
    let text = id.as_str();
    if to.is_human_readable() {
        return to.serialize_str(text);
    }
    match uuid_bytes(text) {
        Some(bytes) => to.serialize_bytes(&bytes),
        None if text.len() == UUID_BYTES => to.serialize_bytes(&[&[TEXT], text.as_bytes()].concat()),
        None => to.serialize_bytes(text.as_bytes()),
    }
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<EventId, D::Error> {
    if from.is_human_readable() {
        return EventId::deserialize(from);
    }
    let bytes = <&[u8]>::deserialize(from)?;
    if let Ok(uuid) = <&[u8; UUID_BYTES]>::try_from(bytes) {
        return Ok(EventId::new(uuid_text(uuid)));
    }
    let text = bytes.strip_prefix(&[TEXT]).unwrap_or(bytes);
    core::str::from_utf8(text).map(EventId::new).map_err(D::Error::custom)
}

/// The bytes of a UUID in its one canonical spelling (lower case, hyphens); other spellings are other ids.
pub fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    let text: &[u8; 36] = text.as_bytes().try_into().ok()?;
    if HYPHENS.iter().any(|place| text[*place] != b'-') {
        return None;
    }
    let mut bytes = [0; UUID_BYTES];
    let mut wrong = 0;
    for (byte, place) in bytes.iter_mut().zip(DIGIT_PAIRS) {
        let (high, low) = (DIGIT[usize::from(text[place])], DIGIT[usize::from(text[place + 1])]);
        wrong |= high | low;
        *byte = high << 4 | low & 15;
    }
    (wrong < NO_DIGIT).then_some(bytes)
}

/// The canonical spelling of a UUID's bytes.
pub fn uuid_text(bytes: &[u8; 16]) -> String {
    let mut text = Vec::with_capacity(36);
    for (place, byte) in bytes.iter().enumerate() {
        if [4, 6, 8, 10].contains(&place) {
            text.push(b'-');
        }
        text.extend([HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
    }
    String::from_utf8(text).expect("hex digits and hyphens are text")
}
