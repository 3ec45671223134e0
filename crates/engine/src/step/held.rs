//! Index rows, by which a customer's tickets and orders are found: there while an entry of the fact names the anchor.

use super::{project::Placed, slots::Slots};
use crate::{change::Changes, entry::Entry, rows::HeldKey};
use alloc::vec::Vec;
use cebe_catalog::{Node, definition::Whose};

/// The index rows that a step may change.
#[derive(Default)]
pub(super) struct Held {
    /// Number of the fact's row, whom it concerns, and whether an entry said so before.
    rows: Vec<(usize, Node, bool)>,
}

impl Held {
    /// An entry goes in or out that names somebody.
    pub(super) fn concerns(&mut self, place: usize, placed: &Placed<'_>) {
        if placed.fact.whose == Whose::Entity {
            self.rows.extend(named_by(&placed.entry).map(|node| (place, node.clone(), false)));
        }
    }

    /// Before any entry goes in or out.
    pub(super) fn before(&mut self, slots: &Slots) {
        self.rows.sort_unstable();
        self.rows.dedup();
        for (place, node, was) in &mut self.rows {
            *was = is_named(slots, *place, node);
        }
    }

    /// Hands over the rows that come or go.
    pub(super) fn finish(self, slots: &Slots, changes: &mut Changes) {
        for (place, anchor, was) in self.rows {
            let is = is_named(slots, place, &anchor);
            let key = &slots[place].key;
            let key = HeldKey { company: key.company.clone(), anchor, fact: key.fact.clone(), key: key.key.clone() };
            match (was, is) {
                (false, true) => changes.held.push(key),
                (true, false) => changes.held_removed.push(key),
                _ => {}
            }
        }
    }
}

/// Who fell off with older entries is not known any more, and stays.
fn is_named(slots: &Slots, place: usize, node: &Node) -> bool {
    let row = &slots[place].row;
    row.truncated > 0 || row.entries.iter().any(|entry| named_by(entry).any(|named| named == node))
}

/// Everybody an entry names.
fn named_by(entry: &Entry) -> impl Iterator<Item = &Node> {
    entry.anchor.iter().chain(&entry.customers)
}
