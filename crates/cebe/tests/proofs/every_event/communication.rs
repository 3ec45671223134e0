//! Chats, calls and surveys.

use serde_json::{Value, json};

use super::{Story, World, at};

pub const STORIES: [Story; 11] = [
    ("conversation.started", conversation_started),
    ("call.started", call_started),
    ("conversation.assigned", conversation_assigned),
    ("call.assigned", call_assigned),
    ("message.received", message_received),
    ("conversation.resolved", conversation_resolved),
    ("conversation.escalated", conversation_escalated),
    ("bot.contained", bot_contained),
    ("call.completed", call_completed),
    ("csat.submitted", csat_submitted),
    ("nps.submitted", nps_submitted),
];

fn room(more: Value) -> Value {
    let mut room = json!({"room_id": "r-1"});
    room.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    room
}

fn start(w: &World) {
    w.tell("ayu", "start", "conversation.started", &at(3, 9, 0), room(json!({"channel": "whatsapp"})));
}

/// Known by a bsuid alone, and by the room of an ad's lead.
fn conversation_started(w: &World) {
    let lead = json!({"ad_id": "a", "campaign_id": "c", "ad_platform": "meta", "room_id": "r-1"});
    w.tell("", "lead", "ad.lead_captured", &at(3, 8, 0), lead);
    w.tell("", "chat", "conversation.started", &at(3, 9, 0), room(json!({"channel": "whatsapp", "bsuid": "b-1"})));
    let stranger = w.find("bsuid=b-1&scope=whatsapp");
    assert_eq!(stranger["resolved"], false, "{stranger:#}");
    let id = stranger["id"].as_str().expect("an id");
    assert_eq!(w.names(id), ["conversation.started", "ad.lead_captured"]);
    assert_eq!(w.value("conversations"), 1);
}

fn call_started(w: &World) {
    let fields = json!([{"name": "phone", "value": "0811-1234-789"}]);
    w.tell(
        "ayu",
        "made",
        "customer.created",
        &at(2, 9, 0),
        json!({"qontak_customer_id": "ayu", "default_fields": fields}),
    );
    w.tell("", "call", "call.started", &at(3, 9, 0), room(json!({"channel": "phone", "phone": "+62 811 1234 789"})));
    assert_eq!(w.of("ayu", "calls")["value"], 1);
    assert_eq!(w.names("ayu"), ["call.started", "customer.created"]);
}

fn conversation_assigned(w: &World) {
    start(w);
    assert_eq!(w.parts("ai_containment_rate"), [0, 0]);
    let human = room(json!({"agent_id": "a-1", "assignment_type": "human"}));
    w.tell("ayu", "human", "conversation.assigned", &at(3, 9, 1), human);
    assert_eq!(w.parts("ai_containment_rate"), [0, 0]);
    w.tell(
        "ayu",
        "bot",
        "conversation.assigned",
        &at(3, 9, 2),
        room(json!({"agent_id": "b", "assignment_type": "bot"})),
    );
    assert_eq!(w.parts("ai_containment_rate"), [0, 1]);
    assert_eq!(w.value("avg_conversation_assignment_seconds"), 60);
}

fn call_assigned(w: &World) {
    w.tell("ayu", "call", "call.started", &at(3, 9, 0), room(json!({"channel": "phone"})));
    w.tell("ayu", "given", "call.assigned", &at(3, 9, 1), room(json!({"agent_id": "a-1", "assignment_type": "human"})));
    let given = &w.timeline("ayu")[0];
    assert_eq!(
        (&given["event_name"], &given["event_attributes"]["agent_id"]),
        (&json!("call.assigned"), &json!("a-1"))
    );
    assert_eq!(w.of("ayu", "calls")["value"], 1);
    w.refused("ayu", "call.assigned", room(json!({"agent_id": "a-1", "assignment_type": "robot"})), "invalid_enum");
}

fn message_received(w: &World) {
    let message = json!({"message_id": "m-1", "message_type": "text", "channel": "whatsapp", "content_preview": "call 0811-1234-789"});
    w.tell("ayu", "m", "message.received", &at(3, 9, 0), room(message.clone()));
    w.tell("ayu", "resent", "message.received", &at(3, 9, 1), room(message));
    assert_eq!((w.value("messages_received"), w.of("ayu", "messages_received")["value"].clone()), (json!(1), json!(1)));
    let shown = w.timeline("ayu")[0]["event_attributes"]["content_preview"].to_string();
    assert!(shown.contains("call") && !shown.contains("1234"), "{shown}");
}

fn conversation_resolved(w: &World) {
    let resolved =
        |seconds: u32| room(json!({"resolved_by": "a-1", "resolution_time_seconds": seconds, "handled_by": "human"}));
    start(w);
    w.tell("ayu", "end", "conversation.resolved", &at(3, 9, 5), resolved(100));
    assert_eq!(w.value("avg_conversation_resolution_seconds"), 100);
    w.tell("ayu", "again", "conversation.started", &at(3, 10, 0), room(json!({"channel": "whatsapp"})));
    w.tell("ayu", "end-2", "conversation.resolved", &at(3, 10, 5), resolved(200));
    assert_eq!(
        (w.value("conversations_resolved"), w.value("avg_conversation_resolution_seconds")),
        (json!(2), json!(150))
    );
}

fn contained(w: &World) {
    start(w);
    w.tell("ayu", "bot", "bot.contained", &at(3, 9, 5), room(json!({"bot_flow_id": "f", "containment_flag": true})));
}

fn conversation_escalated(w: &World) {
    contained(w);
    assert_eq!(w.parts("ai_containment_rate"), [1, 1]);
    w.tell("ayu", "up", "conversation.escalated", &at(3, 9, 9), room(json!({"bot_session_id": "s-1"})));
    assert_eq!(w.parts("ai_containment_rate"), [0, 1]);
}

fn bot_contained(w: &World) {
    contained(w);
    assert_eq!(w.parts("ai_containment_rate"), [1, 1]);
    let not = room(json!({"bot_flow_id": "f", "containment_flag": false}));
    w.refused("ayu", "bot.contained", not, "invalid_attribute");
}

fn call_completed(w: &World) {
    let call = |id: &str, seconds: u32| {
        let link = format!("https://calls.example/{id}?phone=08111234789");
        json!({"call_id": id, "duration_seconds": seconds, "call_type": "inbound", "recording_url": link})
    };
    for (id, seconds) in [("k-0", 0), ("k-1", 60), ("k-2", 120)] {
        w.tell("ayu", id, "call.completed", &at(3, 9, 0), call(id, seconds));
    }
    assert_eq!((w.value("avg_call_duration_seconds"), w.value("calls_unanswered")), (json!(90), json!(1)));
    let shown = json!(w.timeline("ayu")).to_string();
    assert!(!shown.contains("calls.example") && !shown.contains("08111234789"), "{shown}");
}

fn csat_submitted(w: &World) {
    w.tell("ayu", "s-1", "csat.submitted", &at(3, 9, 0), room(json!({"score": 5})));
    w.tell("budi", "s-2", "csat.submitted", &at(3, 9, 0), json!({"score": 3, "room_id": "r-2"}));
    assert_eq!(w.value("avg_csat"), 4);
    w.tell("ayu", "s-3", "csat.submitted", &at(3, 9, 5), room(json!({"score": 1})));
    assert_eq!(w.value("avg_csat"), 2, "the latest of a conversation counts");
    w.refused("ayu", "csat.submitted", room(json!({"score": 6})), "out_of_range");
}

fn nps_submitted(w: &World) {
    for (who, score) in [("ayu", 10), ("budi", 8), ("citra", 3)] {
        w.tell(who, who, "nps.submitted", &at(3, 9, 0), json!({"score": score}));
    }
    assert_eq!((w.value("avg_nps"), w.value("nps")), (json!(7), json!(0)));
    w.refused("ayu", "nps.submitted", json!({"score": 11}), "out_of_range");
}
