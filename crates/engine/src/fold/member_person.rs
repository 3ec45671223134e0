//! `member_person`: whether a person holds any active membership, over time. At equal time leaving wins.

use super::{FoldInput, Folded, Mark, dimension_text};
use crate::entry::Entry;
use alloc::{collections::BTreeSet, vec::Vec};
use cebe_catalog::{Micros, Value};
use smol_str::SmolStr;

/// Marks this fold gives.
pub(super) const MARKS: &[&str] = &["member_person"];

/// Folds a person's enrolments.
pub(super) fn fold(input: &FoldInput<'_>) -> Folded {
    let mut folded = Folded::default();
    let mut active: BTreeSet<[SmolStr; 2]> = BTreeSet::new();
    let mut since: Option<Micros> = None;
    for group in input.entries.chunk_by(|a, b| a.at() == b.at()) {
        apply(&mut active, group);
        let Some(at) = group.first().map(|entry| entry.at()) else { continue };
        match since {
            None if !active.is_empty() => since = Some(at),
            Some(from) if active.is_empty() => {
                folded.marks.push(Mark::new("member_person", from).until(Some(at)));
                since = None;
            }
            _ => {}
        }
    }
    folded.marks.extend(since.map(|from| Mark::new("member_person", from)));
    folded.view = Value::Bool(since.is_some());
    folded
}

/// What one instant says: who enrolled is in, then who left is out.
fn apply(active: &mut BTreeSet<[SmolStr; 2]>, group: &[&Entry]) {
    let name = |entry: &Entry| {
        ["member_id", "program_id"].map(|name| entry.field(name).map(dimension_text).unwrap_or_default())
    };
    let (out, into): (Vec<&Entry>, Vec<&Entry>) = group.iter().copied().partition(|entry| entry.step == "unenrolled");
    active.extend(into.into_iter().map(name));
    for entry in out {
        active.remove(&name(entry));
    }
}
