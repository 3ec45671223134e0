//! One step: records in, changes out. A step is driven from outside: it says what it wants to have loaded, is supplied
//! with it, and so on until it wants nothing more (two rounds as a rule: ids and nodes, then facts); then it finishes.
//! Whatever the order, repetition or batching of the records, the rows that result are the same.

pub mod arrival;
pub mod context;
pub mod dedup;
pub mod delta;
mod held;
pub mod ledger;
pub mod outcome;
pub mod people;
mod plan;
pub mod project;
mod slots;
pub mod tokens;
mod unit;

use crate::{
    change::{Applied, Changes, Removed},
    rows::{NodeKey, Place, Seen, SeenKey},
    want::{Kept, Loaded, Wants},
};
use alloc::vec::Vec;
use cebe_catalog::{CompanyId, EventRecord, Node, Record, control::Unlink, record::Vault};
pub use context::{CompanyContext, Context};
use dedup::Dedup;
use delta::Sealing;
use ledger::Ledger;
use outcome::Counts;
use people::People;

/// Why events leave the log, which decides what becomes of what they added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    /// Another copy takes the place: what they added is taken back.
    Superseded,
    /// Expiry or erasure: what they added is sealed.
    Retired,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Dedup rows and nodes of the batch.
    Ids,
    /// Who the customers of those nodes are.
    Firsts,
    /// Losing copies that were applied before, or the history of a person.
    Events,
    /// Nodes of those, then whatever the groups reach.
    Groups,
    /// Facts.
    Facts,
    /// Nothing more.
    Ready,
}

/// A step under way.
#[derive(Debug)]
pub struct Step<'a> {
    context: Context<'a>,
    phase: Phase,
    leaving: Leaving,
    dedup: Dedup,
    erase: Option<(CompanyId, Node)>,
    /// Under whom an erased person's days of activity go on.
    nobody: Option<Node>,
    unlink: Option<Unlink>,
    added: Vec<(EventRecord, Place, Vault)>,
    removed: Vec<EventRecord>,
    /// What is kept of an erased person beside facts.
    kept: Vec<Kept>,
    asked: Vec<NodeKey>,
    people: People,
    ledger: Ledger<'a>,
    counts: Counts,
    changes: Changes,
}

impl<'a> Step<'a> {
    /// A step over a batch of records from the queue, control records excepted.
    pub fn records(context: Context<'a>, records: Vec<(Place, Record)>) -> Self {
        let mut step = Self::empty(context);
        for (place, record) in records {
            step.take(place, record);
        }
        step
    }

    /// A step that rejects links and keeps ids apart, or takes that back.
    pub fn unlink(context: Context<'a>, unlink: Unlink) -> Self {
        Self { unlink: Some(unlink), ..Self::empty(context) }
    }

    /// A step that takes everything a person's anchors hold out of the log, for ever.
    /// Distinct people stay countable: their activity goes on under a node made from the receipt, which is nobody's.
    pub fn erase(context: Context<'a>, company: CompanyId, customer: Node, receipt: &str) -> Self {
        let nobody = Some(people::nobody(receipt));
        Self { erase: Some((company, customer)), nobody, leaving: Leaving::Retired, ..Self::empty(context) }
    }

    /// A step that takes expired events out of the log; what they added stays, sealed.
    pub fn retire(context: Context<'a>, events: Vec<EventRecord>) -> Self {
        Self { removed: events, leaving: Leaving::Retired, ..Self::empty(context) }
    }

    fn empty(context: Context<'a>) -> Self {
        Self {
            context,
            phase: Phase::Ids,
            leaving: Leaving::Superseded,
            dedup: Dedup::default(),
            erase: None,
            nobody: None,
            unlink: None,
            added: Vec::new(),
            removed: Vec::new(),
            kept: Vec::new(),
            asked: Vec::new(),
            people: People::default(),
            ledger: Ledger::default(),
            counts: Counts::default(),
            changes: Changes::default(),
        }
    }

    fn take(&mut self, place: Place, record: Record) {
        if let Some(header) = record.header() {
            self.counts.received(header);
        }
        match record {
            Record::Event(event, vault) => self.dedup.take(place, *event, vault),
            Record::Ignored(header) => self.counts.at(&header).ignored += 1,
            Record::Quarantined(record) => {
                self.counts.at(&record.header).quarantined += 1;
                self.changes.quarantined.push(*record);
            }
            Record::Control(_) | Record::Tick(_) => {}
        }
    }

    /// What has to be loaded next; `None` when the step can finish.
    pub fn wants(&mut self) -> Option<Wants> {
        loop {
            let wants = match self.phase {
                Phase::Ids => self.want_ids(),
                Phase::Firsts => Wants { nodes: self.people.missing(), ..Wants::default() },
                Phase::Events => self.want_events(),
                Phase::Groups => self.want_groups(),
                Phase::Facts => self.ledger.wants(),
                Phase::Ready => return None,
            };
            self.asked.clone_from(&wants.nodes);
            if !wants.is_empty() {
                return Some(wants);
            }
            self.supply(Loaded::default());
        }
    }

    /// Answers the last [`Step::wants`].
    pub fn supply(&mut self, loaded: Loaded) {
        let asked = core::mem::take(&mut self.asked);
        for (key, row) in asked.into_iter().zip(loaded.nodes) {
            self.people.supply(key, row);
        }
        match self.phase {
            Phase::Ids => {
                self.dedup.supply(loaded.seen);
                self.phase = Phase::Firsts;
            }
            Phase::Firsts => self.phase = Phase::Events,
            Phase::Events => {
                self.settle(loaded.events, loaded.histories);
                self.kept = loaded.kept;
                self.phase = Phase::Groups;
            }
            Phase::Groups => self.reach(),
            Phase::Facts => {
                self.ledger.supply(loaded.facts, loaded.persons);
                self.phase = Phase::Ready;
            }
            Phase::Ready => {}
        }
    }

    fn want_ids(&mut self) -> Wants {
        let seen = self.dedup.keys();
        let mut nodes: Vec<(&CompanyId, &Node)> = self.dedup.events().flat_map(nodes_of).collect();
        nodes.extend(self.removed.iter().flat_map(nodes_of));
        nodes.extend(self.erase.iter().map(|(company, node)| (company, node)));
        nodes.extend(self.unlink.iter().flat_map(unlinked_nodes));
        Wants { seen, nodes: keys_of(nodes), ..Wants::default() }
    }

    fn want_events(&self) -> Wants {
        let histories: Vec<NodeKey> = self.erase.as_ref().map_or_else(Vec::new, |(company, node)| {
            let person = self.people.before(company, node);
            person.iter().map(|node| NodeKey { company: company.clone(), node: node.clone() }).collect()
        });
        Wants { events: self.dedup.superseded(), kept: histories.clone(), histories, ..Wants::default() }
    }

    /// Dedup is settled: what is added, what leaves.
    fn settle(&mut self, old: Vec<Option<EventRecord>>, histories: Vec<Vec<EventRecord>>) {
        self.removed.extend(old.into_iter().flatten());
        let mut erased: Vec<EventRecord> = histories.into_iter().flatten().collect();
        erased.sort_by_cached_key(seen_key);
        erased.dedup_by_key(|event| seen_key(event));
        self.removed.extend(erased);
        let settled = core::mem::take(&mut self.dedup).settle(&mut self.counts);
        self.changes.conflicts = settled.conflicts;
        self.changes.conflicts.extend(settled.replaced.iter().filter_map(|(key, place)| {
            let event = self.removed.iter().find(|event| seen_key(event) == *key)?;
            self.counts.superseded(&event.header);
            Some(crate::change::Conflict { event: event.clone(), place: *place })
        }));
        self.changes.seen = settled.lowered;
        self.added = settled.applied;
    }

    fn want_groups(&self) -> Wants {
        let mut first: Vec<(&CompanyId, &Node)> = self.removed.iter().flat_map(nodes_of).collect();
        if let Some((company, node)) = &self.erase {
            first.extend(self.people.before(company, node).iter().map(|node| (company, node)));
        }
        let mut nodes = keys_of(first);
        nodes.retain(|key| !self.people.knows(key));
        nodes.extend(self.people.missing());
        nodes.sort();
        nodes.dedup();
        Wants { nodes, ..Wants::default() }
    }

    /// Nodes of everything that changes are there: change links once, then follow groups until none is missing.
    fn reach(&mut self) {
        if !self.people.learned {
            self.learn();
        }
        self.people.reach(self.context);
        if self.people.missing().is_empty() {
            self.people.regroup(self.context);
            self.plan_facts();
            self.phase = Phase::Facts;
        }
    }

    fn learn(&mut self) {
        self.people.learned = true;
        // What leaves goes first: a copy that takes another's place has its key, its rank and perhaps its links.
        for event in &self.removed {
            match (self.leaving, &self.erase) {
                // Expiry keeps what is known about people; only their events go.
                (Leaving::Retired, None) => {}
                _ => self.people.unlearn(self.context, event),
            }
        }
        for (event, ..) in &self.added {
            self.people.learn(self.context, event);
        }
        if let Some(unlink) = &self.unlink {
            self.people.correct(unlink);
        }
        if let Some((company, node)) = &self.erase {
            self.people.erase(company, node, self.nobody.as_ref());
        }
    }

    fn plan_facts(&mut self) {
        self.ledger.reserve(self.removed.len() + self.added.len());
        for event in &self.removed {
            self.ledger.enter(self.context, &self.people, event, false);
        }
        for (event, ..) in &self.added {
            self.ledger.enter(self.context, &self.people, event, true);
        }
        self.ledger.moved(&self.people);
    }

    /// Everything is loaded: the changes to commit.
    pub fn finish(mut self) -> Changes {
        let sealing = match (self.leaving, self.nobody.take()) {
            (Leaving::Superseded, _) => Sealing::No,
            (Leaving::Retired, None) => Sealing::Expiry,
            (Leaving::Retired, Some(nobody)) => Sealing::Erasure(nobody),
        };
        let ledger = core::mem::take(&mut self.ledger);
        ledger.finish(self.context, &self.people, &sealing, &mut self.changes);
        if let Sealing::Erasure(nobody) = &sealing {
            delta::forget(core::mem::take(&mut self.kept), nobody, &mut self.changes);
        }
        core::mem::take(&mut self.people).finish(&mut self.changes);
        self.log();
        self.counts.finish(&mut self.changes);
        self.changes
    }

    fn log(&mut self) {
        self.changes.arrivals = arrival::counted(&self.added, &self.removed, self.leaving);
        let retired = self.leaving == Leaving::Retired;
        for event in core::mem::take(&mut self.removed) {
            if self.erase.is_some() {
                let tokens = tokens::sealed_tokens(&event);
                self.changes.vault_removed.extend(tokens.into_iter().map(|token| (event.company().clone(), token)));
            }
            let seen = retired.then(|| retired_row(&event));
            self.changes.removed.push(Removed { key: seen_key(&event), seen });
        }
        for (event, place, vault) in core::mem::take(&mut self.added) {
            if self.needs_identity(&event) {
                self.counts.at(&event.header).no_identity += 1;
            }
            if !event.warnings.is_empty() {
                self.counts.at(&event.header).warnings += i64::try_from(event.warnings.len()).unwrap_or(0);
            }
            let company = event.company().clone();
            self.changes.vault.extend(vault.into_iter().map(|(token, sealed)| (company.clone(), token, sealed)));
            self.changes.applied.push(Applied { event, place });
        }
    }

    fn needs_identity(&self, event: &EventRecord) -> bool {
        use cebe_catalog::definition::Concern;
        let concerns = self.context.definitions.events.get(&event.name.0).map(|definition| definition.concerns);
        event.anchor.is_none() && concerns != Some(Concern::Nobody)
    }
}

/// The idempotency key of an event.
pub fn seen_key(event: &EventRecord) -> SeenKey {
    SeenKey {
        company: event.header.company.clone(),
        module: event.header.module.clone(),
        name: event.name.clone(),
        id: event.id.clone(),
    }
}

fn retired_row(event: &EventRecord) -> Seen {
    Seen {
        content: event.content,
        received_at: event.header.received_at,
        event_at: event.event_at,
        place: Place::default(),
        retired: true,
    }
}

/// Every node an event names.
fn nodes_of(event: &EventRecord) -> impl Iterator<Item = (&CompanyId, &Node)> {
    let own = event.anchor.iter().chain(&event.identifiers);
    let referenced = event.references.iter().flat_map(|r| core::iter::once(&r.anchor).chain(&r.identifiers));
    own.chain(referenced).map(|node| (event.company(), node))
}

fn unlinked_nodes(unlink: &Unlink) -> impl Iterator<Item = (&CompanyId, &Node)> {
    let pairs = unlink.links.iter().chain(&unlink.apart);
    pairs.flat_map(|(a, b)| [a, b]).map(|node| (&unlink.company, node))
}

/// Each node once, sorted.
fn keys_of(mut nodes: Vec<(&CompanyId, &Node)>) -> Vec<NodeKey> {
    nodes.sort_unstable();
    nodes.dedup();
    nodes.into_iter().map(|(company, node)| NodeKey { company: company.clone(), node: node.clone() }).collect()
}

/// An event on its way through a step.
pub(crate) type Incoming = (EventRecord, Place, Vault);
