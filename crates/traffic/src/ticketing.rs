//! Tickets from opening to resolution, some too late.

use serde_json::json;

use super::Scene;

const MODULE: &str = "ticketing";

/// A ticket's life.
pub(super) fn ticket(scene: &mut Scene) {
    let ticket = open(scene);
    let agent = format!("agent-{}", scene.dice.between(1, 9));
    let assigned = json!({"ticket_id": ticket, "agent_id": agent, "team_id": "first-line", "assigned_at": scene.now()});
    scene.emit(MODULE, "ticket.assigned", assigned);
    scene.pass(3_600);
    let moved = json!({"ticket_id": ticket, "old_stage": "new", "new_stage": "in progress", "changed_by": agent});
    scene.emit(MODULE, "ticket.stage_changed", moved);
    scene.pass(7_200);
    if scene.dice.chance(20) {
        let late = json!({"ticket_id": ticket, "sla_type": "resolution", "breach_duration_seconds": 1_800});
        scene.emit(MODULE, "ticket.sla_breached", late);
        scene.pass(600);
    }
    if scene.dice.chance(85) {
        let resolved = json!({"ticket_id": ticket, "resolved_at": scene.now(), "resolution_type": "first_contact", "agent_id": agent});
        scene.emit(MODULE, "ticket.resolved", resolved);
        scene.pass(600);
    }
}

fn open(scene: &mut Scene) -> String {
    let ticket = scene.id("ticket");
    let category = *scene.dice.pick(&["delivery", "payment", "quality"]);
    let priority = *scene.dice.pick(&["low", "medium", "high"]);
    let attributes = json!({
        "ticket_id": ticket,
        "pipeline_id": "support",
        "stage_id": "new",
        "creator_id": "agent-1",
        "customer_association": [scene.person.id],
        "category": category,
        "priority": priority,
        "channel": "whatsapp",
    });
    scene.emit(MODULE, "ticket.created", attributes);
    scene.pass(1_800);
    ticket
}
