//! Stage histories, shared by tickets and deals: the stays in the stages of a pipeline, from the opening and the moves.

use super::{FoldInput, Mark, dimension_text, reading::item};
use crate::entry::Entry;
use alloc::vec::Vec;
use cebe_catalog::{Micros, Value};
use smol_str::SmolStr;

/// Marks a stage history gives.
pub(super) const MARKS: [&str; 2] = ["stage_entry", "stage_stay"];

/// One stay in a stage.
pub(super) struct Stay<'a> {
    pub(super) stage: SmolStr,
    pub(super) entered: &'a Entry,
    pub(super) left_at: Option<Micros>,
    /// The move said it came from another stage than the one before.
    pub(super) gap: bool,
}

/// The stays in rank order. The same stage twice is no move.
pub(super) fn stays<'a>(input: &FoldInput<'a>) -> Vec<Stay<'a>> {
    let mut stays: Vec<Stay<'a>> = Vec::new();
    for entry in input.entries.iter().copied() {
        let stage = match entry.step.as_str() {
            "opened" => entry.field("stage_id"),
            "stage" => entry.field("new_stage"),
            _ => None,
        };
        let Some(stage) = stage.map(dimension_text) else { continue };
        let before = stays.last().map(|stay| stay.stage.clone());
        // A stage told by a second opening (a restated creation) is no move either.
        if before.as_ref() == Some(&stage) || (entry.step == "opened" && before.is_some()) {
            continue;
        }
        let old = entry.field("old_stage").map(dimension_text);
        let gap = entry.step == "stage" && before.is_some() && old != before;
        if let Some(last) = stays.last_mut() {
            last.left_at = Some(entry.at());
        }
        stays.push(Stay { stage, entered: entry, left_at: None, gap });
    }
    stays
}

/// The marks of the stays.
pub(super) fn marks<'a>(stays: &'a [Stay<'_>]) -> impl Iterator<Item = Mark> + 'a {
    stays.iter().flat_map(|stay| {
        let at = stay.entered.at();
        let finished = stay.left_at.map(|left| Mark::new(MARKS[1], at).sum(left.millis_since(at)));
        let marks = [Some(Mark::new(MARKS[0], at)), finished];
        marks.into_iter().flatten().map(|mark| mark.with("stage", stay.stage.clone()))
    })
}

/// The stays as a customer's answer shows them.
pub(super) fn view(stays: &[Stay<'_>], id: &'static str, value: Option<&Value>) -> Value {
    let one = |stay: &Stay<'_>| {
        let at = stay.entered.at();
        let seconds = stay.left_at.map_or(Value::Null, |left| Value::Int((left.0 - at.0).div_euclid(1_000_000)));
        let mut map = Vec::from([
            item(id, value),
            item("stage", stay.stage.clone()),
            item("entered_at", at),
            item("left_at", stay.left_at),
            item("seconds", seconds),
            item("changed_by", stay.entered.field("changed_by")),
            item("gap", stay.gap),
        ]);
        if let Some(days) = stay.entered.field("days_in_stage") {
            map.push(item("days_in_stage", days.clone()));
        }
        Value::Map(map)
    };
    Value::List(stays.iter().map(one).collect())
}
