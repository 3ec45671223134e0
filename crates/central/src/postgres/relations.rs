//! The tables that rows other than events lie in: their key and value columns, in the order of `migrations/`.

use super::{
    cells::{Cell, Kind},
    keys::{self, Part},
    values::{self, Codec},
};
use crate::{Result, StoreError, port::Table};

/// A table and how its rows are written and read.
#[derive(Debug)]
pub(super) struct Relation {
    /// Which rows.
    pub(super) table: Table,
    /// Its name in the schema `cebe`.
    pub(super) name: &'static str,
    /// Parts of the key with the names of their columns.
    pub(super) key: &'static [(&'static str, Part)],
    /// Value columns.
    pub(super) values: &'static [(&'static str, Kind)],
    /// Between the bytes of a value and its cells.
    pub(super) codec: Codec,
}

const COMPANY: (&str, Part) = ("company_id", Part::Text);

macro_rules! relation {
    ($table:ident, $name:literal, [$($key:expr),*], [$($column:literal: $kind:ident),*], $codec:path) => {
        Relation {
            table: Table::$table,
            name: $name,
            key: &[$($key),*],
            values: &[$(($column, Kind::$kind)),*],
            codec: $codec,
        }
    };
}

static RELATIONS: [Relation; 16] = [
    relation!(
        Seen,
        "dedup",
        [COMPANY, ("source_module", Part::Text), ("event_name", Part::Text), ("id", Part::LastBytes)],
        ["content": Bytes, "received_at": Time, "event_timestamp": Time, "lane": Small, "queue_index": Big,
         "retired": Bool, "log_month": Int, "log_commit": Big, "log_block": Int, "log_slot": Small],
        values::SEEN
    ),
    relation!(
        Strand,
        "timeline",
        [COMPANY, ("anchor", Part::Node), ("place", Part::LastBytes)],
        ["log_month": Int, "log_commit": Big, "log_block": Int, "log_slot": Small],
        values::STRAND
    ),
    relation!(
        Node,
        "identities",
        [COMPANY, ("node", Part::LastNode)],
        ["events": Big, "first_seen_at": Time, "links": Int, "together": Texts, "blocked": Bool, "erased": Bool,
         "packed": Bytes],
        values::NODE
    ),
    relation!(
        Fact,
        "facts",
        [COMPANY, ("owner", Part::Owner), ("fact", Part::Text), ("business_key", Part::LastText)],
        ["entries": Int, "truncated": Big, "packed": Bytes],
        values::FACT
    ),
    relation!(
        Point,
        "points",
        [COMPANY, ("component", Part::Text), ("bucket", Part::Time), ("dimensions", Part::LastTexts)],
        ["live_sum": Numeric, "live_count": Big, "sealed_sum": Numeric, "sealed_count": Big],
        values::SUMS
    ),
    relation!(
        Activity,
        "activity",
        [COMPANY, ("component", Part::Text), ("day", Part::Day), ("anchor", Part::LastNode)],
        ["live": Big, "sealed": Big],
        values::ACTIVITY
    ),
    relation!(
        Tally,
        "tallies",
        [COMPANY, ("anchor", Part::Node), ("component", Part::LastText)],
        ["live_sum": Numeric, "live_count": Big, "sealed_sum": Numeric, "sealed_count": Big],
        values::SUMS
    ),
    relation!(
        Held,
        "held",
        [COMPANY, ("anchor", Part::Node), ("fact", Part::Text), ("business_key", Part::LastText)],
        [],
        values::HELD
    ),
    relation!(Vault, "vault", [COMPANY, ("token", Part::LastBytes)], ["sealed": Bytes], values::VAULT),
    relation!(
        Quarantine,
        "quarantine",
        [COMPANY, ("receipt", Part::LastText)],
        ["received_at": Time, "source_module": Text, "code": Text, "packed": Bytes],
        values::QUARANTINE
    ),
    relation!(
        Conflict,
        "conflicts",
        [COMPANY, ("id", Part::LastText)],
        ["received_at": Time, "source_module": Text, "event_name": Text, "event_id": Text, "packed": Bytes],
        values::CONFLICT
    ),
    relation!(
        Outcome,
        "outcomes",
        [COMPANY, ("source_module", Part::Text), ("hour", Part::Time)],
        ["received": Big, "applied": Big, "duplicate": Big, "duplicate_derived": Big, "conflict": Big, "ignored": Big,
         "quarantined": Big, "no_identity": Big, "warnings": Big],
        values::OUTCOME
    ),
    relation!(
        Latency,
        "latencies",
        [COMPANY, ("source_module", Part::Text), ("hour", Part::Time)],
        ["packed": Bytes],
        values::PACKED
    ),
    relation!(
        LastSeen,
        "last_seen",
        [COMPANY, ("source_module", Part::Text), ("event_name", Part::LastText)],
        ["received_at": Time, "applied_at": Time],
        values::LAST_SEEN
    ),
    relation!(
        Arrival,
        "arrivals",
        [COMPANY, ("source_module", Part::Text), ("by_time", Part::Byte), ("event_name", Part::Text),
         ("hour", Part::Time)],
        ["count": Big, "id_digest": Big],
        values::ARRIVAL
    ),
    relation!(Control, "control", [("kind", Part::Byte), ("id", Part::LastText)], ["packed": Bytes], values::PACKED),
];

impl Relation {
    /// The table of some rows; `None` for those that lie elsewhere: events, and what the store keeps of itself.
    pub(super) fn of(table: Table) -> Option<&'static Self> {
        RELATIONS.iter().find(|relation| relation.table == table)
    }

    /// The parts of its key.
    pub(super) fn parts(&self) -> Vec<Part> {
        self.key.iter().map(|(_, part)| *part).collect()
    }

    /// The columns of its key.
    pub(super) fn key_columns(&self) -> Vec<(String, Kind)> {
        let of = |(name, part): &(&str, Part)| {
            let columns = part.columns().iter();
            columns.map(|(suffix, kind)| (format!("{name}{suffix}"), *kind)).collect::<Vec<_>>()
        };
        self.key.iter().flat_map(of).collect()
    }

    /// The columns beside its key: the value's, then the exact key where the columns do not hold all of it.
    pub(super) fn value_columns(&self) -> impl Iterator<Item = (String, Kind)> {
        let values = self.values.iter().map(|(name, kind)| ((*name).to_owned(), *kind));
        values.chain([("long_key".to_owned(), Kind::Bytes)])
    }

    /// All its columns, the key first.
    pub(super) fn columns(&self) -> Vec<(String, Kind)> {
        self.key_columns().into_iter().chain(self.value_columns()).collect()
    }

    /// Control rows lie apart by the shard that wrote them.
    pub(super) fn by_shard(&self) -> bool {
        self.table == Table::Control
    }

    /// The bytes of a key and a value from the cells of a row.
    pub(super) fn row(&self, mut cells: Vec<Cell>) -> Result<(Vec<u8>, Vec<u8>)> {
        let mut values = cells.split_off(self.key_columns().len());
        let key = match values.pop() {
            Some(Cell::Bytes(long)) => Some(long),
            _ => keys::bytes(&self.parts(), cells.into_iter()),
        };
        let key = key.ok_or(StoreError::Damaged(self.table))?;
        Ok((key, (self.codec.bytes)(self.table, values)?))
    }
}
