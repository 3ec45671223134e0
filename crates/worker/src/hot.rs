//! Rows that steps read or wrote lately, kept in memory as the engine uses them: a few customers do most of what is done.
//! They say what the store says once all that is planned is committed. Whoever writes past them has to clear them; a
//! worker that fails to write is replaced, and the next one knows none.

use crate::{
    ahead::{merge, split},
    run::WorkerError,
};
use cebe_engine::{
    change::Changes,
    rows::{FactKey, FactRow, NodeKey, NodeRow},
    want::{Loaded, Wants},
};
use foldhash::fast::SeedableRandomState;
use quick_cache::{OptionsBuilder, Weighter, sync::Cache};
use std::{hash::Hash, sync::Arc};

/// A row, or that there is none.
type Known<R> = Option<Arc<R>>;

type Kept<K, R> = Cache<K, Known<R>, Bytes, SeedableRandomState>;

/// What is known of the store's rows.
pub(crate) struct Hot {
    nodes: Kept<NodeKey, NodeRow>,
    facts: Kept<FactKey, FactRow>,
}

impl Hot {
    /// Keeps about so many bytes of rows. `fixed`: the same rows are kept whenever the same is done.
    pub(crate) fn new(bytes_max: u64, fixed: bool) -> Self {
        Self { nodes: kept(bytes_max / 2, fixed), facts: kept(bytes_max / 2, fixed) }
    }

    /// Answers a round of reading; what is not known here is asked of the store.
    pub(crate) fn load(
        &self,
        wants: Wants,
        stored: impl FnOnce(&Wants) -> Result<Loaded, WorkerError>,
    ) -> Result<Loaded, WorkerError> {
        let (nodes, nodes_left) = split(&wants.nodes, |key| self.nodes.get(key));
        let (facts, facts_left) = split(&wants.facts, |key| self.facts.get(key));
        let left = Wants { nodes: nodes_left, facts: facts_left, ..wants };
        let loaded = if left.is_empty() { Loaded::default() } else { stored(&left)? };
        keep(&self.nodes, left.nodes.into_iter().zip(&loaded.nodes));
        keep(&self.facts, left.facts.into_iter().zip(&loaded.facts));
        Ok(Loaded { nodes: merge(nodes, loaded.nodes), facts: merge(facts, loaded.facts), ..loaded })
    }

    /// Takes in what will be committed next.
    pub(crate) fn take(&self, changes: &Changes) {
        keep(&self.nodes, changes.nodes.iter().map(|(key, row)| (key.clone(), row)));
        keep(&self.facts, changes.facts.iter().map(|(key, row)| (key.clone(), row)));
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        self.nodes.clear();
        self.facts.clear();
    }
}

fn kept<K: Eq + Hash, R>(bytes_max: u64, fixed: bool) -> Kept<K, R>
where
    Bytes: Weighter<K, Known<R>>,
{
    let mut options = OptionsBuilder::new();
    let rows = usize::try_from(bytes_max / ROW_BYTES).unwrap_or(usize::MAX);
    options.weight_capacity(bytes_max).estimated_items_capacity(rows).shards(if fixed { 1 } else { 4 });
    let options = options.build().expect("every option is in its range");
    let hash = if fixed { SeedableRandomState::fixed() } else { SeedableRandomState::random() };
    Cache::with_options(options, Bytes, hash, Default::default())
}

fn keep<'r, K: Eq + Hash, R: 'r>(kept: &Kept<K, R>, rows: impl Iterator<Item = (K, &'r Known<R>)>)
where
    Bytes: Weighter<K, Known<R>>,
{
    rows.for_each(|(key, row)| kept.insert(key, row.clone()));
}

/// Weighs rows by the memory that they take, roughly.
#[derive(Clone)]
struct Bytes;

/// A key and what the cache keeps of it.
const ROW_BYTES: u64 = 250;
/// An event by time, name and id.
const EVENT_BYTES: usize = 120;
const LINK_BYTES: usize = 100;
const ENTRY_BYTES: usize = 350;
const NODE_BYTES: usize = 32;

impl Weighter<NodeKey, Known<NodeRow>> for Bytes {
    fn weight(&self, _: &NodeKey, row: &Known<NodeRow>) -> u64 {
        let Some(row) = row else { return ROW_BYTES };
        let named = row.links.iter().map(|link| link.evidence.earliest.len()).sum::<usize>();
        let events = named + row.seen.earliest.len() + row.created.earliest.len();
        let nodes = row.together.len() + row.apart.len();
        ROW_BYTES + (events * EVENT_BYTES + row.links.len() * LINK_BYTES + nodes * NODE_BYTES) as u64
    }
}

impl Weighter<FactKey, Known<FactRow>> for Bytes {
    fn weight(&self, _: &FactKey, row: &Known<FactRow>) -> u64 {
        ROW_BYTES + row.as_ref().map_or(0, |row| row.entries.len() * ENTRY_BYTES) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cebe_catalog::Node;
    use std::cell::Cell;

    fn key(id: usize) -> NodeKey {
        NodeKey { company: "shop".into(), node: Node::Customer(format!("c-{id}").into()) }
    }

    fn row(events: u64) -> Known<NodeRow> {
        let mut row = NodeRow::default();
        row.seen.count = events;
        Some(Arc::new(row))
    }

    /// What is known of nodes, and how many of them the store was asked for; it has one event under each.
    fn asked(hot: &Hot, ids: std::ops::Range<usize>) -> (Vec<Known<NodeRow>>, usize) {
        let wants = Wants { nodes: ids.map(key).collect(), ..Wants::default() };
        let count = Cell::new(0);
        let stored = |left: &Wants| {
            count.set(left.nodes.len());
            Ok(Loaded { nodes: left.nodes.iter().map(|_| row(1)).collect(), ..Loaded::default() })
        };
        (hot.load(wants, stored).unwrap().nodes, count.get())
    }

    #[test]
    fn what_was_read_or_written_is_not_read_again_until_it_is_cleared() {
        let hot = Hot::new(1 << 20, true);
        assert_eq!(asked(&hot, 0..3), (vec![row(1); 3], 3));
        hot.take(&Changes { nodes: vec![(key(1), row(2)), (key(3), None)], ..Changes::default() });
        assert_eq!(asked(&hot, 0..5), (vec![row(1), row(2), row(1), None, row(1)], 1));
        hot.clear();
        assert_eq!(asked(&hot, 0..5), (vec![row(1); 5], 5));
    }

    #[test]
    fn no_more_is_kept_than_there_is_room_for_and_never_an_old_row() {
        let hot = Hot::new(20 * ROW_BYTES, true);
        for events in 2..50 {
            hot.take(&Changes { nodes: (0..30).map(|id| (key(id), row(events))).collect(), ..Changes::default() });
            let (rows, left) = asked(&hot, 0..30);
            assert!(left >= 20, "{left} of 30 are read again");
            // What was let go of is read from the store, whose rows here have one event.
            assert!(rows.iter().all(|known| *known == row(events) || *known == row(1)));
        }
    }
}
