//! Is a stored key and its value what its table holds? For whoever reads bytes without knowing what they mean.

use crate::{
    Result, StoreError,
    blocks::Block,
    port::Table,
    row::{ReadBack, decode, decode_key},
    rows::{BodyKey, ConflictKey, ControlKey, CountsKey, LatencyKey, QuarantineKey, SeenRow, StrandKey, VaultKey},
};
use cebe_engine::rows::{
    ActivityKey, ArrivalKey, FactKey, HeldKey, LastSeenKey, NodeKey, OutcomeKey, PointKey, TallyKey,
};

/// Reads a key and its value as rows of the table, and forgets them. Never panics, whatever they are.
pub fn check_row(table: Table, key: &[u8], value: &[u8]) -> Result<()> {
    match table {
        // Dedup keys hold hashes and are never read back.
        Table::Seen => decode::<SeenRow>(table, value).map(drop),
        Table::Body => body(key, value),
        Table::Node => row::<NodeKey>(key, value),
        Table::Strand => row::<StrandKey>(key, value),
        Table::Fact => row::<FactKey>(key, value),
        Table::Point => row::<PointKey>(key, value),
        Table::Activity => row::<ActivityKey>(key, value),
        Table::Tally => row::<TallyKey>(key, value),
        Table::Held => row::<HeldKey>(key, value),
        Table::Vault => row::<VaultKey>(key, value),
        Table::Quarantine => row::<QuarantineKey>(key, value),
        Table::Conflict => row::<ConflictKey>(key, value),
        Table::Outcome => row::<OutcomeKey>(key, value),
        Table::Control => row::<ControlKey>(key, value),
        // The store's own rows are numbers, or the sixteen bytes of an id.
        Table::Meta => decode::<u64>(table, value).map(drop).or_else(|_| decode::<[u8; 16]>(table, value).map(drop)),
        Table::Latency => row::<LatencyKey>(key, value),
        Table::LastSeen => row::<LastSeenKey>(key, value),
        Table::Arrival => row::<ArrivalKey>(key, value),
        Table::NodeCounts => row::<CountsKey>(key, value),
    }
}

fn row<K: ReadBack>(key: &[u8], value: &[u8]) -> Result<()> {
    decode_key::<K>(key)?;
    decode::<K::Row>(K::TABLE, value).map(drop)
}

fn body(key: &[u8], value: &[u8]) -> Result<()> {
    BodyKey::from_key(key).ok_or(StoreError::Damaged(Table::Body))?;
    Block::unpack(value)?.events().try_for_each(|event| event.map(drop))
}
