//! Rows of nodes: whole, or of a busy one the numbers alone when nothing else changed.

use super::Batch;
use crate::rows::{CountsKey, without_counts};
use cebe_engine::{
    change::{Changes, Counts},
    rows::{NodeKey, NodeRow},
};

/// Writes what changed of nodes; `apart` where the numbers of busy ones have rows of their own.
pub(super) fn write(batch: &mut Batch, changes: &Changes, apart: bool) {
    let mut counts = changes.node_counts.iter().peekable();
    for (key, row) in &changes.nodes {
        let counts = counts.next_if(|(of, _)| of == key).map(|(_, counts)| *counts);
        match row.as_deref().filter(|row| apart && row.is_busy()) {
            Some(row) if counts == Some(Counts::Alone) => batch.put(&CountsKey(key.clone()), &row.counts()),
            Some(row) => busy(batch, key, row),
            None => batch.set(key, row.as_deref()),
        }
        if apart && counts == Some(Counts::Gone) {
            batch.delete(&CountsKey(key.clone()));
        }
    }
}

fn busy(batch: &mut Batch, key: &NodeKey, row: &NodeRow) {
    batch.put(key, &without_counts(row));
    batch.put(&CountsKey(key.clone()), &row.counts());
}
