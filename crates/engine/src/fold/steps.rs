//! `steps`: the general fold. Every entry gives the mark `<step>`; the first of a step `<step>.first`; each numeric field
//! `<step>.<field>` with millionths as sum; the first `a` and the first later `b` give `<a>_to_<b>` with milliseconds, at `a`.

use super::{FoldInput, Folded, Mark, dimension_text};
use crate::entry::Entry;
use alloc::{format, vec::Vec};
use cebe_catalog::Value;
use smol_str::SmolStr;

/// Marks are named after the definition's steps and fields.
pub(super) const MARKS: &[&str] = &[];

/// Folds entries of any definition: fields are the newest of each name.
pub(super) fn fold(input: &FoldInput<'_>) -> Folded {
    let mut folded = Folded::default();
    for entry in input.entries.iter().rev() {
        for (name, value) in &entry.fields {
            if !value.is_null() && folded.field(name).is_none() {
                folded.fields.push((name.clone(), value.clone()));
            }
        }
    }
    let mut firsts: Vec<&Entry> = Vec::new();
    for entry in input.entries.iter().copied() {
        folded.marks.push(mark(input, entry, entry.step.clone()));
        if !firsts.iter().any(|first| first.step == entry.step) {
            firsts.push(entry);
            folded.marks.push(mark(input, entry, format!("{}.first", entry.step).into()));
        }
        mark_numbers(input, &mut folded, entry);
    }
    mark_elapsed(input, &mut folded, &firsts);
    folded.view = Value::Map(folded.fields.clone());
    folded
}

/// A mark with the entry's own fields as dimensions, and a currency for what may be money.
fn mark(input: &FoldInput<'_>, entry: &Entry, name: SmolStr) -> Mark {
    let mut mark = Mark { name, at: entry.at(), count: 1, anchor: entry.anchor.clone(), ..Mark::default() };
    let named = entry.fields.iter().filter(|(_, value)| !value.is_null());
    mark.fields = named.map(|(name, value)| (name.clone(), dimension_text(value))).collect();
    if mark.dimension("currency").is_none() {
        mark = mark.with("currency", input.currency(entry));
    }
    mark
}

fn mark_numbers(input: &FoldInput<'_>, folded: &mut Folded, entry: &Entry) {
    for (name, value) in &entry.fields {
        if let Some(amount) = value.as_amount() {
            let name = format!("{}.{name}", entry.step).into();
            folded.marks.push(mark(input, entry, name).sum(amount.0));
        }
    }
}

/// For each step's first entry, the first later entry of every other step.
fn mark_elapsed(input: &FoldInput<'_>, folded: &mut Folded, firsts: &[&Entry]) {
    for from in firsts {
        for other in firsts.iter().filter(|other| other.step != from.step) {
            let later = |entry: &&&Entry| entry.step == other.step && entry.order() > from.order();
            if let Some(to) = input.entries.iter().find(later) {
                let name = format!("{}_to_{}", from.step, to.step).into();
                folded.marks.push(mark(input, from, name).sum(to.at().millis_since(from.at())));
            }
        }
    }
}
