//! Dedup rows. Key: company, module, name, then 1 and the sixteen bytes of a UUID, or 2 and a sixteen-byte hash of any
//! other id (the id itself is in the body). Value: what is remembered for ever, and where the body is while there is one.

use super::Spot;
use crate::{key::KeyWriter, port::Table, row::Stored};
use cebe_engine::rows::{Seen, SeenKey};
use serde::{Deserialize, Serialize};

/// The stored row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct SeenRow {
    /// What the engine knows.
    pub seen: Seen,
    /// Where the body is; none once it left the log.
    pub spot: Option<Spot>,
}

impl Stored for SeenKey {
    const TABLE: Table = Table::Seen;
    type Row = SeenRow;

    fn to_key(&self) -> Vec<u8> {
        let start = KeyWriter::company(&self.company).text(self.module.as_str()).text(self.name.as_str());
        match uuid_bytes(self.id.as_str()) {
            Some(bytes) => start.byte(1).raw(&bytes),
            None => start.byte(2).raw(&blake3::hash(self.id.as_str().as_bytes()).as_bytes()[..16]),
        }
        .finish()
    }
}

/// The bytes of a UUID in its one canonical spelling (lower case, hyphens); other spellings are other ids.
pub(super) fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    const HYPHENS: [usize; 4] = [8, 13, 18, 23];
    let text: &[u8; 36] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 16];
    let mut nibbles = 0;
    for (place, char) in text.iter().enumerate() {
        if HYPHENS.contains(&place) {
            if *char != b'-' {
                return None;
            }
            continue;
        }
        let nibble = match char {
            b'0'..=b'9' => char - b'0',
            b'a'..=b'f' => char - b'a' + 10,
            _ => return None,
        };
        bytes[nibbles / 2] |= nibble << (4 * (1 - nibbles % 2));
        nibbles += 1;
    }
    Some(bytes)
}

/// The canonical spelling of a UUID's bytes.
pub(super) fn uuid_text(bytes: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (place, byte) in bytes.iter().enumerate() {
        if [4, 6, 8, 10].contains(&place) {
            text.push('-');
        }
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(u32::from(nibble), 16).expect("a nibble is a hex digit"));
        }
    }
    text
}
