//! `ticket`: opening, stage history, first resolution, reopening, breaches. Ratios are booked at the opening.

use super::{FoldInput, Folded, Mark, dimension_text, reading::item, reading::millis_of_seconds, stages};
use crate::entry::Entry;
use alloc::vec::Vec;
use cebe_catalog::{Micros, Value};
use smol_str::SmolStr;

/// Marks this fold gives.
pub(super) const MARKS: &[&str] = &[
    "opened",
    "solved",
    "resolved_first",
    "resolution_time",
    "resolution_negative",
    stages::MARKS[0],
    stages::MARKS[1],
    "breach",
    "breached_any",
    "breached_type",
];

/// Folds the entries of one ticket.
pub(super) fn fold(input: &FoldInput<'_>) -> Folded {
    let mut folded = Folded::default();
    for name in ["ticket_id", "pipeline_id", "category", "priority", "channel", "team_id", "resolution_type"] {
        folded.set(name, input.latest(name));
    }
    folded.set("agent_id", agent(input));
    let stays = stages::stays(input);
    if let Some(stay) = stays.last() {
        folded.fields.push((SmolStr::new_static("stage"), Value::Text(stay.stage.clone())));
    }
    let opened = input.step("opened").next();
    let resolved = input.step("resolved").next();
    let solved = resolved.is_some() && !reopened(input);
    mark_life(&mut folded, opened, resolved, solved);
    let breaches = breaches(input);
    mark_breaches(&mut folded, opened, &breaches);
    folded.marks.extend(stages::marks(&stays));
    let id = folded.field("ticket_id").cloned();
    let history = stages::view(&stays, "ticket_id", id.as_ref());
    folded.view = view(input, &folded, history, opened, solved);
    folded
}

/// The newest agent: assigned, resolving, or named at the opening.
fn agent<'a>(input: &FoldInput<'a>) -> Option<&'a Value> {
    input.entries.iter().rev().find_map(|entry| entry.field("agent_id").or_else(|| entry.field("assigned_id")))
}

/// Did it, after the last resolution and strictly later in time, move back to a stage it had held before?
fn reopened(input: &FoldInput<'_>) -> bool {
    let Some(place) = input.entries.iter().rposition(|entry| entry.step == "resolved") else { return false };
    let resolved_at = input.entries[place].at();
    let (before, after) = input.entries.split_at(place);
    let held: Vec<SmolStr> = before
        .iter()
        .flat_map(|entry| [entry.field("stage_id"), entry.field("old_stage"), entry.field("new_stage")])
        .flatten()
        .map(dimension_text)
        .collect();
    let moves = after.iter().filter(|entry| entry.step == "stage" && entry.at() > resolved_at);
    let real = moves.filter(|entry| entry.field("old_stage") != entry.field("new_stage"));
    real.filter_map(|entry| entry.field("new_stage")).any(|stage| held.contains(&dimension_text(stage)))
}

fn mark_life(folded: &mut Folded, opened: Option<&Entry>, resolved: Option<&Entry>, solved: bool) {
    if let Some(resolved) = resolved {
        folded.marks.push(Mark::new("resolved_first", resolved.at()).from_entry(resolved, &["resolution_type"]));
    }
    let Some(opened) = opened else { return };
    let at = opened.at();
    folded.marks.push(Mark::new("opened", at));
    if solved {
        folded.marks.push(Mark::new("solved", at));
    }
    if let Some(resolved) = resolved {
        let millis = resolved.at().millis_since(at);
        let mark = if millis < 0 {
            Mark::new("resolution_negative", at)
        } else {
            Mark::new("resolution_time", at).sum(millis)
        };
        folded.marks.push(mark.from_entry(resolved, &["resolution_type"]));
    }
}

/// Per type: the first breach and the longest duration told.
fn breaches(input: &FoldInput<'_>) -> Vec<(SmolStr, Micros, i128)> {
    let mut breaches: Vec<(SmolStr, Micros, i128)> = Vec::new();
    for entry in input.step("breached") {
        let kind = entry.field("sla_type").map(dimension_text).unwrap_or_default();
        let millis = entry.field("breach_duration_seconds").and_then(millis_of_seconds).unwrap_or(0);
        match breaches.iter_mut().find(|(known, ..)| *known == kind) {
            Some((_, _, longest)) => *longest = millis.max(*longest),
            None => breaches.push((kind, entry.at(), millis)),
        }
    }
    breaches
}

fn mark_breaches(folded: &mut Folded, opened: Option<&Entry>, breaches: &[(SmolStr, Micros, i128)]) {
    for (kind, at, millis) in breaches {
        folded.marks.push(Mark::new("breach", *at).sum(*millis).with("sla_type", kind.clone()));
        if let Some(opened) = opened {
            folded.marks.push(Mark::new("breached_type", opened.at()).with("sla_type", kind.clone()));
        }
    }
    if let (Some(opened), false) = (opened, breaches.is_empty()) {
        folded.marks.push(Mark::new("breached_any", opened.at()));
    }
}

fn view(input: &FoldInput<'_>, folded: &Folded, history: Value, opened: Option<&Entry>, solved: bool) -> Value {
    let assignment = |entry: &Entry| {
        Value::Map(Vec::from([
            item("at", entry.at()),
            item("agent_id", entry.field("agent_id")),
            item("team_id", entry.field("team_id")),
        ]))
    };
    let names = ["ticket_id", "pipeline_id", "category", "priority", "channel", "stage", "agent_id", "team_id"];
    let mut map = super::fields_of(&folded.fields, &names);
    map.extend([
        item("opened_at", opened.map(Entry::at)),
        item("resolved", solved),
        item("first_resolved_at", input.step("resolved").next().map(Entry::at)),
        item("last_resolved_at", input.step("resolved").next_back().map(Entry::at)),
        item("assignments", Value::List(input.step("assigned").map(assignment).collect())),
        item("stages", history),
    ]);
    Value::Map(map)
}
