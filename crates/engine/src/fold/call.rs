//! `call`: a call with its start, assignment and end. A room without call ids is cut into calls.

use super::{FoldInput, Folded, Mark, dimension_text, reading::item, reading::millis_of_seconds};
use crate::entry::Entry;
use alloc::vec::Vec;
use cebe_catalog::Value;

/// Marks this fold gives.
pub(super) const MARKS: &[&str] = &["call", "customer_call", "answered", "unanswered"];

/// One call.
#[derive(Default)]
struct Call<'a> {
    start: Option<&'a Entry>,
    end: Option<&'a Entry>,
    agent: Option<&'a Value>,
}

impl<'a> Call<'a> {
    fn field(&self, name: &str) -> Option<&'a Value> {
        self.end.and_then(|end| end.field(name)).or_else(|| self.start.and_then(|start| start.field(name)))
    }

    fn mark(&self, name: &'static str, entry: &Entry) -> Mark {
        let mut mark = Mark::new(name, entry.at()).of(entry.anchor.clone());
        for name in ["channel", "call_type"] {
            if let Some(value) = self.field(name) {
                mark = mark.with(name, dimension_text(value));
            }
        }
        mark
    }
}

/// Folds the entries of one call, or of one room's calls.
pub(super) fn fold(input: &FoldInput<'_>) -> Folded {
    let calls = cut(input);
    let mut folded = Folded::default();
    for call in &calls {
        if let Some(entry) = call.start.or(call.end) {
            folded.marks.push(call.mark("call", entry));
            // Customers start inbound calls only, so a start says who called.
            if call.start.is_some() || call.field("call_type").and_then(Value::as_text) == Some("inbound") {
                folded.marks.push(call.mark("customer_call", entry));
            }
        }
        let Some(end) = call.end else { continue };
        match end.field("duration_seconds").and_then(millis_of_seconds) {
            Some(millis) if millis > 0 => folded.marks.push(call.mark("answered", end).sum(millis)),
            Some(_) => folded.marks.push(call.mark("unanswered", end)),
            None => {}
        }
    }
    folded.view = Value::List(calls.iter().map(view).collect());
    folded
}

/// With a call id everything is one call, its end the latest told. In a room a start begins a call, and an end that
/// finds no open call is one of its own.
fn cut<'a>(input: &FoldInput<'a>) -> Vec<Call<'a>> {
    let one = input.entries.iter().any(|entry| entry.field("call_id").is_some());
    let mut calls: Vec<Call<'a>> = Vec::new();
    for entry in input.entries.iter().copied() {
        let open = calls.last().is_some_and(|call| one || (call.end.is_none() && entry.step != "started"));
        if !open {
            calls.push(Call::default());
        }
        let Some(call) = calls.last_mut() else { continue };
        match entry.step.as_str() {
            "started" => call.start = call.start.or(Some(entry)),
            "completed" => call.end = Some(entry),
            _ => call.agent = entry.field("agent_id").or(call.agent),
        }
    }
    calls
}

fn view(call: &Call<'_>) -> Value {
    Value::Map(Vec::from([
        item("started_at", call.start.map(Entry::at)),
        item("ended_at", call.end.map(Entry::at)),
        item("duration_seconds", call.field("duration_seconds")),
        item("channel", call.field("channel")),
        item("call_type", call.field("call_type")),
        item("agent_id", call.agent),
    ]))
}
