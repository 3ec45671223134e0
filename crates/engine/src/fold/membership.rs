//! `membership`: one member's programs: active or not, tier and balance over time. An entry without a program belongs to
//! every program of the member.

use super::{FoldInput, Folded, Mark, dimension_text, reading::item};
use crate::entry::Entry;
use alloc::vec::Vec;
use cebe_catalog::{Micros, Value};
use smol_str::SmolStr;

/// Marks this fold gives.
pub(super) const MARKS: &[&str] = &["member", "balance", "enrolled", "enrolled_first"];

/// What is true of a membership from an instant on.
#[derive(Clone, Default, PartialEq)]
struct State {
    active: bool,
    since: Option<Micros>,
    tier: Option<SmolStr>,
}

/// Folds the entries of one member.
pub(super) fn fold(input: &FoldInput<'_>) -> Folded {
    let mut folded = Folded::default();
    folded.set("member_id", input.latest("member_id"));
    let mut programs: Vec<SmolStr> =
        input.entries.iter().filter_map(|entry| entry.field("program_id")).map(dimension_text).collect();
    programs.sort();
    programs.dedup();
    if programs.is_empty() {
        programs.push(SmolStr::default());
    }
    let views: Vec<Value> = programs.iter().map(|program| fold_program(input, &mut folded, program)).collect();
    folded.view = Value::List(views);
    folded
}

fn fold_program(input: &FoldInput<'_>, folded: &mut Folded, program: &SmolStr) -> Value {
    let of_program = |entry: &&Entry| entry.field("program_id").is_none_or(|told| dimension_text(told) == *program);
    let entries: Vec<&Entry> = input.entries.iter().copied().filter(of_program).collect();
    let state = mark_membership(folded, &entries, program);
    let (balance, expires_at) = mark_balance(folded, &entries, program);
    mark_enrolments(folded, &entries, program);
    Value::Map(Vec::from([
        item("member_id", input.latest("member_id")),
        item("program_id", program.clone()),
        item("active", state.active),
        item("since", state.since),
        item("tier", state.tier.map_or(Value::Null, Value::Text)),
        item("available_points", balance),
        item("expires_at", expires_at),
    ]))
}

/// Levels while active, cut where the tier changes. Unenrolled wins against enrolled at the same time.
fn mark_membership(folded: &mut Folded, entries: &[&Entry], program: &SmolStr) -> State {
    let mut now = State::default();
    let mut from = Micros::default();
    let mut push = |state: &State, from: Micros, until: Option<Micros>| {
        if state.active && until != Some(from) {
            let tier = state.tier.clone().unwrap_or(SmolStr::new_static("none"));
            folded
                .marks
                .push(Mark::new("member", from).until(until).with("program_id", program.clone()).with("tier", tier));
        }
    };
    for entry in entries {
        let next = after(&now, entry, entries);
        if (next.active, &next.tier) != (now.active, &now.tier) {
            push(&now, from, Some(entry.at()));
            from = entry.at();
        }
        now = next;
    }
    push(&now, from, None);
    now
}

fn after(now: &State, entry: &Entry, entries: &[&Entry]) -> State {
    let mut next = now.clone();
    match entry.step.as_str() {
        "enrolled" => {
            let undone = entries.iter().any(|other| other.step == "unenrolled" && other.at() == entry.at());
            if !undone && !next.active {
                (next.active, next.since) = (true, Some(entry.at()));
            }
            next.tier = entry.field("initial_tier").map(dimension_text).or(next.tier);
        }
        "unenrolled" => (next.active, next.since) = (false, None),
        "tier" => next.tier = entry.field("new_tier").map(dimension_text).or(next.tier),
        _ => {}
    }
    next
}

/// Balances as levels: from the entry that tells one to the next that does, or to the expiry known then.
fn mark_balance(folded: &mut Folded, entries: &[&Entry], program: &SmolStr) -> (Value, Option<Micros>) {
    let told: Vec<(&Entry, i64)> =
        entries.iter().filter_map(|entry| Some((*entry, entry.field("available_point")?.as_amount()?.0))).collect();
    let mut expiry: Option<Micros> = None;
    for (place, (entry, balance)) in told.iter().enumerate() {
        if let Some(Value::Time(at)) = entry.field("expired_point_at") {
            expiry = Some(*at);
        }
        // An expiry that had passed when a newer balance was told is over; one to come still holds.
        expiry = expiry.filter(|at| *at > entry.at());
        let next = told.get(place + 1).map(|(next, _)| next.at());
        let until = [next, expiry].into_iter().flatten().min();
        if *balance != 0 && until != Some(entry.at()) {
            let mark = Mark::new("balance", entry.at()).until(until).sum(*balance);
            folded.marks.push(mark.with("program_id", program.clone()));
        }
    }
    let balance = told.last().map_or(Value::Null, |(_, balance)| Value::Decimal(cebe_catalog::Amount(*balance)));
    (balance, expiry)
}

/// Each enrolment (one time once), and the first of all.
fn mark_enrolments(folded: &mut Folded, entries: &[&Entry], program: &SmolStr) {
    let mut times: Vec<Micros> =
        entries.iter().filter(|entry| entry.step == "enrolled").map(|entry| entry.at()).collect();
    times.dedup();
    let mark = |name, at| Mark::new(name, at).with("program_id", program.clone());
    folded.marks.extend(times.first().map(|at| mark("enrolled_first", *at)));
    folded.marks.extend(times.iter().map(|at| mark("enrolled", *at)));
}
