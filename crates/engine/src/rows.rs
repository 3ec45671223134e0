//! The rows the engine reads and changes, and their keys. How they are laid out in bytes or columns is the Central
//! DB's business.

use crate::entry::Entry;
use alloc::{sync::Arc, vec::Vec};
use cebe_catalog::{CompanyId, EventId, EventName, Lane, Micros, Node, SourceModule, time::Day};
use serde::{Deserialize, Deserializer, Serialize};
use smol_str::SmolStr;

/// A place in the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// Which lane.
    pub lane: Lane,
    /// Index of the record in that lane.
    pub index: u64,
}

/// The idempotency key. It never contains a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SeenKey {
    /// Tenant.
    pub company: CompanyId,
    /// Canonical module.
    pub module: SourceModule,
    /// Event name.
    pub name: EventName,
    /// Event id.
    pub id: EventId,
}

/// What is remembered of an applied event for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// HMAC of its canonical content.
    pub content: [u8; 16],
    /// Receipt of the winning copy.
    pub received_at: Micros,
    /// When it happened.
    pub event_at: Micros,
    /// Where the winning copy stood in the queue: how `?wait=true` tells applied from duplicate.
    pub place: Place,
    /// The event has left the log (expiry or erasure); a late copy is still a duplicate.
    pub retired: bool,
}

/// Evidence for something: how many events say so, and the earliest of them by time and id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Number of events.
    pub count: u64,
    /// The earliest, at most [`Evidence::KEPT`], in order of (time, event name, event id). Shared by the copies of a row
    /// until one of them changes it: most events change the number only.
    #[serde(with = "crate::packed::events")]
    pub earliest: Arc<Vec<(Micros, SmolStr, EventId)>>,
}

impl Evidence {
    /// How many are kept by name.
    pub const KEPT: usize = 8;

    /// The earliest time, if any is known.
    pub fn first_at(&self) -> Option<Micros> {
        self.earliest.first().map(|(at, ..)| *at)
    }

    /// Adds one event's word. Says whether anything but the count changed.
    pub fn add(&mut self, at: Micros, name: &EventName, id: &EventId) -> bool {
        self.count += 1;
        let place =
            self.earliest.partition_point(|(kept_at, kept, kept_id)| (kept_at, kept, kept_id) < (&at, &name.0, id));
        // Behind the last kept one there may be others that are known by number only.
        let unknown_before = place == self.earliest.len() && self.count - 1 > place as u64;
        if place >= Self::KEPT || unknown_before {
            return false;
        }
        let earliest = Arc::make_mut(&mut self.earliest);
        earliest.insert(place, (at, name.0.clone(), id.clone()));
        earliest.truncate(Self::KEPT);
        true
    }

    /// Takes one event's word back.
    pub fn remove(&mut self, at: Micros, name: &EventName, id: &EventId) {
        self.count = self.count.saturating_sub(1);
        let item = (at, name.0.clone(), id.clone());
        if self.earliest.contains(&item) {
            Arc::make_mut(&mut self.earliest).retain(|kept| *kept != item);
        }
    }

    /// Is there nothing but the number between them?
    fn differs_by_count(&self, other: &Self) -> bool {
        self.earliest == other.earliest
    }
}

/// A link of a node to another, kept in the rows of both ends; the evidence only in the anchor's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// The other end.
    pub other: Node,
    /// This row's node is the anchor of the link (the event's own), so it holds the evidence.
    pub anchor: bool,
    /// Events that show it (empty on the identifier's side).
    pub evidence: Evidence,
    /// Rejected by an unlink.
    pub rejected: bool,
}

/// What is kept of one node: its links and the customer it is part of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeRow {
    /// Its links, sorted by (other, anchor).
    pub links: Vec<Link>,
    /// The customer it is part of. In the row of the customer's first node: all its nodes, sorted; in the rows of the
    /// others that first one only, so that whoever joins changes two rows. Empty when it is alone.
    pub together: Vec<Node>,
    /// Creations (`customer.created`), by domain time.
    pub created: Evidence,
    /// Events stored under it as anchor, by event time.
    pub seen: Evidence,
    /// Ids it must not end in one customer with.
    pub apart: Vec<Node>,
    /// On the block list: identifies nobody.
    pub blocked: bool,
    /// Erased: the row stays so that the address answers `erased`.
    pub erased: bool,
    /// In the row of a customer's first node: those of `together` under whom events are or were stored. Nobody else owns
    /// facts. Rows of earlier releases do not say.
    #[serde(deserialize_with = "if_said")]
    pub stored: Option<Vec<Node>>,
}

/// The last part of a row, which earlier releases did not write.
fn if_said<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<Node>>, D::Error> {
    Ok(Deserialize::deserialize(from).unwrap_or_default())
}

/// The numbers of events in a node's row, which every event changes, apart from what few events change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCounts {
    /// Events stored under the node.
    pub seen: u64,
    /// Creations.
    pub created: u64,
    /// Events that show each link, in the order of the links.
    pub links: Vec<u64>,
}

impl NodeRow {
    /// Are so many events stored under it that the next one most likely changes numbers only? Then these are worth a row
    /// of their own.
    pub fn is_busy(&self) -> bool {
        self.seen.count >= Evidence::KEPT as u64
    }

    /// Its numbers.
    pub fn counts(&self) -> NodeCounts {
        let links = self.links.iter().map(|link| link.evidence.count).collect();
        NodeCounts { seen: self.seen.count, created: self.created.count, links }
    }

    /// The same with these numbers, which are those of a row with the same links.
    pub fn set_counts(&mut self, counts: &NodeCounts) {
        self.seen.count = counts.seen;
        self.created.count = counts.created;
        for (link, count) in self.links.iter_mut().zip(&counts.links) {
            link.evidence.count = *count;
        }
    }

    /// Is there nothing but numbers between the two rows of one node?
    pub fn differs_by_counts(&self, other: &Self) -> bool {
        // Named one by one, so that whoever adds a part has to say which it is.
        let Self { links, together, created, seen, apart, blocked, erased, stored } = self;
        let same_link = |(a, b): (&Link, &Link)| {
            let Link { other, anchor, evidence, rejected } = a;
            *other == b.other
                && *anchor == b.anchor
                && *rejected == b.rejected
                && evidence.differs_by_count(&b.evidence)
        };
        seen.differs_by_count(&other.seen)
            && created.differs_by_count(&other.created)
            && *blocked == other.blocked
            && *erased == other.erased
            && links.len() == other.links.len()
            && links.iter().zip(&other.links).all(same_link)
            && *together == other.together
            && *apart == other.apart
            && *stored == other.stored
    }

    /// The first node of the customer, when this is the row of another of them: its row tells who they are.
    pub fn first_elsewhere(&self, node: &Node) -> Option<&Node> {
        match &self.together[..] {
            [first] if first != node => Some(first),
            _ => None,
        }
    }
}

/// Key of a node's row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeKey {
    /// Tenant.
    pub company: CompanyId,
    /// The node.
    pub node: Node,
}

/// Whose fact it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Owner {
    /// A business id's.
    Entity,
    /// An anchor's: one person's part; a customer's fact is the union over its nodes.
    Anchor(Node),
}

/// Key of a fact.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FactKey {
    /// Tenant.
    pub company: CompanyId,
    /// Whose.
    pub owner: Owner,
    /// Kind of fact.
    pub fact: SmolStr,
    /// Business key; for window facts the period's number, ten digits; empty when there is one per person.
    pub key: SmolStr,
}

/// A fact: a set of entries, in rank order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FactRow {
    /// Entries in rank order, each event once.
    pub entries: Vec<Entry>,
    /// How many older entries were sealed and dropped.
    pub truncated: u64,
}

/// Key of a point.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PointKey {
    /// Tenant.
    pub company: CompanyId,
    /// Component.
    pub component: SmolStr,
    /// Start of the bucket.
    pub bucket: Micros,
    /// Dimension values in the component's order; empty text for none.
    pub dimensions: Vec<SmolStr>,
}

/// A sum that can be added: integers only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// Millionths, milliseconds or whatever the component adds.
    pub sum: i128,
    /// Number of marks.
    pub count: i64,
}

impl Sum {
    /// Is there nothing in it?
    pub fn is_zero(self) -> bool {
        self.sum == 0 && self.count == 0
    }
}

impl core::ops::AddAssign for Sum {
    fn add_assign(&mut self, other: Self) {
        self.sum += other.sum;
        self.count += other.count;
    }
}

impl core::ops::Add for Sum {
    type Output = Self;

    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

impl core::ops::Neg for Sum {
    type Output = Self;

    fn neg(self) -> Self {
        Self { sum: -self.sum, count: -self.count }
    }
}

/// A number in two parts: what the log gives, and what left the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parted<T> {
    /// Recomputable from the log.
    pub live: T,
    /// Kept of what expiry, erasure or truncation took out.
    pub sealed: T,
}

/// A point.
pub type Point = Parted<Sum>;

/// What occurrences add up to for an anchor.
pub type Tally = Parted<Sum>;

/// How many marks a person has in a component on a local day.
pub type Marks = Parted<i64>;

/// What adds up, and can be taken back.
pub trait Adds: Copy + Default + PartialEq + core::ops::AddAssign + core::ops::Neg<Output = Self> {}

impl<T: Copy + Default + PartialEq + core::ops::AddAssign + core::ops::Neg<Output = T>> Adds for T {}

impl<T: Adds> Parted<T> {
    /// A change of what the log gives.
    pub fn of_log(change: T) -> Self {
        Self { live: change, sealed: T::default() }
    }

    /// A change of what the log gives that the total does not follow: what leaves the log stays, apart.
    pub fn sealing(change: T) -> Self {
        Self { live: change, sealed: -change }
    }

    /// What an answer shows.
    pub fn total(self) -> T {
        let mut total = self.live;
        total += self.sealed;
        total
    }

    /// Adds another's parts.
    pub fn add(&mut self, other: Self) {
        self.live += other.live;
        self.sealed += other.sealed;
    }

    /// Is there nothing in it?
    pub fn is_zero(self) -> bool {
        self == Self::default()
    }
}

/// Key of an activity row: one person's part in a component on one local day.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ActivityKey {
    /// Tenant.
    pub company: CompanyId,
    /// Component.
    pub component: SmolStr,
    /// Local day.
    pub day: Day,
    /// Whose.
    pub anchor: Node,
}

/// Key of a tally: what occurrences add up to for one anchor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TallyKey {
    /// Tenant.
    pub company: CompanyId,
    /// Whose.
    pub anchor: Node,
    /// Component.
    pub component: SmolStr,
}

/// An entity fact that concerns an anchor: how a customer's tickets and orders are found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HeldKey {
    /// Tenant.
    pub company: CompanyId,
    /// Whose.
    pub anchor: Node,
    /// Kind of fact.
    pub fact: SmolStr,
    /// Business key.
    pub key: SmolStr,
}

/// Key of outcome counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OutcomeKey {
    /// Tenant.
    pub company: CompanyId,
    /// Source.
    pub module: SourceModule,
    /// Start of the hour of receipt.
    pub hour: Micros,
}

/// What became of the events of one company, source and hour of receipt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcomes {
    /// Every received event.
    pub received: i64,
    /// Applied.
    pub applied: i64,
    /// Same key, same content.
    pub duplicate: i64,
    /// Of the duplicates, those with a derived id.
    pub duplicate_derived: i64,
    /// Same key, other content.
    pub conflict: i64,
    /// Source switched off.
    pub ignored: i64,
    /// Refused.
    pub quarantined: i64,
    /// Of the applied, those that name nobody although they should.
    pub no_identity: i64,
    /// Remarks of the catalog (advised attributes that were absent, dropped identities).
    pub warnings: i64,
}

impl Outcomes {
    /// Adds another's counts.
    pub fn add(&mut self, other: Self) {
        self.received += other.received;
        self.applied += other.applied;
        self.duplicate += other.duplicate;
        self.duplicate_derived += other.duplicate_derived;
        self.conflict += other.conflict;
        self.ignored += other.ignored;
        self.quarantined += other.quarantined;
        self.no_identity += other.no_identity;
        self.warnings += other.warnings;
    }

    /// Law 2: every received event has one outcome.
    pub fn balanced(&self) -> bool {
        self.received == self.applied + self.duplicate + self.conflict + self.ignored + self.quarantined
    }
}

/// Key of when a name was last seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LastSeenKey {
    /// Tenant.
    pub company: CompanyId,
    /// Source.
    pub module: SourceModule,
    /// Event name; empty for all that the door did not find valid, whose names are not kept.
    pub name: EventName,
}

/// When a source was last heard with a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastSeen {
    /// Receipt of the newest, whatever became of it.
    pub received_at: Option<Micros>,
    /// Receipt of the newest that was applied.
    pub applied_at: Option<Micros>,
}

impl LastSeen {
    /// Takes the later of each.
    pub fn add(&mut self, other: Self) {
        self.received_at = self.received_at.max(other.received_at);
        self.applied_at = self.applied_at.max(other.applied_at);
    }
}

/// Key of arrivals: how events are counted for a comparison with their source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ArrivalKey {
    /// Tenant.
    pub company: CompanyId,
    /// Source.
    pub module: SourceModule,
    /// By which time.
    pub by: ArrivalTime,
    /// Event name.
    pub name: EventName,
    /// Start of the hour of that time.
    pub hour: Micros,
}

/// The time by which arrivals are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArrivalTime {
    /// When it happened at the source.
    EventTimestamp,
    /// When the door received it.
    ReceivedAt,
}

/// Different events of one name and hour that were ever applied; expiry and erasure do not lower it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrivals {
    /// How many.
    pub count: i64,
    /// Sum of [`id_digest`] over their ids, modulo 2^64: tells whether they are the same ones.
    pub digest: u64,
}

impl Arrivals {
    /// Adds another's counts.
    pub fn add(&mut self, other: Self) {
        self.count += other.count;
        self.digest = self.digest.wrapping_add(other.digest);
    }
}

/// FNV-1a, 64 bits, of an event id: simple enough that every source can compute it.
pub fn id_digest(id: &str) -> u64 {
    id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}
