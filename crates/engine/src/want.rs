//! What a step needs to have loaded, and the answers. Lists are answered in the order asked. Rows are shared, for
//! whoever keeps them from step to step.

use crate::rows::{ActivityKey, FactKey, FactRow, Marks, NodeKey, NodeRow, Seen, SeenKey, Tally, TallyKey};
use alloc::{sync::Arc, vec::Vec};
use cebe_catalog::EventRecord;

/// One round of reading.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wants {
    /// Dedup rows.
    pub seen: Vec<SeenKey>,
    /// Node rows.
    pub nodes: Vec<NodeKey>,
    /// Facts by key.
    pub facts: Vec<FactKey>,
    /// All facts owned by these anchors.
    pub persons: Vec<NodeKey>,
    /// Events of the log by key.
    pub events: Vec<SeenKey>,
    /// All events of the log under these anchors (erasure).
    pub histories: Vec<NodeKey>,
    /// What is kept of these anchors beside their facts (erasure).
    pub kept: Vec<NodeKey>,
}

impl Wants {
    /// Is nothing asked for?
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
            && self.nodes.is_empty()
            && self.facts.is_empty()
            && self.persons.is_empty()
            && self.events.is_empty()
            && self.histories.is_empty()
            && self.kept.is_empty()
    }
}

/// All facts of one owner.
pub type Owned = Vec<(FactKey, Arc<FactRow>)>;

/// Answers to [`Wants`], list by list in the order asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// For `seen`.
    pub seen: Vec<Option<Seen>>,
    /// For `nodes`.
    pub nodes: Vec<Option<Arc<NodeRow>>>,
    /// For `facts`.
    pub facts: Vec<Option<Arc<FactRow>>>,
    /// For `persons`.
    pub persons: Vec<Owned>,
    /// For `events`.
    pub events: Vec<Option<EventRecord>>,
    /// For `histories`.
    pub histories: Vec<Vec<EventRecord>>,
    /// For `kept`.
    pub kept: Vec<Kept>,
}

/// What is kept of an anchor beside its facts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// What occurrences add up to.
    pub tallies: Vec<(TallyKey, Tally)>,
    /// Its days of activity.
    pub activity: Vec<(ActivityKey, Marks)>,
}
