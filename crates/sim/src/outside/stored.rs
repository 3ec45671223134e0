//! What is stored: records and tags of the queue, rows of the Central DB. What can be read is written again and read as
//! the same.

use cebe_adapter::tag::Tag;
use cebe_catalog::Record;
use cebe_central::{Table, check_row};

/// A record of the queue.
pub(super) fn record(bytes: &[u8]) {
    if let Ok(record) = Record::from_bytes(bytes) {
        assert_eq!(Record::from_bytes(&record.to_bytes()), Ok(record), "a record is read as it was written");
    }
}

/// The tag of an append.
pub(super) fn tag(bytes: &[u8]) {
    if let Some(tag) = Tag::from_bytes(bytes) {
        assert_eq!(Tag::from_bytes(&tag.to_bytes()), Some(tag), "a tag is read as it was written");
    }
}

/// A row: its table, the length of its key (two bytes, big endian), key and value.
pub(super) fn row(bytes: &[u8]) {
    let Some((head, rest)) = bytes.split_first_chunk::<3>() else { return };
    let table = Table::ALL[usize::from(head[0]) % Table::ALL.len()];
    let key = usize::from(u16::from_be_bytes([head[1], head[2]])).min(rest.len());
    let (key, value) = rest.split_at(key);
    // Refused or read: both are fine.
    let _ = check_row(table, key, value);
}

/// The bytes that [`row`] reads as this row.
pub(super) fn row_bytes(table: Table, key: &[u8], value: &[u8]) -> Vec<u8> {
    let place = Table::ALL.iter().position(|known| *known == table).and_then(|place| u8::try_from(place).ok());
    let length = u16::try_from(key.len()).unwrap_or(u16::MAX);
    [&[place.unwrap_or(0)], &length.to_be_bytes()[..], key, value].concat()
}
