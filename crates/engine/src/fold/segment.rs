//! `segment`: a person's membership of one segment over time. At equal time an exit wins.

use super::{FoldInput, Folded, Mark, reading::item};
use alloc::vec::Vec;
use cebe_catalog::{Micros, Value};

/// Marks this fold gives.
pub(super) const MARKS: &[&str] = &["member", "entered", "exited"];

/// Folds the entries of one person and segment.
pub(super) fn fold(input: &FoldInput<'_>) -> Folded {
    let mut folded = Folded::default();
    folded.set("segment_id", input.latest("segment_id"));
    let mut since: Option<Micros> = None;
    for entry in input.entries {
        let at = entry.at();
        let exits = input.step("exited").any(|exit| exit.at() == at);
        match since {
            None if !exits => {
                since = Some(at);
                folded.marks.push(Mark::new("entered", at));
            }
            Some(from) if exits => {
                since = None;
                folded.marks.push(Mark::new("member", from).until(Some(at)));
                folded.marks.push(Mark::new("exited", at));
            }
            _ => {}
        }
    }
    if let Some(from) = since {
        folded.marks.push(Mark::new("member", from));
        folded.view = Value::Map(Vec::from([
            item("segment_id", input.latest("segment_id")),
            item("name", input.latest("segment_name")),
            item("since", from),
            item("origin", "cdp"),
        ]));
    }
    folded
}
