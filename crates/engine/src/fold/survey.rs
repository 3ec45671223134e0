//! `survey`: scores that customers gave, the latest of one survey. Those that name a room are counted in its conversation.

use super::{FoldInput, Folded, Mark, dimension_text};
use crate::entry::Entry;
use cebe_catalog::{Value, amount::UNIT};

/// Marks this fold gives.
pub(super) const MARKS: &[&str] = &["csat", "nps"];

/// Folds the entries of one survey.
pub(super) fn fold(input: &FoldInput<'_>) -> Folded {
    let mut folded = Folded::default();
    let last = |step| input.step(step).rfind(|entry| entry.field("room_id").is_none());
    folded.marks.extend(last("csat").and_then(|entry| csat(entry, None)));
    folded.marks.extend(last("nps").and_then(nps));
    folded
}

/// The mark of a CSAT score, in millionths.
pub(super) fn csat(entry: &Entry, channel: Option<&Value>) -> Option<Mark> {
    let score = entry.field("score")?.as_amount()?;
    let mut mark = Mark::new("csat", entry.at()).sum(score.0).from_entry(entry, &["agent_id"]).of(entry.anchor.clone());
    if let Some(channel) = entry.field("channel").or(channel) {
        mark = mark.with("channel", dimension_text(channel));
    }
    Some(mark)
}

/// The mark of an NPS score, in millionths, with its group.
pub(super) fn nps(entry: &Entry) -> Option<Mark> {
    let score = entry.field("score")?.as_amount()?;
    let group = match score.0 {
        score if score >= 9 * UNIT => "promoter",
        score if score >= 7 * UNIT => "passive",
        _ => "detractor",
    };
    let mark = Mark::new("nps", entry.at()).sum(score.0).with("group", group);
    Some(mark.from_entry(entry, &["agent_id"]).of(entry.anchor.clone()))
}
