//! The port: what every Central DB does, and the raw view its typed reads are built on. The doc comments are the
//! contract that `tests/contract.rs` runs against each implementation.

use crate::{Result, StoreError, rows::Address, snapshot::Snapshot};
use cebe_catalog::{CompanyId, EventRecord, Micros};
use cebe_engine::{change::Changes, rows::Place};
use std::ops::{ControlFlow, RangeInclusive};

/// Version of the layout of keys and values; raised when an older release could not read what this one writes.
pub const FORMAT_VERSION: u32 = 4;
/// The versions that this release reads. In version 3 the row of every node held its numbers.
pub(crate) const FORMAT_VERSIONS_READ: RangeInclusive<u32> = 3..=FORMAT_VERSION;

/// The store. One writer, any number of readers; every call blocks its thread until it is done.
pub trait Central: Send + Sync + 'static {
    /// A consistent view of everything committed so far; later commits do not show in it. A reader takes one per
    /// request.
    fn snapshot(&self) -> Result<Snapshot>;

    /// One atomic commit: everything or nothing, queue positions included. Visible at once to new snapshots, not yet
    /// durable; commits become durable in their order. Removals come before what is applied; an event that is removed
    /// with a seen row ends up retired even when the same changes apply it.
    fn commit(&self, changes: &Changes) -> Result<()>;

    /// Makes what was committed durable and gives the positions that are now durable: queue segments below them may go.
    fn persist(&self) -> Result<Vec<Place>>;

    /// Replaces what is derived of one company (nodes, facts, held, the live part of points, activity and tallies) by what
    /// `from` holds; seen, log, vault, quarantine, conflicts, outcomes, control and the sealed parts stay. Atomic.
    fn replace_derived(&self, company: &CompanyId, from: &Snapshot) -> Result<()>;

    /// What the store says of itself.
    fn facts(&self) -> StoreFacts;
}

/// Raw reads at one moment; each implementation has its own, [`Snapshot`] reads rows through it.
pub trait View: Send + Sync {
    /// The value under a key.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Shows keys and values of a range in order until told to stop.
    fn scan(&self, table: Table, range: KeyRange, order: Order, visit: &mut Visit<'_>) -> Result<(), StoreError>;

    /// The values under keys, in the order asked. A store that is asked over a network answers in one round.
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        keys.iter().map(|key| self.get(table, key)).collect()
    }

    /// The rows under each prefix, in the order asked and of their keys. In one round, as above.
    fn get_prefixes(&self, table: Table, prefixes: &[Vec<u8>]) -> Result<Vec<Rows>, StoreError> {
        let under = |prefix: &Vec<u8>| {
            let mut rows = Rows::new();
            self.scan(table, KeyRange::prefix(prefix.clone()), Order::Forward, &mut |key, value| {
                rows.push((key.to_vec(), value.to_vec()));
                ControlFlow::Continue(())
            })?;
            Ok(rows)
        };
        prefixes.iter().map(under).collect()
    }

    /// Do the numbers of busy nodes lie apart, under [`Table::NodeCounts`]? They do where a row is written whole, key by
    /// key.
    fn counts_lie_apart(&self) -> bool {
        true
    }

    /// The event log of a store that keeps every event as a row of its own. `None`: events lie in blocks under
    /// [`Table::Body`].
    fn event_rows(&self) -> Option<&dyn EventRows> {
        None
    }
}

/// A key and its value.
pub type KeyValue = (Vec<u8>, Vec<u8>);

/// Keys and values.
pub type Rows = Vec<KeyValue>;

/// Sees one event and its place in the queue, and says whether to go on.
pub type VisitEvent<'a> = dyn FnMut(EventRecord, Place) -> ControlFlow<()> + 'a;

/// An event log of rows: what [`Snapshot`] reads in place of blocks.
pub trait EventRows {
    /// The events at addresses, in the order asked; `None` where one has left the log.
    fn events(&self, addresses: &[Address]) -> Result<Vec<Option<EventRecord>>, StoreError>;

    /// Shows a company's events commit by commit, within a commit by receipt month and anchor; those received before an
    /// instant only, when one is given.
    fn log(&self, company: &CompanyId, before: Option<Micros>, visit: &mut VisitEvent<'_>) -> Result<(), StoreError>;

    /// Companies with at least one event, by id.
    fn companies(&self) -> Result<Vec<CompanyId>, StoreError>;
}

/// Sees one key and its value, and says whether to go on.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// What a store says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreFacts {
    /// Shared with the queue it belongs to.
    pub store_id: Option<[u8; 16]>,
    /// Version of the layout.
    pub format_version: u32,
    /// Bytes on disk, journal included; 0 in memory.
    pub bytes_on_disk: u64,
    /// Commits so far.
    pub commits: u64,
}

/// Kinds of rows. Ordinals are stored (first byte of every key) and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Table {
    /// Dedup rows.
    Seen = 1,
    /// Blocks of the event log.
    Body = 2,
    /// Nodes and their links.
    Node = 3,
    /// Timeline.
    Strand = 4,
    /// Facts.
    Fact = 5,
    /// Metric points.
    Point = 6,
    /// Who did something on which day.
    Activity = 7,
    /// Sums of occurrences per anchor.
    Tally = 8,
    /// Entity facts that concern an anchor.
    Held = 9,
    /// Sealed PII values.
    Vault = 10,
    /// Refused events.
    Quarantine = 11,
    /// Losing copies.
    Conflict = 12,
    /// Outcome counts.
    Outcome = 13,
    /// Settings, keys, flags, audits.
    Control = 14,
    /// The store's own rows: format, id, positions.
    Meta = 15,
    /// How long events took.
    Latency = 16,
    /// When names were last seen.
    LastSeen = 17,
    /// Arrivals by event name and hour.
    Arrival = 18,
    /// Numbers of events in the rows of busy nodes.
    NodeCounts = 19,
}

impl Table {
    /// Every table, by ordinal.
    pub const ALL: [Self; 19] = [
        Self::Seen,
        Self::Body,
        Self::Node,
        Self::Strand,
        Self::Fact,
        Self::Point,
        Self::Activity,
        Self::Tally,
        Self::Held,
        Self::Vault,
        Self::Quarantine,
        Self::Conflict,
        Self::Outcome,
        Self::Control,
        Self::Meta,
        Self::Latency,
        Self::LastSeen,
        Self::Arrival,
        Self::NodeCounts,
    ];

    /// The table of an ordinal.
    pub fn of_ordinal(ordinal: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|table| *table as u8 == ordinal)
    }
}

/// Keys from `start` (inclusive) to `end` (exclusive; `None` is the table's end).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRange {
    /// First key that is in.
    pub start: Vec<u8>,
    /// First key that is out.
    pub end: Option<Vec<u8>>,
}

impl KeyRange {
    /// A whole table.
    pub fn all() -> Self {
        Self::default()
    }

    /// Every key that begins with `prefix`.
    pub fn prefix(prefix: Vec<u8>) -> Self {
        let end = after_prefix(&prefix);
        Self { start: prefix, end }
    }

    /// From one key to before another.
    pub fn between(start: Vec<u8>, end: Vec<u8>) -> Self {
        Self { start, end: Some(end) }
    }

    /// The part of the range behind `key`.
    #[must_use]
    pub fn after(mut self, key: &[u8]) -> Self {
        self.start = [key, &[0]].concat();
        self
    }

    /// Is a key in it?
    pub fn contains(&self, key: &[u8]) -> bool {
        *key >= *self.start && !self.is_behind(key)
    }

    /// Is a key behind its end?
    pub fn is_behind(&self, key: &[u8]) -> bool {
        self.end.as_ref().is_some_and(|end| *key >= **end)
    }

    /// Can there be no key in it?
    pub fn is_empty(&self) -> bool {
        self.end.as_ref().is_some_and(|end| *end <= self.start)
    }
}

/// The first key behind all that begin with `prefix`; `None` when there is none.
fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

/// Which way a scan goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// By key, ascending.
    #[default]
    Forward,
    /// By key, descending.
    Backward,
}
