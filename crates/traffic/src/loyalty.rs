//! Members join, earn, burn, redeem, climb, fall and leave.

use serde_json::{Value, json};

use super::Scene;

const MODULE: &str = "loyalty";
const PROGRAM: &str = "rewards";

/// A customer joins the program.
pub(super) fn enrol(scene: &mut Scene) {
    let attributes =
        with_member(scene, json!({"enrolled_at": scene.now(), "initial_tier": "silver", "available_point": 0}));
    scene.emit(MODULE, "membership.enrolled", attributes);
    scene.pass(300);
}

/// Points are earned, and what may follow.
pub(super) fn points(scene: &mut Scene) {
    let (amount, balance) = (scene.dice.between(10, 200), scene.dice.between(200, 2_000));
    let reference = scene.id("transaction");
    let earned = json!({"points_amount": amount, "transaction_ref": reference, "earned_at": scene.now(), "available_point": balance});
    let earned = with_member(scene, earned);
    scene.emit(MODULE, "points.earned", earned);
    scene.pass(600);
    if scene.dice.chance(40) {
        burn(scene, balance);
    }
    match scene.dice.below(10) {
        0 => tier(scene, "tier.upgraded", "silver", "gold", balance),
        1 => tier(scene, "tier.downgraded", "gold", "silver", balance),
        2 => leave(scene),
        _ => {}
    }
}

fn burn(scene: &mut Scene, balance: u64) {
    let used = scene.dice.between(10, 200);
    let left = balance - used;
    let burned = with_member(scene, json!({"points_used": used, "redeemed_at": scene.now(), "available_point": left}));
    scene.emit(MODULE, "points.burned", burned);
    let reward = scene.id("reward");
    let redeemed = json!({"reward_used_id": reward, "reward_name": "free cup", "available_point": left});
    let redeemed = with_member(scene, redeemed);
    scene.emit(MODULE, "rewards.redeemed", redeemed);
    scene.pass(300);
}

fn tier(scene: &mut Scene, name: &str, old: &str, new: &str, balance: u64) {
    let attributes = with_member(scene, json!({"old_tier": old, "new_tier": new, "available_point": balance}));
    scene.emit(MODULE, name, attributes);
    scene.pass(300);
}

fn leave(scene: &mut Scene) {
    let attributes = with_member(scene, json!({"unenrolled_at": scene.now(), "last_tier": "silver"}));
    scene.emit(MODULE, "membership.unenrolled", attributes);
    scene.pass(300);
}

fn with_member(scene: &Scene, mut attributes: Value) -> Value {
    attributes["qontak_customer_id"] = scene.person.id.clone().into();
    attributes["member_id"] = scene.person.member_id.clone().into();
    attributes["program_id"] = PROGRAM.into();
    attributes
}
