//! Deals that are won, lost, or go rotten.

use serde_json::{Value, json};

use super::Scene;

const MODULE: &str = "deals";

/// A deal's life.
pub(super) fn deal(scene: &mut Scene) {
    let (deal, size) = (scene.id("deal"), scene.amount(2_000));
    let who = json!([scene.person.id]);
    let opened = json!({"deal_id": deal, "pipeline_id": "wholesale", "stage_id": "lead", "deal_size": size,
        "owner_id": "agent-4", "customer_association": who});
    scene.emit(MODULE, "deal.created", opened);
    scene.pass(86_400);
    let moved = json!({"deal_id": deal, "old_stage": "lead", "new_stage": "offer", "changed_by": "agent-4"});
    scene.emit(MODULE, "deal.stage_changed", moved);
    scene.pass(86_400);
    match scene.dice.below(10) {
        0..=4 => won(scene, &deal, &size, &who),
        5..=7 => lost(scene, &deal, &size, &who),
        _ => {
            let rotten =
                json!({"deal_id": deal, "deal_size": size, "breach_duration_seconds": 7_200, "stage_id": "offer"});
            scene.emit(MODULE, "deal.rotten_time_breached", rotten);
        }
    }
    scene.pass(600);
}

fn won(scene: &mut Scene, deal: &str, size: &str, who: &Value) {
    let attributes = json!({"deal_id": deal, "deal_size": size, "close_date": scene.now(),
        "customer_association": who, "product_association": ["beans-25kg"]});
    scene.emit(MODULE, "deal.won", attributes);
}

fn lost(scene: &mut Scene, deal: &str, size: &str, who: &Value) {
    let attributes = json!({"deal_id": deal, "deal_size": size, "lost_date": scene.now(),
        "loss_reason": "bought elsewhere", "customer_association": who});
    scene.emit(MODULE, "deal.lost", attributes);
}
