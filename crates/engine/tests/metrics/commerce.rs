//! Requirements of section 9 on bookings and commerce.

use crate::support::{DAY, World, number, text, time, whole};
use cebe_catalog::Value;

fn order(world: &mut World, id: &str, at: i64, total: &str) {
    world.push("order.created", "c", at, &[("order_id", text(id)), ("total_value", number(total))]);
}

fn paid(world: &mut World, id: &str, at: i64, kind: &str, amount: &str) {
    let attributes = [("order_id", text(id)), ("payment_type", text(kind)), ("paid_amount", number(amount))];
    world.push("order.paid", "c", at, &attributes);
}

/// ANCHOR-5-PAID: a down payment is not paid; down payment and rest are; a `full` payment is, whatever its amount.
#[test]
fn an_order_is_paid_when_its_total_is_reached() {
    type Payments = &'static [(&'static str, &'static str)];
    let cases: [(Payments, &str, &str); 5] = [
        (&[], "0", "0"),
        (&[("dp", "30")], "0", "1"),
        (&[("dp", "30"), ("dp", "70")], "1", "0"),
        (&[("dp", "30"), ("full", "60")], "1", "0"),
        (&[("dp", "0")], "0", "1"),
    ];
    for (payments, rate, partly) in cases {
        let mut world = World::new();
        for (at, (kind, amount)) in payments.iter().enumerate() {
            paid(&mut world, "o", i64::try_from(at).unwrap(), kind, amount);
        }
        assert_eq!(world.company().value("paid_rate"), "null");
        order(&mut world, "o", 0, "100");
        let answer = world.company().metric("paid_rate");
        assert_eq!(answer.value.to_text().as_deref(), Some(rate), "{payments:?}");
        assert_eq!(answer.beside["partly_paid"].to_text().as_deref(), Some(partly), "{payments:?}");
    }
}

/// ANCHOR-5-LTV: every payment adds, exactly, with or without an order; one payment id told again replaces.
#[test]
fn total_spend_adds_every_payment() {
    let mut world = World::new();
    paid(&mut world, "o", 1, "dp", "0.10");
    paid(&mut world, "o", 2, "full", "0.20");
    world.push("order.paid", "c", 3, &[("paid_amount", number("0.000001"))]);
    assert_eq!(world.company().value("total_spend"), "0.300001");
    for (at, amount) in [(4, "5"), (5, "7")] {
        world.push("order.paid", "c", at, &[("payment_id", text("p")), ("paid_amount", number(amount))]);
    }
    assert_eq!(world.company().value("total_spend"), "7.300001");
    assert_eq!(world.company().value("payments"), "4");
    assert_eq!(world.customer("c", DAY)["total_spend"].value.to_text().as_deref(), Some("7.300001"));
}

/// ANCHOR-5-AOV: orders without a payment are left out; the mean is rounded half to even at six digits.
#[test]
fn average_order_value_is_of_paid_orders() {
    let mut world = World::new();
    order(&mut world, "free", 0, "1000");
    assert_eq!(world.company().value("avg_order_value"), "null");
    for (id, total) in [("a", "10"), ("b", "10"), ("d", "10.000001")] {
        order(&mut world, id, 0, total);
        paid(&mut world, id, 1, "dp", "1");
    }
    assert_eq!(world.company().value("avg_order_value"), "10.00");
}

/// ANCHOR-5-METHOD: the method of most paid orders; a tie goes to the latest; the payment's own method wins.
#[test]
fn the_preferred_method_is_the_most_used() {
    let mut world = World::new();
    for (id, at, own, of_order) in [("a", 1, "card", "qris"), ("b", 2, "", "qris")] {
        let order = [("order_id", text(id)), ("total_value", number("1")), ("payment_method", text(of_order))];
        world.push("order.created", "c", at, &order);
        let mut payment = vec![("order_id", text(id)), ("paid_amount", number("1"))];
        if !own.is_empty() {
            payment.push(("payment_method", text(own)));
        }
        world.push("order.paid", "c", at, &payment);
    }
    let method = |world: &World| world.customer("c", DAY)["preferred_payment_method"].value.to_text().unwrap();
    assert_eq!(method(&world), "qris");
    paid(&mut world, "a", 5, "full", "1");
    assert_eq!(method(&world), "qris");
    world.push(
        "order.paid",
        "c",
        3,
        &[("order_id", text("x")), ("paid_amount", number("1")), ("payment_method", text("card"))],
    );
    assert_eq!(method(&world), "card");
    assert_eq!(world.company().metric("preferred_payment_method").rows.len(), 2);
}

/// ANCHOR-5-FREQ: two orders 30 days apart: 2; one order: null; within a day: a day.
#[test]
fn frequency_is_per_thirty_days() {
    for (days, as_of, frequency) in [(30, 30, Some("2")), (0, 0, Some("60")), (15, 60, Some("1"))] {
        let mut world = World::new();
        paid(&mut world, "a", 0, "full", "1");
        assert_eq!(world.customer("c", as_of * DAY)["purchase_frequency"].value.to_text(), None);
        paid(&mut world, "b", days * DAY, "full", "1");
        let answer = world.customer("c", as_of * DAY)["purchase_frequency"].value.to_text();
        assert_eq!(answer.as_deref(), frequency);
        assert_eq!(world.company().value("purchase_frequency"), "2");
    }
}

/// MET-DISTINCT: one payer on three days is one payer of the week. MET-UNITS: an empty window is 0, a ratio of it null.
#[test]
fn people_are_distinct_in_a_window() {
    let mut world = World::new();
    for day in 0..3 {
        paid(&mut world, &format!("o{day}"), day * DAY, "full", "1");
    }
    let mut company = world.company();
    assert_eq!(company.value("payers"), "1");
    company.window = Some((0, DAY));
    assert_eq!((company.value("payers"), company.value("payments")), ("1".into(), "1".into()));
    company.window = Some((9 * DAY, 10 * DAY));
    assert_eq!((company.value("payers"), company.value("paid_rate")), ("0".into(), "null".into()));
}

/// MET-CCY: an amount without a currency is in the company's.
#[test]
fn the_companys_currency_is_the_default() {
    let mut world = World::new();
    world.settings.currency = "IDR".into();
    paid(&mut world, "o", 1, "full", "5");
    let answer = world.company().metric("total_spend");
    assert_eq!((answer.value.to_text().as_deref(), answer.currency.as_deref()), (Some("5.00"), Some("IDR")));
}

/// ANCHOR-5-payment.failed: attempts 3, then 2 arriving late: 3. ANCHOR-5-order.delivered: delivered before paid is fine.
#[test]
fn failed_attempts_take_the_highest() {
    let mut world = World::new();
    for (at, attempts) in [(5, 3), (4, 2)] {
        world.push("payment.failed", "c", at, &[("order_id", text("o")), ("attempt_count", whole(attempts))]);
    }
    world.push("order.delivered", "c", 1, &[("order_id", text("o"))]);
    assert_eq!(world.company().value("payment_failures"), "3");
    assert_eq!(world.company().value("orders_delivered"), "1");
}

/// ANCHOR-5-BOOK, ANCHOR-5-BCRATE: four created, one completed: 0.25; of those that are due as of now more.
#[test]
fn bookings_complete_at_their_creation() {
    let mut world = World::new();
    for (id, appointment) in [("a", 100), ("b", 100), ("d", 9_000), ("e", 9_000)] {
        let attributes = [("booking_id", text(id)), ("appointment_datetime", time(appointment))];
        world.push("booking.created", "c", 10, &attributes);
        world.push("booking.confirmed", "c", 11, &[("booking_id", text(id))]);
        world.push("booking.confirmed", "c", 12, &[("booking_id", text(id))]);
    }
    let done = [("booking_id", text("a")), ("rating", number("4.5")), ("location_id", Value::Null)];
    world.push("booking.completed", "c", 200, &done);
    world.push("booking.cancelled", "c", 50, &[("booking_id", text("d"))]);
    let mut company = world.company();
    assert_eq!(company.value("bookings"), "4");
    assert_eq!(company.value("booking_completed_rate"), "0.25");
    assert_eq!(company.value("booking_cancelled_rate"), "0.25");
    assert_eq!(company.value("avg_booking_rating"), "4.5");
    company.as_of = 1_000;
    assert_eq!(company.value("booking_due_completed_rate"), "0.5");
}
