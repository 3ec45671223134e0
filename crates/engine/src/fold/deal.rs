//! `deal`: opening, latest size, stage history, last closing, rotten breaches. Rates are booked at the opening; the
//! counts beside them at the closing.

use super::{FoldInput, Folded, Mark, dimension_text, reading::item, stages};
use crate::entry::Entry;
use alloc::vec::Vec;
use cebe_catalog::{Amount, Value};
use smol_str::SmolStr;

/// Marks this fold gives.
pub(super) const MARKS: &[&str] = &[
    "opened",
    "size",
    "closed_cohort",
    "won_cohort",
    "lost_cohort",
    "won",
    "lost",
    "won_value",
    "conversion_time",
    stages::MARKS[0],
    stages::MARKS[1],
    "rotten",
    "rotten_cohort",
];

/// Folds the entries of one deal.
pub(super) fn fold(input: &FoldInput<'_>) -> Folded {
    let mut folded = Folded::default();
    for name in ["deal_id", "pipeline_id", "owner_id"] {
        folded.set(name, input.latest(name));
    }
    let closing = input.entries.iter().copied().rfind(|entry| matches!(entry.step.as_str(), "won" | "lost"));
    let state = closing.map_or(SmolStr::new_static("open"), |entry| entry.step.clone());
    folded.fields.push((SmolStr::new_static("state"), Value::Text(state)));
    let size = size(input);
    if let Some((entry, amount)) = size {
        folded.fields.push((SmolStr::new_static("currency"), Value::Text(input.currency(entry))));
        folded.fields.push((SmolStr::new_static("deal_size"), Value::Decimal(amount)));
    }
    let opened = input.step("opened").next();
    if let Some(opened) = opened {
        mark_opening(input, &mut folded, opened, size.map(|(_, amount)| amount), closing);
    }
    if let Some(closing) = closing {
        mark_closing(input, &mut folded, opened, size.map(|(_, amount)| amount), closing);
    }
    mark_rotten(input, &mut folded);
    let stays = stages::stays(input);
    folded.marks.extend(stages::marks(&stays));
    let id = folded.field("deal_id").cloned();
    folded.view = view(input, &folded, stages::view(&stays, "deal_id", id.as_ref()), closing);
    folded
}

/// The newest size told, with the entry that told it.
fn size<'a>(input: &FoldInput<'a>) -> Option<(&'a Entry, Amount)> {
    input.entries.iter().rev().find_map(|entry| Some((*entry, entry.field("deal_size")?.as_amount()?)))
}

fn mark_opening(
    input: &FoldInput<'_>,
    folded: &mut Folded,
    opened: &Entry,
    size: Option<Amount>,
    closing: Option<&Entry>,
) {
    let at = opened.at();
    folded.marks.push(Mark::new("opened", at));
    if let Some(size) = size {
        folded.marks.push(Mark::new("size", at).sum(size.0));
    }
    if let Some(closing) = closing {
        folded.marks.push(Mark::new("closed_cohort", at));
        let name = if closing.step == "won" { "won_cohort" } else { "lost_cohort" };
        folded.marks.push(Mark::new(name, at).from_entry(closing, &["loss_reason"]));
    }
    if input.step("rotten").next().is_some() {
        folded.marks.push(Mark::new("rotten_cohort", at));
    }
}

fn mark_closing(
    input: &FoldInput<'_>,
    folded: &mut Folded,
    opened: Option<&Entry>,
    size: Option<Amount>,
    closing: &Entry,
) {
    let at = closing.at();
    if closing.step == "lost" {
        folded.marks.push(Mark::new("lost", at).from_entry(closing, &["loss_reason"]));
        return;
    }
    folded.marks.push(Mark::new("won", at));
    if let Some(size) = size {
        folded.marks.push(Mark::new("won_value", at).sum(size.0).of(input.anchor()));
    }
    if let Some(opened) = opened {
        // A bare close date is the start of its day, which may lie before the opening on that day: no time, not less.
        folded.marks.push(Mark::new("conversion_time", at).sum(at.millis_since(opened.at()).max(0)));
    }
}

/// One breach per stage; where no stage is told, per time.
fn mark_rotten(input: &FoldInput<'_>, folded: &mut Folded) {
    let mut seen: Vec<SmolStr> = Vec::new();
    for entry in input.step("rotten") {
        let what = entry.field("stage_id").map_or_else(|| alloc::format!("@{}", entry.at().0).into(), dimension_text);
        if !seen.contains(&what) {
            seen.push(what);
            folded.marks.push(Mark::new("rotten", entry.at()).from_entry(entry, &["stage_id"]));
        }
    }
}

fn view(input: &FoldInput<'_>, folded: &Folded, history: Value, closing: Option<&Entry>) -> Value {
    let names = ["deal_id", "pipeline_id", "owner_id", "state", "deal_size", "currency"];
    let mut map = super::fields_of(&folded.fields, &names);
    map.extend([
        item("opened_at", input.step("opened").next().map(Entry::at)),
        item("closed_at", closing.map(Entry::at)),
        item("loss_reason", closing.and_then(|entry| entry.field("loss_reason"))),
        item("rotten", input.step("rotten").next().is_some()),
        item("stages", history),
    ]);
    Value::Map(map)
}
