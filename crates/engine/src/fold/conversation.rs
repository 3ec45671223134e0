//! `conversation`: a room cut into conversations by its starts, each with assignments, bot, resolution and surveys.

use super::{FoldInput, Folded, Mark, reading::item, reading::millis_of_seconds, survey};
use crate::entry::Entry;
use alloc::vec::Vec;
use cebe_catalog::Value;

/// Marks this fold gives.
pub(super) const MARKS: &[&str] = &["started", "first_assigned", "resolved", "bot", "bot_contained", "csat", "nps"];

/// One conversation; without a start, what is known of a room before its first.
#[derive(Default)]
struct Conversation<'a> {
    start: Option<&'a Entry>,
    entries: Vec<&'a Entry>,
}

impl<'a> Conversation<'a> {
    fn step(&self, step: &'static str) -> impl DoubleEndedIterator<Item = &'a Entry> + '_ {
        self.entries.iter().copied().filter(move |entry| entry.step == step)
    }

    fn latest(&self, name: &str) -> Option<&'a Value> {
        self.entries.iter().rev().chain(&self.start).find_map(|entry| entry.field(name))
    }

    fn channel(&self) -> Option<&'a Value> {
        self.start.and_then(|start| start.field("channel"))
    }

    fn mark(&self, name: &'static str, entry: &Entry) -> Mark {
        let mark = Mark::new(name, entry.at()).of(entry.anchor.clone());
        self.channel().map_or(mark.clone(), |channel| mark.with("channel", super::dimension_text(channel)))
    }
}

/// Folds the entries of one room, or of one conversation.
pub(super) fn fold(input: &FoldInput<'_>) -> Folded {
    let conversations = cut(input);
    let mut folded = Folded::default();
    folded.set("room_id", input.latest("room_id"));
    for conversation in &conversations {
        mark_start(&mut folded, conversation);
        mark_bot(&mut folded, conversation);
        mark_surveys(&mut folded, conversation);
    }
    folded.view = Value::List(conversations.iter().map(|conversation| view(&folded, conversation)).collect());
    folded
}

/// A start begins a conversation, unless the starts carry a conversation id: then it is one, told again.
fn cut<'a>(input: &FoldInput<'a>) -> Vec<Conversation<'a>> {
    let mut conversations = Vec::from([Conversation::default()]);
    let one = input.step("started").all(|start| start.field("conversation_id").is_some());
    for entry in input.entries.iter().copied() {
        let begins = entry.step == "started";
        let last = conversations.len() - 1;
        if begins && one {
            conversations[last].start = conversations[last].start.or(Some(entry));
        } else if begins {
            conversations.push(Conversation { start: Some(entry), entries: Vec::new() });
        } else {
            conversations[last].entries.push(entry);
        }
    }
    conversations.retain(|conversation| conversation.start.is_some() || !conversation.entries.is_empty());
    conversations
}

fn mark_start(folded: &mut Folded, conversation: &Conversation<'_>) {
    if let Some(resolved) = conversation.step("resolved").next_back()
        && let Some(millis) = resolved.field("resolution_time_seconds").and_then(millis_of_seconds)
    {
        folded.marks.push(conversation.mark("resolved", resolved).sum(millis).from_entry(resolved, &["handled_by"]));
    }
    let Some(start) = conversation.start else { return };
    let mut mark = conversation.mark("started", start);
    if let Some(kind) = conversation.latest("assignment_type") {
        mark = mark.with("assignment_type", super::dimension_text(kind));
    }
    folded.marks.push(mark);
    if let Some(human) = conversation.step("assigned").find(|entry| entry.text("assignment_type") == Some("human")) {
        folded.marks.push(conversation.mark("first_assigned", start).sum(human.at().millis_since(start.at())));
    }
}

/// Says an entry that a bot took part?
fn shows_bot(entry: &Entry) -> bool {
    match entry.step.as_str() {
        "contained" | "escalated" => true,
        "assigned" => entry.text("assignment_type") == Some("bot"),
        "resolved" => entry.text("handled_by") == Some("bot"),
        _ => false,
    }
}

fn mark_bot(folded: &mut Folded, conversation: &Conversation<'_>) {
    let Some(first) = conversation.entries.iter().copied().find(|entry| shows_bot(entry)) else { return };
    let at = conversation.start.unwrap_or(first);
    let flow = conversation.latest("bot_flow_id").map(super::dimension_text);
    let mark = |name| {
        let mark = conversation.mark(name, at);
        flow.clone().map_or(mark.clone(), |flow| mark.with("bot_flow_id", flow))
    };
    folded.marks.push(mark("bot"));
    let outcome = |entry: &&&Entry| matches!(entry.step.as_str(), "contained" | "escalated");
    if conversation.entries.iter().rfind(outcome).is_some_and(|entry| entry.step == "contained") {
        folded.marks.push(mark("bot_contained"));
    }
}

fn mark_surveys(folded: &mut Folded, conversation: &Conversation<'_>) {
    if let Some(entry) = conversation.step("csat").next_back() {
        folded.marks.extend(survey::csat(entry, conversation.channel()));
    }
    if let Some(entry) = conversation.step("nps").next_back() {
        folded.marks.extend(survey::nps(entry));
    }
}

fn view(folded: &Folded, conversation: &Conversation<'_>) -> Value {
    let score = |step| conversation.step(step).next_back().and_then(|entry| entry.field("score"));
    let human = conversation.step("assigned").find(|entry| entry.text("assignment_type") == Some("human"));
    let resolved = conversation.step("resolved").next_back();
    Value::Map(Vec::from([
        item("room_id", folded.field("room_id")),
        item("channel", conversation.channel()),
        item("started_at", conversation.start.map(Entry::at)),
        item("first_human_at", human.map(Entry::at)),
        item("assignment_type", conversation.latest("assignment_type")),
        item("agent_id", conversation.latest("agent_id")),
        item("escalated", conversation.step("escalated").next().is_some()),
        item("resolved_at", resolved.map(Entry::at)),
        item("resolution_time_seconds", resolved.and_then(|entry| entry.field("resolution_time_seconds"))),
        item("handled_by", conversation.latest("handled_by")),
        item("csat", score("csat")),
        item("nps", score("nps")),
    ]))
}
