//! `payment`: one payment; told again under the same id it keeps its first time and takes the newest amount.

use super::{FoldInput, Folded, Mark, dimension_text};

/// Marks this fold gives.
pub(super) const MARKS: &[&str] = &["paid"];

/// Folds the entries of one payment.
pub(super) fn fold(input: &FoldInput<'_>) -> Folded {
    let mut folded = Folded::default();
    folded.set("order_id", input.latest("order_id"));
    folded.set("payment_type", input.latest("payment_type"));
    folded.set("payment_method", input.latest("payment_method"));
    let told = input.step("paid").rev().find_map(|entry| Some((entry, entry.field("amount")?.as_amount()?)));
    if let (Some(first), Some((newest, amount))) = (input.step("paid").next(), told) {
        let mut mark = Mark::new("paid", first.at()).sum(amount.0).with("currency", input.currency(newest));
        mark = mark.of(input.anchor());
        if let Some(method) = folded.field("payment_method") {
            mark = mark.with("payment_method", dimension_text(method));
        }
        folded.marks.push(mark);
    }
    folded
}
