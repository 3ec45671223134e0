//! The store's own rows. Key: one byte, and the lane for positions. Value: a number, or the sixteen bytes of the store id,
//! behind a format byte like any row.

use crate::{key::KeyWriter, port::Table};
use cebe_catalog::Lane;

/// What the store keeps of itself. Ordinals are stored and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetaKey {
    /// Version of the layout.
    Format,
    /// Id shared with the queue.
    StoreId,
    /// Number of commits.
    Commits,
    /// Number of commits that changed control rows.
    ControlVersion,
    /// Next index to read of a lane.
    Position(Lane),
    /// The greatest UUIDv7 among the ids of dedup rows.
    NewestId,
}

impl MetaKey {
    pub(crate) const TABLE: Table = Table::Meta;

    pub(crate) fn to_key(self) -> Vec<u8> {
        let key = KeyWriter::new();
        match self {
            Self::Format => key.byte(1),
            Self::StoreId => key.byte(2),
            Self::Commits => key.byte(3),
            Self::ControlVersion => key.byte(4),
            Self::Position(lane) => key.byte(5).byte(lane as u8),
            Self::NewestId => key.byte(6),
        }
        .finish()
    }
}
