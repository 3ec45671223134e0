//! `revenue`: credits each payment of a window to the last broadcast the person clicked or replied to before it, else
//! to the last one delivered shortly before. Entries of the window before are context.

use super::{FoldInput, Folded, Mark};
use crate::entry::Entry;
use alloc::vec::Vec;
use cebe_catalog::{Amount, Micros, Value, time::HOUR};

/// Marks this fold gives.
pub(super) const MARKS: &[&str] = &["attributed"];

/// Folds two windows of one person.
pub(super) fn fold(input: &FoldInput<'_>) -> Folded {
    let touch = i64::from(input.settings.attribution_touch_hours) * HOUR;
    let send = (i64::from(input.settings.attribution_send_hours) * HOUR).min(touch);
    let own_from = input.own_from.unwrap_or(Micros(i64::MIN));
    let mut folded = Folded::default();
    for (at, payment, amount) in payments(input) {
        if at < own_from {
            continue;
        }
        let credited = last(input, "touched", at, touch).or_else(|| last(input, "sent", at, send));
        if let Some(broadcast) = credited {
            let mark = Mark::new("attributed", at).sum(amount.0).with("currency", input.currency(payment));
            folded.marks.push(mark.from_entry(broadcast, &["campaign_id", "channel"]).of(payment.anchor.clone()));
        }
    }
    folded
}

/// The last entry of a step in the `window` before `at`, both ends included.
fn last<'a>(input: &FoldInput<'a>, step: &'static str, at: Micros, window: i64) -> Option<&'a Entry> {
    let inside = |entry: &&Entry| entry.at() <= at && at.0 - entry.at().0 <= window;
    input.step(step).rfind(inside)
}

/// Payments (and won deals, when they count): one id told again keeps its first time and takes the newest amount.
fn payments<'a>(input: &FoldInput<'a>) -> Vec<(Micros, &'a Entry, Amount)> {
    let deals = input.settings.attribute_deals;
    let mut payments: Vec<(Micros, &'a Entry, Amount)> = Vec::new();
    for entry in input.entries.iter().copied() {
        let id = match entry.step.as_str() {
            "paid" => entry.field("payment_id"),
            "won" if deals => entry.field("deal_id"),
            _ => continue,
        };
        let Some(amount) = entry.field("amount").and_then(Value::as_amount) else { continue };
        let same = |known: &&mut (Micros, &Entry, Amount)| {
            let name = if entry.step == "paid" { "payment_id" } else { "deal_id" };
            id.is_some() && known.1.step == entry.step && known.1.field(name) == id
        };
        match payments.iter_mut().find(same) {
            Some(known) => (known.1, known.2) = (entry, amount),
            None => payments.push((entry.at(), entry, amount)),
        }
    }
    payments
}
