//! Values as columns: what a person would ask for is a column of its own; what only the engine reads stays packed.

use super::cells::{Cell, Cells};
use crate::{
    Result, StoreError,
    port::Table,
    row::{decode, encode},
    rows::{SeenRow, Spot},
};
use cebe_catalog::{Lane, record::QuarantineRecord};
use cebe_engine::{
    change::Conflict,
    rows::{Arrivals, FactRow, LastSeen, Marks, NodeRow, Outcomes, Place, Point, Seen, Sum},
};

/// Between the bytes of a value and the cells of its columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Codec {
    pub(super) cells: fn(Table, &[u8]) -> Result<Vec<Cell>>,
    pub(super) bytes: fn(Table, Vec<Cell>) -> Result<Vec<u8>>,
}

pub(super) const PACKED: Codec =
    Codec { cells: |_, bytes| Ok(vec![Cell::Bytes(bytes.to_vec())]), bytes: |table, cells| last(table, cells) };

pub(super) const HELD: Codec = Codec { cells: |_, _| Ok(Vec::new()), bytes: |_, _| Ok(encode(&())) };

pub(super) const SEEN: Codec = Codec {
    cells: |table, bytes| {
        let SeenRow { seen, spot } = decode(table, bytes)?;
        let mut cells = vec![
            Cell::Bytes(seen.content.to_vec()),
            Cell::Time(seen.received_at),
            Cell::Time(seen.event_at),
            Cell::Small(seen.place.lane as i16),
            Cell::Big(seen.place.index.cast_signed()),
            Cell::Bool(seen.retired),
        ];
        cells.extend(spot.map_or([const { Cell::Null }; 4], spot_cells));
        Ok(cells)
    },
    bytes: |table, cells| {
        let mut cells = Cells::new(table, cells);
        let content = cells.bytes()?.try_into().map_err(|_| StoreError::Damaged(table))?;
        let (received_at, event_at) = (cells.time()?, cells.time()?);
        let place = Place { lane: lane(table, cells.small()?)?, index: cells.count()? };
        let retired = cells.boolean()?;
        let spot = cells.whole()?.map(|cells| spot(table, cells)).transpose()?;
        Ok(encode(&SeenRow { seen: Seen { content, received_at, event_at, place, retired }, spot }))
    },
};

pub(super) const STRAND: Codec = Codec {
    cells: |table, bytes| Ok(spot_cells(decode(table, bytes)?).into()),
    bytes: |table, cells| {
        let cells: [Cell; 4] = cells.try_into().map_err(|_| StoreError::Damaged(table))?;
        Ok(encode(&spot(table, cells)?))
    },
};

pub(super) const NODE: Codec = Codec {
    cells: |table, bytes| {
        let row: NodeRow = decode(table, bytes)?;
        Ok(vec![
            Cell::Big(row.seen.count.cast_signed()),
            row.seen.first_at().map_or(Cell::Null, Cell::Time),
            Cell::Int(i32::try_from(row.links.len()).unwrap_or(i32::MAX)),
            Cell::Texts(row.together.iter().map(|node| super::cells::escaped(&node.to_text())).collect()),
            Cell::Bool(row.blocked),
            Cell::Bool(row.erased),
            Cell::Bytes(bytes.to_vec()),
        ])
    },
    bytes: |table, cells| last(table, cells),
};

pub(super) const FACT: Codec = Codec {
    cells: |table, bytes| {
        let row: FactRow = decode(table, bytes)?;
        let entries = i32::try_from(row.entries.len()).unwrap_or(i32::MAX);
        Ok(vec![Cell::Int(entries), Cell::Big(row.truncated.cast_signed()), Cell::Bytes(bytes.to_vec())])
    },
    bytes: |table, cells| last(table, cells),
};

/// Points and tallies.
pub(super) const SUMS: Codec = Codec {
    cells: |table, bytes| {
        let Point { live, sealed } = decode(table, bytes)?;
        Ok([sum_cells(live), sum_cells(sealed)].concat())
    },
    bytes: |table, cells| {
        let mut cells = Cells::new(table, cells);
        let live = Sum { sum: cells.sum()?, count: cells.big()? };
        Ok(encode(&Point { live, sealed: Sum { sum: cells.sum()?, count: cells.big()? } }))
    },
};

pub(super) const ACTIVITY: Codec = Codec {
    cells: |table, bytes| {
        let Marks { live, sealed } = decode(table, bytes)?;
        Ok(vec![Cell::Big(live), Cell::Big(sealed)])
    },
    bytes: |table, cells| {
        let mut cells = Cells::new(table, cells);
        Ok(encode(&Marks { live: cells.big()?, sealed: cells.big()? }))
    },
};

pub(super) const VAULT: Codec = Codec {
    cells: |table, bytes| Ok(vec![Cell::Bytes(decode(table, bytes)?)]),
    bytes: |table, cells| Ok(encode(&Cells::new(table, cells).bytes()?)),
};

pub(super) const QUARANTINE: Codec = Codec {
    cells: |table, bytes| {
        let record: QuarantineRecord = decode(table, bytes)?;
        Ok(vec![
            Cell::Time(record.header.received_at),
            text(record.header.module.as_str()),
            text(record.code.as_str()),
            Cell::Bytes(bytes.to_vec()),
        ])
    },
    bytes: |table, cells| last(table, cells),
};

pub(super) const CONFLICT: Codec = Codec {
    cells: |table, bytes| {
        let Conflict { event, .. } = decode(table, bytes)?;
        Ok(vec![
            Cell::Time(event.header.received_at),
            text(event.header.module.as_str()),
            text(event.name.as_str()),
            text(event.id.as_str()),
            Cell::Bytes(bytes.to_vec()),
        ])
    },
    bytes: |table, cells| last(table, cells),
};

pub(super) const OUTCOME: Codec = Codec {
    cells: |table, bytes| {
        let row: Outcomes = decode(table, bytes)?;
        let counts = [row.received, row.applied, row.duplicate, row.duplicate_derived, row.conflict];
        let rest = [row.ignored, row.quarantined, row.no_identity, row.warnings];
        Ok(counts.into_iter().chain(rest).map(Cell::Big).collect())
    },
    bytes: |table, cells| {
        let mut cells = Cells::new(table, cells);
        Ok(encode(&Outcomes {
            received: cells.big()?,
            applied: cells.big()?,
            duplicate: cells.big()?,
            duplicate_derived: cells.big()?,
            conflict: cells.big()?,
            ignored: cells.big()?,
            quarantined: cells.big()?,
            no_identity: cells.big()?,
            warnings: cells.big()?,
        }))
    },
};

pub(super) const LAST_SEEN: Codec = Codec {
    cells: |table, bytes| {
        let LastSeen { received_at, applied_at } = decode(table, bytes)?;
        Ok([received_at, applied_at].map(|at| at.map_or(Cell::Null, Cell::Time)).into())
    },
    bytes: |table, cells| {
        let mut cells = Cells::new(table, cells);
        Ok(encode(&LastSeen { received_at: cells.time_or_null()?, applied_at: cells.time_or_null()? }))
    },
};

pub(super) const ARRIVAL: Codec = Codec {
    cells: |table, bytes| {
        let Arrivals { count, digest } = decode(table, bytes)?;
        Ok(vec![Cell::Big(count), Cell::Big(digest.cast_signed())])
    },
    bytes: |table, cells| {
        let mut cells = Cells::new(table, cells);
        Ok(encode(&Arrivals { count: cells.big()?, digest: cells.count()? }))
    },
};

fn last(table: Table, mut cells: Vec<Cell>) -> Result<Vec<u8>> {
    match cells.pop() {
        Some(Cell::Bytes(bytes)) => Ok(bytes),
        _ => Err(StoreError::Damaged(table)),
    }
}

fn text(text: &str) -> Cell {
    Cell::Text(super::cells::escaped(text))
}

fn sum_cells(sum: Sum) -> [Cell; 2] {
    [Cell::Text(sum.sum.to_string()), Cell::Big(sum.count)]
}

fn lane(table: Table, number: i16) -> Result<Lane> {
    match number {
        0 => Ok(Lane::Live),
        1 => Ok(Lane::Backfill),
        _ => Err(StoreError::Damaged(table)),
    }
}

fn spot_cells(spot: Spot) -> [Cell; 4] {
    let Spot { month, commit, block, slot } = spot;
    [
        Cell::Int(month.cast_signed()),
        Cell::Big(commit.cast_signed()),
        Cell::Int(block.cast_signed()),
        Cell::Small(slot.into()),
    ]
}

fn spot(table: Table, cells: [Cell; 4]) -> Result<Spot> {
    match cells {
        [Cell::Int(month), Cell::Big(commit), Cell::Int(block), Cell::Small(slot)] => Ok(Spot {
            month: month.cast_unsigned(),
            commit: commit.cast_unsigned(),
            block: block.cast_unsigned(),
            slot: u8::try_from(slot).map_err(|_| StoreError::Damaged(table))?,
        }),
        _ => Err(StoreError::Damaged(table)),
    }
}
