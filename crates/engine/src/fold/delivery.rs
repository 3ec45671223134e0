//! `delivery`: the sends of one campaign to one person over one channel, and which send a reply, click or bounce
//! belongs to: that of its message id, else the one nearest to the time it names, else the newest before it.

use super::{FoldInput, Folded, Mark, reading::item};
use crate::entry::Entry;
use alloc::vec::Vec;
use cebe_catalog::{Micros, Value};

/// Marks this fold gives.
pub(super) const MARKS: &[&str] = &[
    "sent",
    "sent_replied",
    "sent_clicked",
    "undelivered",
    "cost",
    "answer",
    "answer_negative",
    "reply",
    "reply_matched",
    "reply_unmatched",
    "click",
    "click_matched",
    "click_unmatched",
];

const DIMENSIONS: &[&str] = &["campaign_id", "template_id", "channel"];

/// A send and what came of it.
struct Send<'a> {
    entry: &'a Entry,
    first_reply: Option<&'a Entry>,
    replies: i64,
    clicks: i64,
}

/// Folds the entries of one campaign, channel and person.
pub(super) fn fold(input: &FoldInput<'_>) -> Folded {
    let mut folded = Folded::default();
    for name in ["campaign_id", "channel"] {
        folded.set(name, input.latest(name));
    }
    let mut sends = sends(input);
    for entry in input.entries.iter().copied() {
        match entry.step.as_str() {
            "replied" => mark_answer(&mut folded, &mut sends, entry, ["reply", "reply_matched", "reply_unmatched"]),
            "clicked" => mark_answer(&mut folded, &mut sends, entry, ["click", "click_matched", "click_unmatched"]),
            _ => {}
        }
    }
    for send in &sends {
        mark_send(input, &mut folded, send);
    }
    mark_bounces(input, &mut folded, &sends);
    folded.view = view(input, &folded, &sends);
    folded
}

fn message_id(entry: &Entry) -> Option<&Value> {
    entry.field("broadcast_message_id")
}

/// Each send in rank order; one message id is one send, the first.
fn sends<'a>(input: &FoldInput<'a>) -> Vec<Send<'a>> {
    let mut sends: Vec<Send<'a>> = Vec::new();
    for entry in input.step("sent") {
        let id = message_id(entry);
        if id.is_none() || !sends.iter().any(|send| message_id(send.entry) == id) {
            sends.push(Send { entry, first_reply: None, replies: 0, clicks: 0 });
        }
    }
    sends
}

/// The send an answer belongs to.
fn send_of(sends: &[Send<'_>], answer: &Entry) -> Option<usize> {
    if let Some(id) = message_id(answer) {
        return sends.iter().position(|send| message_id(send.entry) == Some(id));
    }
    let before = sends.partition_point(|send| send.entry.order() < answer.order());
    match answer.field("sent_at") {
        Some(Value::Time(at)) => (0..before).min_by_key(|place| sends[*place].entry.at().0.abs_diff(at.0)),
        _ => before.checked_sub(1),
    }
}

fn mark_answer<'a>(folded: &mut Folded, sends: &mut [Send<'a>], entry: &'a Entry, names: [&'static str; 3]) {
    let place = send_of(sends, entry);
    let mark = |name| Mark::new(name, entry.at()).from_entry(entry, DIMENSIONS);
    folded.marks.push(mark(names[0]));
    folded.marks.push(mark(if place.is_some() { names[1] } else { names[2] }));
    let Some(send) = place.and_then(|place| sends.get_mut(place)) else { return };
    if entry.step == "replied" {
        send.replies += 1;
        send.first_reply = send.first_reply.or(Some(entry));
    } else {
        send.clicks += 1;
    }
}

fn mark_send(input: &FoldInput<'_>, folded: &mut Folded, send: &Send<'_>) {
    let at = send.entry.at();
    let mark = |name| Mark::new(name, at).from_entry(send.entry, DIMENSIONS);
    folded.marks.push(mark("sent").of(send.entry.anchor.clone()));
    if send.clicks > 0 {
        folded.marks.push(mark("sent_clicked"));
    }
    if let Some(cost) = send.entry.field("campaign_cost").and_then(Value::as_amount) {
        folded.marks.push(mark("cost").sum(cost.0).with("currency", input.currency(send.entry)));
    }
    let Some(reply) = send.first_reply else { return };
    folded.marks.push(mark("sent_replied"));
    // A reply that names the time of its send is a pair of the fact `answer`.
    if reply.field("sent_at").is_none() {
        let millis = reply.at().millis_since(at);
        let name = if millis < 0 { "answer_negative" } else { "answer" };
        folded.marks.push(mark(name).sum(millis));
    }
}

/// Bounces that no send cancels: one per message id, and each one without an id that no later send follows.
fn mark_bounces(input: &FoldInput<'_>, folded: &mut Folded, sends: &[Send<'_>]) {
    let mut seen: Vec<&Value> = Vec::new();
    for entry in input.step("bounced") {
        let delivered = match message_id(entry) {
            Some(id) if seen.contains(&id) => true,
            Some(id) => {
                seen.push(id);
                sends.iter().any(|send| message_id(send.entry) == Some(id))
            }
            None => sends.last().is_some_and(|send| later(send.entry, entry)),
        };
        if !delivered {
            folded.marks.push(Mark::new("undelivered", entry.at()).from_entry(entry, DIMENSIONS));
        }
    }
}

fn later(send: &Entry, bounce: &Entry) -> bool {
    send.order() > bounce.order()
}

fn view(input: &FoldInput<'_>, folded: &Folded, sends: &[Send<'_>]) -> Value {
    let last = |step| input.step(step).next_back().map(Entry::at);
    let first: Option<Micros> = sends.first().map(|send| send.entry.at());
    let mut map = super::fields_of(&folded.fields, &["campaign_id", "channel"]);
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    map.extend([
        item("sends", count(sends.len())),
        item("first_sent_at", first),
        item("last_sent_at", sends.last().map(|send| send.entry.at())),
        item("replies", count(input.step("replied").count())),
        item("clicks", count(input.step("clicked").count())),
        item("last_reply_at", last("replied")),
        item("last_click_at", last("clicked")),
        item("bounced", count(folded.marks("undelivered").count())),
    ]);
    Value::Map(map)
}
