//! `order`: what was ordered, how far it is paid, delivered or not, and failed attempts. Ratios are booked when the order was
//! created, and only once it was.

use super::{FoldInput, Folded, Mark, dimension_text, reading::item};
use crate::entry::Entry;
use alloc::vec::Vec;
use cebe_catalog::{Amount, Micros, Value};
use smol_str::SmolStr;

/// Marks this fold gives.
pub(super) const MARKS: &[&str] =
    &["created", "fully_paid", "partly_paid", "paid_value", "paid_order", "delivered", "failed"];

/// One payment of the order, restatements merged.
struct Payment<'a> {
    first_at: Micros,
    newest: &'a Entry,
}

/// Folds the entries of one order.
pub(super) fn fold(input: &FoldInput<'_>) -> Folded {
    let payments = payments(input);
    let mut folded = Folded::default();
    folded.set("order_id", input.first("order_id"));
    let methods = |step| input.step(step).rev().find_map(|entry| entry.field("payment_method"));
    folded.set("payment_method", methods("paid").or_else(|| methods("created")));
    let total = input.step("created").rev().find_map(|entry| Some((entry, entry.field("total_value")?.as_amount()?)));
    let currency = total.map(|(entry, _)| input.currency(entry));
    if let Some(currency) = currency.or_else(|| payments.first().map(|payment| input.currency(payment.newest))) {
        folded.fields.push((SmolStr::new_static("currency"), Value::Text(currency)));
    }
    let total = total.map(|(_, amount)| amount);
    let paid = is_paid(input, &payments, total, &folded);
    mark_creation(input, &mut folded, &payments, total, paid);
    mark_rest(input, &mut folded, &payments);
    folded.view = view(input, &folded, &payments, total, paid);
    folded
}

/// Payments in the order of their first word; one id told again is one payment.
fn payments<'a>(input: &FoldInput<'a>) -> Vec<Payment<'a>> {
    let mut payments: Vec<Payment<'a>> = Vec::new();
    for entry in input.step("paid") {
        let id = entry.field("payment_id");
        let known = payments.iter_mut().find(|known| id.is_some() && known.newest.field("payment_id") == id);
        match known {
            Some(known) => known.newest = entry,
            None => payments.push(Payment { first_at: entry.at(), newest: entry }),
        }
    }
    payments
}

/// Fully paid: a `full` payment, or payments in the order's currency that reach its total.
fn is_paid(input: &FoldInput<'_>, payments: &[Payment<'_>], total: Option<Amount>, folded: &Folded) -> bool {
    let currency = folded.field("currency").map(dimension_text);
    let full = payments.iter().any(|payment| payment.newest.text("payment_type") == Some("full"));
    let same = payments.iter().filter(|payment| Some(input.currency(payment.newest)) == currency);
    let sum: i128 =
        same.filter_map(|payment| payment.newest.field("amount")?.as_amount()).map(|a| i128::from(a.0)).sum();
    full || (!payments.is_empty() && total.is_some_and(|total| sum >= i128::from(total.0)))
}

fn mark_creation(
    input: &FoldInput<'_>,
    folded: &mut Folded,
    payments: &[Payment<'_>],
    total: Option<Amount>,
    paid: bool,
) {
    let Some(created) = input.step("created").next() else { return };
    let at = created.at();
    folded.marks.push(Mark::new("created", at).of(input.anchor()));
    if payments.is_empty() {
        return;
    }
    folded.marks.push(Mark::new(if paid { "fully_paid" } else { "partly_paid" }, at));
    if let Some(total) = total {
        folded.marks.push(Mark::new("paid_value", at).sum(total.0));
    }
}

fn mark_rest(input: &FoldInput<'_>, folded: &mut Folded, payments: &[Payment<'_>]) {
    if let Some(first) = payments.first() {
        folded.marks.push(Mark::new("paid_order", first.first_at).of(input.anchor()));
    }
    if let Some(delivered) = input.step("delivered").next() {
        folded.marks.push(Mark::new("delivered", delivered.at()).from_entry(delivered, &["delivery_method"]));
    }
    let attempts = input.step("failed").filter_map(|entry| entry.field("attempt_count")?.as_int()).max();
    if let (Some(first), Some(attempts)) = (input.step("failed").next(), attempts) {
        folded.marks.push(Mark::new("failed", first.at()).sum(attempts));
        folded.set("failed_attempts", Some(&Value::Int(attempts)));
    }
}

fn view(input: &FoldInput<'_>, folded: &Folded, payments: &[Payment<'_>], total: Option<Amount>, paid: bool) -> Value {
    let state = match (paid, payments.is_empty()) {
        (true, _) => "paid",
        (false, false) => "partly_paid",
        (false, true) => "unpaid",
    };
    let one = |payment: &Payment<'_>| {
        Value::Map(Vec::from([
            item("paid_at", payment.first_at),
            item("amount", payment.newest.field("amount")),
            item("currency", input.currency(payment.newest)),
            item("payment_type", payment.newest.field("payment_type")),
            item("payment_method", payment.newest.field("payment_method")),
        ]))
    };
    Value::Map(Vec::from([
        item("order_id", folded.field("order_id")),
        item("created_at", input.step("created").next().map(Entry::at)),
        item("total_value", total.map_or(Value::Null, Value::Decimal)),
        item("currency", folded.field("currency")),
        item("payment_method", folded.field("payment_method")),
        item("state", state),
        item("payments", Value::List(payments.iter().map(one).collect())),
        item("delivered_at", input.step("delivered").next().map(Entry::at)),
        item("failed_attempts", folded.field("failed_attempts")),
        item("items", input.step("created").rev().find_map(|entry| entry.field("items"))),
    ]))
}
