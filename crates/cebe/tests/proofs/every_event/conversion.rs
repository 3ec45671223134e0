//! Bookings, carts, orders and payments.

use serde_json::{Value, json};

use super::{Story, World, at};

pub const STORIES: [Story; 9] = [
    ("booking.created", booking_created),
    ("booking.confirmed", booking_confirmed),
    ("booking.cancelled", booking_cancelled),
    ("booking.completed", booking_completed),
    ("add_to_cart", add_to_cart),
    ("order.created", order_created),
    ("order.paid", order_paid),
    ("order.delivered", order_delivered),
    ("payment.failed", payment_failed),
];

fn book(w: &World, booking: &str) {
    let about = json!({"booking_id": booking, "service_type": "cut", "location_id": "l", "appointment_datetime": "2031-01-05T10:00:00+07:00"});
    w.tell("ayu", booking, "booking.created", &at(3, 9, 0), about);
}

/// The appointment lies years ahead.
fn booking_created(w: &World) {
    book(w, "k-1");
    assert_eq!((w.value("bookings"), w.of("ayu", "bookings")["value"].clone()), (json!(1), json!(1)));
}

fn booking_confirmed(w: &World) {
    book(w, "k-1");
    for id in ["once", "twice"] {
        w.tell("ayu", id, "booking.confirmed", &at(3, 10, 0), json!({"booking_id": "k-1"}));
    }
    assert_eq!(w.value("bookings"), 1);
    assert_eq!(w.names("ayu").len(), 3);
}

fn booking_cancelled(w: &World) {
    book(w, "k-1");
    book(w, "k-2");
    w.tell("ayu", "off", "booking.cancelled", &at(4, 9, 0), json!({"booking_id": "k-1", "cancelled_by": "customer"}));
    assert_eq!(w.parts("booking_cancelled_rate"), [1, 2]);
}

fn booking_completed(w: &World) {
    (1..=4).for_each(|n| book(w, &format!("k-{n}")));
    w.tell("ayu", "done", "booking.completed", &at(4, 9, 0), json!({"booking_id": "k-1", "rating": 4}));
    assert_eq!((w.value("booking_completed_rate"), w.value("avg_booking_rating")), (json!(0.25), json!(4)));
    w.refused("ayu", "booking.completed", json!({"booking_id": "k-2", "rating": 6}), "out_of_range");
}

/// A name without a dot; one id or a list.
fn add_to_cart(w: &World) {
    w.tell("ayu", "one", "add_to_cart", &at(3, 9, 0), json!({"items_id": "i-1"}));
    w.tell("ayu", "more", "add_to_cart", &at(3, 9, 1), json!({"items_id": ["i-1", "i-2"]}));
    assert_eq!((w.value("cart_additions"), w.of("ayu", "cart_additions")["value"].clone()), (json!(2), json!(2)));
}

fn order(w: &World, total: &str) {
    let items = json!([{"item_id": "i-1", "quantity": 2, "price": "0.1"}]);
    w.tell(
        "ayu",
        "order",
        "order.created",
        &at(3, 9, 0),
        json!({"order_id": "o-1", "items": items, "total_value": total}),
    );
}

fn pay(w: &World, id: &str, kind: &str, amount: &str, day: u32) {
    let about = json!({"order_id": "o-1", "payment_id": id, "payment_type": kind, "paid_amount": amount});
    w.tell("ayu", id, "order.paid", &at(day, 9, 0), about);
}

/// 0.1 and 0.2 are 0.3 here.
fn order_created(w: &World) {
    order(w, "0.3");
    assert_eq!(w.value("orders"), 1);
    assert_eq!(w.timeline("ayu")[0]["event_attributes"]["items"][0]["item_id"], "i-1");
    assert_eq!((w.value("avg_order_value"), w.parts("paid_rate")), (Value::Null, [json!(0), json!(1)]));
    pay(w, "p-1", "dp", "0.1", 4);
    pay(w, "p-2", "dp", "0.2", 5);
    assert_eq!((w.value("avg_order_value"), w.value("total_spend")), (json!("0.30"), json!("0.30")));
}

fn order_paid(w: &World) {
    order(w, "150000.50");
    pay(w, "p-1", "dp", "50000.25", 4);
    assert_eq!(w.parts("paid_rate"), [0, 1], "a down payment is not all");
    pay(w, "p-2", "full", "100000.25", 5);
    assert_eq!((w.value("total_spend"), w.parts("paid_rate")), (json!("150000.50"), [json!(1), json!(1)]));
    w.tell("ayu", "p-3", "order.paid", &at(6, 9, 0), json!({"payment_type": "full", "paid_amount": "0.50"}));
    assert_eq!(
        (w.value("total_spend"), w.parts("paid_rate")),
        (json!("150001.00"), [json!(1), json!(1)]),
        "of no order"
    );
}

fn order_delivered(w: &World) {
    w.tell("ayu", "there", "order.delivered", &at(4, 9, 0), json!({"order_id": "o-1", "delivery_method": "bike"}));
    order(w, "5");
    assert_eq!((w.value("orders_delivered"), w.parts("paid_rate")), (json!(1), [json!(0), json!(1)]));
    pay(w, "p-1", "full", "5", 5);
    assert_eq!((w.value("orders_delivered"), w.parts("paid_rate")), (json!(1), [json!(1), json!(1)]));
}

/// Three were told before two.
fn payment_failed(w: &World) {
    order(w, "5");
    for (id, count) in [("third", 3), ("second", 2)] {
        w.tell("ayu", id, "payment.failed", &at(4, 9, 0), json!({"order_id": "o-1", "attempt_count": count}));
    }
    assert_eq!(w.value("payment_failures"), 3);
}
