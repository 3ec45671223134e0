//! The limits every implementation shares: how large an append may be, how much a read may return.

use bytes::Bytes;

use crate::error::AppendError;
use crate::port::{APPEND_RECORDS_MAX, Position, ReadLimit, TAG_BYTES_MAX};

/// Checks the limits every implementation shares, and returns the bytes an append holds.
pub(crate) fn append_bytes(tag: &Bytes, records: &[Bytes]) -> Result<usize, AppendError> {
    if records.is_empty() {
        return Err(AppendError::Empty);
    }
    if records.len() > APPEND_RECORDS_MAX {
        return Err(AppendError::TooLarge { what: "records", size: records.len(), max: APPEND_RECORDS_MAX });
    }
    if tag.len() > TAG_BYTES_MAX {
        return Err(AppendError::TooLarge { what: "tag_bytes", size: tag.len(), max: TAG_BYTES_MAX });
    }
    Ok(tag.len() + records.iter().map(|record| record.len() + size_of::<u32>()).sum::<usize>())
}

/// Collects records until a [`ReadLimit`] is reached.
pub(crate) struct Taking {
    limit: ReadLimit,
    bytes: usize,
    pub(crate) taken: Vec<(Position, Bytes)>,
}

impl Taking {
    pub(crate) fn new(limit: ReadLimit) -> Taking {
        Taking { limit, bytes: 0, taken: Vec::new() }
    }

    /// Whether another record might fit.
    pub(crate) fn has_room(&self) -> bool {
        self.taken.len() < self.limit.records_max && (self.taken.is_empty() || self.bytes < self.limit.bytes_max)
    }

    /// Takes the record if there is room for it.
    pub(crate) fn take(&mut self, position: Position, record: &Bytes) -> bool {
        let fits = self.taken.is_empty() || self.bytes + record.len() <= self.limit.bytes_max;
        if self.taken.len() >= self.limit.records_max || !fits {
            return false;
        }
        self.bytes += record.len();
        self.taken.push((position, record.clone()));
        true
    }
}
