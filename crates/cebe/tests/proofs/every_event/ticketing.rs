//! Tickets: assigned, moved, resolved, late.

use serde_json::{Value, json};

use super::{Story, World, at, stages};

pub const STORIES: [Story; 5] = [
    ("ticket.created", created),
    ("ticket.assigned", assigned),
    ("ticket.stage_changed", stage_changed),
    ("ticket.resolved", resolved),
    ("ticket.sla_breached", sla_breached),
];

fn open(w: &World) {
    let ticket =
        json!({"ticket_id": "t-1", "pipeline_id": "p", "stage_id": "new", "customer_association": ["ayu", "budi"]});
    w.tell("ayu", "open", "ticket.created", &at(3, 9, 0), ticket);
}

fn moved(from: &str, to: &str, hour: u32) -> Value {
    json!({"ticket_id": "t-1", "old_stage": from, "new_stage": to, "timestamp": at(3, hour, 0)})
}

fn created(w: &World) {
    open(w);
    for who in ["ayu", "budi"] {
        assert_eq!(w.names(who), ["ticket.created"]);
        assert_eq!(w.of(who, "tickets_created")["value"], 1, "{who}");
    }
    assert_eq!(w.value("tickets_created"), 1);
}

fn assigned(w: &World) {
    open(w);
    w.tell(
        "ayu",
        "given",
        "ticket.assigned",
        &at(3, 10, 0),
        json!({"ticket_id": "t-1", "agent_id": "a-1", "team_id": "night"}),
    );
    assert_eq!(w.groups("tickets_created?group_by=team_id"), [(json!("night"), json!(1))]);
    assert_eq!(w.groups("tickets_created?group_by=agent_id"), [(json!("a-1"), json!(1))]);
}

/// Delivered the other way round.
fn stage_changed(w: &World) {
    w.tell("ayu", "m-2", "ticket.stage_changed", &at(3, 11, 0), moved("working", "done", 11));
    w.tell("ayu", "m-1", "ticket.stage_changed", &at(3, 10, 0), moved("new", "working", 10));
    open(w);
    let history = w.of("ayu", "ticket_stage_history");
    assert_eq!(stages(&history), ["new", "working", "done"], "{history:#}");
}

fn resolved(w: &World) {
    open(w);
    w.tell("ayu", "m-1", "ticket.stage_changed", &at(3, 10, 0), moved("new", "working", 10));
    w.tell("ayu", "end", "ticket.resolved", &at(3, 11, 0), json!({"ticket_id": "t-1", "agent_id": "a-1"}));
    assert_eq!(w.parts("ticket_resolution_rate"), [1, 1]);
    assert_eq!(w.value("avg_ticket_resolution_seconds"), 7_200);
    w.tell("ayu", "on", "ticket.stage_changed", &at(3, 12, 0), moved("working", "closed", 12));
    assert_eq!(w.parts("ticket_resolution_rate"), [1, 1], "moving on is not reopening");
    w.tell("ayu", "back", "ticket.stage_changed", &at(3, 13, 0), moved("closed", "new", 13));
    assert_eq!(w.parts("ticket_resolution_rate"), [0, 1], "a reopened ticket stops counting");
}

fn sla_breached(w: &World) {
    open(w);
    let breach = |id: &str, kind: &str, seconds: u32, hour: u32| {
        let about = json!({"ticket_id": "t-1", "sla_type": kind, "breach_duration_seconds": seconds});
        w.tell("ayu", id, "ticket.sla_breached", &at(3, hour, 0), about);
    };
    breach("b-1", "first_response", 900, 10);
    breach("b-2", "first_response", 60, 11);
    breach("b-3", "resolution", 30, 12);
    let breaches = w.metric("sla_breaches?group_by=sla_type");
    assert_eq!((&breaches["value"], w.parts("sla_breach_rate")), (&json!(2), [json!(1), json!(1)]), "{breaches:#}");
    assert_eq!(w.value("avg_sla_breach_seconds?sla_type=first_response"), 900, "the longest that was told");
    breach("b-4", "resolution", 7_200, 13);
    assert_eq!(w.value("avg_sla_breach_seconds?sla_type=resolution"), 7_200);
}
