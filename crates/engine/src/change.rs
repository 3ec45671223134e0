//! What a step asks to be written, all of it in one transaction with the queue position.

use crate::latency::Latencies;
use crate::rows::{
    ActivityKey, ArrivalKey, Arrivals, FactKey, FactRow, HeldKey, LastSeen, LastSeenKey, Marks, NodeKey, NodeRow,
    OutcomeKey, Outcomes, Place, Point, PointKey, Seen, SeenKey, Tally, TallyKey,
};
use alloc::{sync::Arc, vec::Vec};
use cebe_catalog::{
    CompanyId, EventRecord, Token,
    backfill::{BackfillCounts, BackfillRow},
    control::{ControlRecord, KeyRow, SourceFlag, TeamRow},
    reconciliation::ReconciliationRow,
    record::QuarantineRecord,
    sequence::ProducerRow,
    settings::CompanySettings,
};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Everything one commit writes. Rows replace, deltas add.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Changes {
    /// Events that enter the log, in step order: the store writes seen row, body and timeline rows for each.
    pub applied: Vec<Applied>,
    /// Events that leave the log (a losing copy, expiry, erasure): body and timeline rows go.
    pub removed: Vec<Removed>,
    /// Seen rows that change while their event stays where it is.
    pub seen: Vec<(SeenKey, Seen)>,
    /// Node rows; `None` deletes.
    pub nodes: Vec<(NodeKey, Option<Arc<NodeRow>>)>,
    /// Of those of `nodes` that were busy, in their order: what became of their numbers, unless all of the row changed.
    pub node_counts: Vec<(NodeKey, Counts)>,
    /// Fact rows; `None` deletes.
    pub facts: Vec<(FactKey, Option<Arc<FactRow>>)>,
    /// Points, to be added.
    pub points: Vec<(PointKey, Point)>,
    /// Activity counts, to be added; a row at zero goes.
    pub activity: Vec<(ActivityKey, Marks)>,
    /// Tallies, to be added.
    pub tallies: Vec<(TallyKey, Tally)>,
    /// Index rows to put.
    pub held: Vec<HeldKey>,
    /// Index rows to delete.
    pub held_removed: Vec<HeldKey>,
    /// Vault values to put.
    pub vault: Vec<(CompanyId, Token, Vec<u8>)>,
    /// Vault values to delete (erasure).
    pub vault_removed: Vec<(CompanyId, Token)>,
    /// Refused events.
    pub quarantined: Vec<QuarantineRecord>,
    /// Refused events whose time is over: company and receipt.
    pub quarantine_removed: Vec<(CompanyId, SmolStr)>,
    /// Losing copies, kept as evidence.
    pub conflicts: Vec<Conflict>,
    /// Losing copies whose time is over: company and id.
    pub conflicts_removed: Vec<(CompanyId, SmolStr)>,
    /// Outcome counts, to be added.
    pub outcomes: Vec<(OutcomeKey, Outcomes)>,
    /// Arrivals by event name and hour, to be added.
    pub arrivals: Vec<(ArrivalKey, Arrivals)>,
    /// How long events took, to be added: the worker's to fill in, which has a clock.
    pub latencies: Vec<(OutcomeKey, Latencies)>,
    /// When names were last seen: the later times stay.
    pub last_seen: Vec<(LastSeenKey, LastSeen)>,
    /// Control rows to put or delete.
    pub control: Vec<ControlChange>,
    /// Queue positions after this commit: the next index to read, per lane that moved.
    pub positions: Vec<Place>,
}

impl Changes {
    /// Takes in what a step of other companies asks for, so that both are written together.
    pub fn append(&mut self, other: Self) {
        let Self {
            applied,
            removed,
            seen,
            nodes,
            node_counts,
            facts,
            points,
            activity,
            tallies,
            held,
            held_removed,
            vault,
            vault_removed,
            quarantined,
            quarantine_removed,
            conflicts,
            conflicts_removed,
            outcomes,
            arrivals,
            latencies,
            last_seen,
            control,
            positions,
        } = other;
        self.applied.extend(applied);
        self.removed.extend(removed);
        self.seen.extend(seen);
        self.nodes.extend(nodes);
        self.node_counts.extend(node_counts);
        self.facts.extend(facts);
        self.points.extend(points);
        self.activity.extend(activity);
        self.tallies.extend(tallies);
        self.held.extend(held);
        self.held_removed.extend(held_removed);
        self.vault.extend(vault);
        self.vault_removed.extend(vault_removed);
        self.quarantined.extend(quarantined);
        self.quarantine_removed.extend(quarantine_removed);
        self.conflicts.extend(conflicts);
        self.conflicts_removed.extend(conflicts_removed);
        self.outcomes.extend(outcomes);
        self.arrivals.extend(arrivals);
        self.latencies.extend(latencies);
        self.last_seen.extend(last_seen);
        self.control.extend(control);
        self.positions.extend(positions);
    }
}

/// What became of the numbers in a busy node's row, for stores that keep them apart ([`NodeRow::is_busy`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// Nothing but them changed.
    Alone,
    /// The node is busy no more.
    Gone,
}

impl Counts {
    /// When a row becomes another.
    pub fn between(before: &NodeRow, after: &NodeRow) -> Option<Self> {
        match (before.is_busy(), after.is_busy()) {
            (true, true) => before.differs_by_counts(after).then_some(Self::Alone),
            (true, false) => Some(Self::Gone),
            (false, _) => None,
        }
    }
}

/// An event that enters the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Applied {
    /// The event.
    pub event: EventRecord,
    /// Its place in the queue.
    pub place: Place,
}

/// An event that leaves the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Removed {
    /// Its key.
    pub key: SeenKey,
    /// What stays of its seen row; `None` when another copy takes the key in the same commit.
    pub seen: Option<Seen>,
}

/// A copy of an event that lost against another of the same key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conflict {
    /// The losing copy.
    pub event: EventRecord,
    /// Where it stood.
    pub place: Place,
}

/// A row of the control table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ControlRow {
    /// A company.
    Company(CompanyRow),
    /// A source's flag.
    Source(SourceFlag),
    /// An API key.
    Key(KeyRow),
    /// A team.
    Team(TeamRow),
    /// Field classes of a company, as (name, class).
    Fields(Vec<(SmolStr, SmolStr)>),
    /// A registered event definition, as JSON text.
    EventDefinition(alloc::string::String),
    /// An audit entry or operating event, as the record that brought it.
    Operation(ControlRecord),
    /// A quarantined event was sent again.
    Replayed(cebe_catalog::Micros),
    /// Receipt of an erasure, as JSON text.
    Erasure(alloc::string::String),
    /// A sealing record: what left the log, counted and digested, as JSON text.
    Sealing(alloc::string::String),
    /// The last tick that was believed, and whether a jump ahead has stopped retention.
    Tick {
        /// Time of the tick.
        at: cebe_catalog::Micros,
        /// A later tick was too far ahead.
        paused: bool,
    },
    /// A backfill.
    Backfill(BackfillRow),
    /// What became of records of the backfill lane behind the last chunk that is complete.
    BackfillOpen(BackfillCounts),
    /// Sequence numbers of a producer.
    Producer(ProducerRow),
    /// A reconciliation.
    Reconciliation(ReconciliationRow),
}

/// A company as stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CompanyRow {
    /// Its settings.
    pub settings: CompanySettings,
    /// Its wrapped keys.
    pub secrets: Vec<u8>,
    /// When it was created.
    pub created_at: cebe_catalog::Micros,
    /// A rebuild is under way: answers are stale.
    pub rebuilding: bool,
}

/// Kinds of control rows: first byte of their key. Ordinals are stored and never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum ControlKind {
    /// Key: company id.
    Company = 1,
    /// Key: module.
    Source = 2,
    /// Key: key id.
    Key = 3,
    /// Key: team id.
    Team = 4,
    /// Key: company id.
    Fields = 5,
    /// Key: company id, NUL, event name.
    EventDefinition = 6,
    /// Key: 20 digits of time, then lane and place in the queue: time-ordered.
    Operation = 7,
    /// Key: company id, NUL, receipt.
    Replayed = 8,
    /// Key: company id, NUL, receipt.
    Erasure = 9,
    /// Key: company id, NUL, 20 digits.
    Sealing = 10,
    /// Key: empty.
    Tick = 11,
    /// Key: backfill id.
    Backfill = 12,
    /// Key: empty.
    BackfillOpen = 13,
    /// Key: company id, NUL, module, NUL, producer.
    Producer = 14,
    /// Key: company id, NUL, reconciliation id.
    Reconciliation = 15,
}

impl ControlKind {
    /// Do rows of the kind change what doors and readers keep? Progress does not.
    pub const fn is_setting(self) -> bool {
        !matches!(self, Self::Backfill | Self::BackfillOpen | Self::Producer | Self::Reconciliation)
    }
}

/// Puts or deletes a control row.
#[derive(Clone, Debug, PartialEq)]
pub struct ControlChange {
    /// Kind of row.
    pub kind: ControlKind,
    /// Its id within the kind.
    pub id: SmolStr,
    /// The row; `None` deletes.
    pub row: Option<ControlRow>,
}
