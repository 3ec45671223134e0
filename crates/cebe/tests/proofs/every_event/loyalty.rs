//! Memberships, points, rewards and tiers.

use serde_json::{Value, json};

use super::{Story, World, at};

pub const STORIES: [Story; 7] = [
    ("membership.enrolled", enrolled),
    ("membership.unenrolled", unenrolled),
    ("points.earned", earned),
    ("points.burned", burned),
    ("rewards.redeemed", redeemed),
    ("tier.upgraded", upgraded),
    ("tier.downgraded", downgraded),
];

fn member(w: &World, id: &str, name: &str, day: u32, more: Value) {
    w.tell("ayu", id, name, &at(day, 9, 0), about(more));
}

fn about(more: Value) -> Value {
    let mut about = json!({"qontak_customer_id": "ayu", "member_id": "m-1", "program_id": "gold"});
    about.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    about
}

fn enrol(w: &World) {
    member(w, "in", "membership.enrolled", 3, json!({"initial_tier": "silver", "available_point": 0}));
}

fn points(w: &World) -> Value {
    w.of("ayu", "available_points")["value"].clone()
}

fn tiers(w: &World) -> Vec<(Value, Value)> {
    w.groups("tier_distribution?group_by=tier")
}

fn enrolled(w: &World) {
    enrol(w);
    assert_eq!((w.value("loyalty_members"), w.value("enrollments")), (json!(1), json!(1)));
    assert_eq!(tiers(w), [(json!("silver"), json!(1))]);
    assert_eq!(w.profile("ayu")["memberships"][0]["tier"], "silver");
}

fn unenrolled(w: &World) {
    enrol(w);
    member(w, "out", "membership.unenrolled", 5, json!({"last_tier": "silver"}));
    assert_eq!(w.value("loyalty_members"), 0);
    assert_eq!(w.value("loyalty_members?at=2025-11-04T00:00:00Z"), 1, "as it was");
    member(w, "back", "membership.enrolled", 6, json!({"initial_tier": "silver"}));
    assert_eq!(
        (w.value("loyalty_members"), w.value("enrollments"), w.value("new_members")),
        (json!(1), json!(2), json!(1))
    );
}

/// The latest balance by when it was earned, not by when it came.
fn earned(w: &World) {
    enrol(w);
    let earn = |id: &str, day: u32, balance: u32| {
        let points = json!({"points_amount": 10, "available_point": balance, "earned_at": at(day, 9, 0)});
        member(w, id, "points.earned", 20, points);
    };
    earn("later", 10, 120);
    earn("earlier", 9, 110);
    assert_eq!((points(w), w.value("points_earned")), (json!(120), json!(20)));
}

fn burned(w: &World) {
    enrol(w);
    member(w, "earn", "points.earned", 10, json!({"points_amount": 100, "available_point": 100}));
    member(w, "burn", "points.burned", 11, json!({"points_used": 40, "available_point": 60}));
    assert_eq!((points(w), w.value("points_burned")), (json!(60), json!(40)));
    w.refused("ayu", "points.burned", about(json!({"points_used": -1, "available_point": 60})), "out_of_range");
}

fn redeemed(w: &World) {
    enrol(w);
    for id in ["first", "told again"] {
        member(w, id, "rewards.redeemed", 10, json!({"reward_used_id": "rw-1", "reward_name": "Cup"}));
    }
    assert_eq!((w.value("rewards_redeemed"), w.of("ayu", "rewards_redeemed")["value"].clone()), (json!(1), json!(1)));
}

fn upgraded(w: &World) {
    enrol(w);
    member(w, "up", "tier.upgraded", 10, json!({"old_tier": "silver", "new_tier": "gold"}));
    assert_eq!(tiers(w), [(json!("gold"), json!(1))]);
}

/// An older upgrade that comes late does not raise it again.
fn downgraded(w: &World) {
    enrol(w);
    member(w, "down", "tier.downgraded", 12, json!({"old_tier": "gold", "new_tier": "silver"}));
    member(w, "late", "tier.upgraded", 10, json!({"old_tier": "silver", "new_tier": "gold"}));
    assert_eq!(tiers(w), [(json!("silver"), json!(1))]);
}
