//! Folding for readers: the entries of one fact, gathered from wherever they are stored.

use super::{FoldInput, Folded, by_name};
use crate::{entry::Entry, step::CompanyContext};
use alloc::vec::Vec;
use cebe_catalog::{Micros, definition::FactDefinition};

/// Folds entries of one fact: sorted by rank, each event once. `None` when there is nothing to fold.
pub fn fold_entries(
    fact: &FactDefinition,
    company: &CompanyContext,
    key: &str,
    mut entries: Vec<&Entry>,
    own_from: Option<Micros>,
) -> Option<Folded> {
    if entries.is_empty() {
        return None;
    }
    entries.sort_by(|a, b| a.order().cmp(&b.order()));
    entries.dedup_by(|a, b| a.order() == b.order());
    let input = FoldInput { key, entries: &entries, settings: &company.settings, zone: &company.zone, own_from };
    Some(by_name(&fact.fold)?(&input))
}
