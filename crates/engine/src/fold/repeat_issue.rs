//! `repeat_issue`: did a person open two tickets about the same thing within the time the company sets?

use super::{FoldInput, Folded, Mark, dimension_text, reading::item};
use crate::entry::Entry;
use alloc::vec::Vec;
use cebe_catalog::{Value, time::DAY};

/// Marks this fold gives.
pub(super) const MARKS: &[&str] = &["has_ticket", "flagged", "flagged_cohort"];

/// Folds the tickets of one person.
pub(super) fn fold(input: &FoldInput<'_>) -> Folded {
    let tickets = tickets(input);
    let pairs = pairs(input, &tickets);
    let mut folded = Folded::default();
    if let Some(first) = tickets.first() {
        folded.marks.push(Mark::new("has_ticket", first.at()));
        if let Some((_, second)) = pairs.iter().min_by_key(|(_, second)| second.order()) {
            folded.marks.push(Mark::new("flagged", second.at()));
            folded.marks.push(Mark::new("flagged_cohort", first.at()));
        }
    }
    let shown = pairs.iter().map(|(first, second)| {
        Value::Map(Vec::from([
            item("first_ticket_id", first.field("ticket_id")),
            item("second_ticket_id", second.field("ticket_id")),
            item("about", second.field("category").or_else(|| second.field("pipeline_id"))),
            item("at", second.at()),
        ]))
    });
    folded.view = Value::List(shown.collect());
    folded
}

/// Each ticket once, at its first opening.
fn tickets<'a>(input: &FoldInput<'a>) -> Vec<&'a Entry> {
    let mut tickets: Vec<&'a Entry> = Vec::new();
    for entry in input.step("opened") {
        let id = entry.field("ticket_id");
        if id.is_some() && !tickets.iter().any(|known| known.field("ticket_id") == id) {
            tickets.push(entry);
        }
    }
    tickets
}

/// Each ticket with the one before it about the same thing, when that is near enough.
fn pairs<'a>(input: &FoldInput<'_>, tickets: &[&'a Entry]) -> Vec<(&'a Entry, &'a Entry)> {
    let window = i64::from(input.settings.repeat_issue_days) * DAY;
    let mut pairs = Vec::new();
    for (place, second) in tickets.iter().enumerate() {
        let before = tickets[..place].iter().rfind(|first| about(first).is_some() && about(first) == about(second));
        if let Some(first) = before.filter(|first| second.at().0 - first.at().0 <= window) {
            pairs.push((*first, *second));
        }
    }
    pairs
}

/// What a ticket is about: its category, else its pipeline; the one never equals the other.
fn about(entry: &Entry) -> Option<(bool, smol_str::SmolStr)> {
    let category = entry.field("category").map(|value| (true, dimension_text(value)));
    category.or_else(|| entry.field("pipeline_id").map(|value| (false, dimension_text(value))))
}
