//! Bookings and orders.

use serde_json::json;

use super::Scene;

const MODULE: &str = "conversion";

/// A booking, kept or not.
pub(super) fn booking(scene: &mut Scene) {
    let booking = scene.id("booking");
    let service = *scene.dice.pick(&["tasting", "repair", "fitting"]);
    let appointment = scene.now();
    let about = json!({"booking_id": booking, "service_type": service, "appointment_datetime": appointment});
    let with = |name: &str, value: serde_json::Value| {
        let mut attributes = about.clone();
        attributes[name] = value;
        attributes
    };
    scene.emit(MODULE, "booking.created", with("location_id", "main-street".into()));
    scene.pass(600);
    scene.emit(MODULE, "booking.confirmed", with("confirmed_at", scene.now().into()));
    scene.pass(86_400);
    if scene.dice.chance(25) {
        scene.emit(MODULE, "booking.cancelled", with("cancelled_by", "customer".into()));
    } else {
        let rating = scene.dice.between(3, 5);
        scene.emit(MODULE, "booking.completed", with("rating", rating.into()));
    }
    scene.pass(600);
}

/// An order from cart to door; some payments fail, some come in two parts.
pub(super) fn order(scene: &mut Scene) {
    let (order, total) = (scene.id("order"), scene.amount(80));
    let method = *scene.dice.pick(&["qris", "card", "ewallet", "bank_transfer"]);
    scene.emit(MODULE, "add_to_cart", json!({"items_id": ["item-1", "item-7"], "quantity": 2}));
    scene.pass(900);
    let items = json!([{"item_id": "item-1", "name": "beans", "quantity": 2}]);
    let placed = json!({"order_id": order, "items": items, "total_value": total, "payment_method": method});
    scene.emit(MODULE, "order.created", placed);
    scene.pass(300);
    if scene.dice.chance(10) {
        scene.emit(
            MODULE,
            "payment.failed",
            json!({"failure_reason": "declined", "attempt_count": 1, "order_id": order}),
        );
        scene.pass(300);
    }
    pay(scene, &order, &total, method);
    if scene.dice.chance(90) {
        scene.pass(86_400);
        let delivered = json!({"delivery_method": "courier", "delivered_at": scene.now(), "order_id": order});
        scene.emit(MODULE, "order.delivered", delivered);
    }
    scene.pass(600);
}

fn pay(scene: &mut Scene, order: &str, total: &str, method: &str) {
    let payment = scene.id("payment");
    let kind = if scene.dice.chance(15) { "dp" } else { "full" };
    let paid = json!({"payment_type": kind, "paid_amount": total, "paid_at": scene.now(), "order_id": order,
        "payment_id": payment, "payment_method": method});
    scene.emit(MODULE, "order.paid", paid);
}
