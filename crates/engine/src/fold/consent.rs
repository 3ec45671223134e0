//! `consent`: in or out per channel over time. `all` covers every channel, a later word on one channel overrides it, and
//! out wins where both are said at the same time.

use super::{FoldInput, Folded, Mark, dimension_text, reading::item};
use crate::entry::Entry;
use alloc::vec::Vec;
use cebe_catalog::{Micros, Value};
use smol_str::SmolStr;

/// Marks this fold gives.
pub(super) const MARKS: &[&str] = &["status", "opted_in", "opted_out"];

const ALL: &str = "all";

/// A word of one instant.
struct Word {
    at: Micros,
    out: bool,
    /// It was said of the channel itself, not only of all.
    own: bool,
}

/// Folds a person's opt-ins and opt-outs.
pub(super) fn fold(input: &FoldInput<'_>) -> Folded {
    let mut channels: Vec<SmolStr> = input.entries.iter().map(|entry| channel(entry)).collect();
    channels.sort();
    channels.dedup();
    let mut folded = Folded::default();
    let mut shown = Vec::new();
    for channel in channels {
        let words = words(input, &channel);
        if let Some(view) = mark_channel(&mut folded, &channel, &words) {
            shown.push((channel, view));
        }
    }
    folded.view = Value::Map(shown);
    folded
}

/// The channel an entry speaks of; a word that names none is about all.
fn channel(entry: &Entry) -> SmolStr {
    entry.field("channel").map_or(SmolStr::new_static(ALL), dimension_text)
}

/// What was said of a channel, one word per instant.
fn words(input: &FoldInput<'_>, of: &SmolStr) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    for entry in input.entries {
        let said_of = channel(entry);
        if said_of != *of && said_of != ALL {
            continue;
        }
        let word = Word { at: entry.at(), out: entry.step == "out", own: said_of == *of };
        match words.last_mut() {
            Some(last) if last.at == word.at => (last.out, last.own) = (last.out || word.out, last.own || word.own),
            _ => words.push(word),
        }
    }
    words
}

fn mark_channel(folded: &mut Folded, channel: &SmolStr, words: &[Word]) -> Option<Value> {
    let mut changes: Vec<&Word> = Vec::new();
    for word in words {
        if changes.last().is_none_or(|last| last.out != word.out) {
            changes.push(word);
        }
    }
    for (place, change) in changes.iter().enumerate() {
        let until = changes.get(place + 1).map(|next| next.at);
        let status = status(change.out);
        let mark = |name| Mark::new(name, change.at).with("channel", channel.clone());
        folded.marks.push(mark("status").until(until).with("status", status));
        if change.own {
            folded.marks.push(mark(if change.out { "opted_out" } else { "opted_in" }));
        }
    }
    let last = changes.last()?;
    Some(Value::Map(Vec::from([item("status", status(last.out)), item("since", last.at)])))
}

fn status(out: bool) -> &'static str {
    if out { "out" } else { "in" }
}
