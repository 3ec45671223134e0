//! Chats with agents and bots, calls, and what customers say of them.

use serde_json::json;

use super::Scene;

const MODULE: &str = "communication";

/// A customer writes, an agent answers, and the customer says how it was.
pub(super) fn chat_with_an_agent(scene: &mut Scene) {
    let room = start(scene);
    let agent = format!("agent-{}", scene.dice.between(1, 9));
    scene.emit(
        MODULE,
        "conversation.assigned",
        json!({"agent_id": agent, "assignment_type": "human", "room_id": room}),
    );
    write(scene, &room);
    let seconds = scene.dice.between(60, 3_600);
    scene.now_s += seconds;
    scene.emit(
        MODULE,
        "conversation.resolved",
        json!({"resolved_by": agent, "resolution_time_seconds": seconds, "handled_by": "human", "room_id": room}),
    );
    scene.pass(600);
    if scene.dice.chance(50) {
        let score = scene.dice.between(2, 5);
        let words = json!({"score": score, "comment": "thank you", "agent_id": agent, "room_id": room});
        scene.emit(MODULE, "csat.submitted", words);
        scene.pass(60);
    }
}

/// A customer writes and a bot answers, or hands over.
pub(super) fn chat_with_a_bot(scene: &mut Scene) {
    let room = start(scene);
    scene.emit(
        MODULE,
        "conversation.assigned",
        json!({"agent_id": "bot-1", "assignment_type": "bot", "room_id": room}),
    );
    write(scene, &room);
    if scene.dice.chance(70) {
        let attributes = json!({"bot_flow_id": "opening-hours", "containment_flag": true, "room_id": room});
        scene.emit(MODULE, "bot.contained", attributes);
    } else {
        let session = scene.id("session");
        let attributes = json!({"escalation_reason": "asks for a person", "bot_session_id": session, "room_id": room});
        scene.emit(MODULE, "conversation.escalated", attributes);
    }
    scene.pass(600);
}

/// A call comes in; some are not answered.
pub(super) fn call(scene: &mut Scene) {
    let (room, call) = (scene.id("room"), scene.id("call"));
    let phone = scene.person.phone.clone();
    let ids = json!({"channel": "wa_call", "room_id": room, "call_id": call, "phone": phone});
    scene.emit(MODULE, "call.started", ids);
    scene.pass(20);
    scene.emit(
        MODULE,
        "call.assigned",
        json!({"agent_id": "agent-2", "assignment_type": "human", "room_id": room, "call_id": call}),
    );
    let seconds = if scene.dice.chance(15) { 0 } else { scene.dice.between(20, 900) };
    scene.now_s += seconds;
    let recording = format!("https://recordings.example/{call}.ogg");
    scene.emit(
        MODULE,
        "call.completed",
        json!({"duration_seconds": seconds, "call_type": "inbound", "recording_url": recording, "room_id": room, "call_id": call}),
    );
    scene.pass(600);
}

/// A customer says how likely they are to recommend.
pub(super) fn nps(scene: &mut Scene) {
    let score = scene.dice.between(3, 10);
    scene.emit(MODULE, "nps.submitted", json!({"score": score, "comment": "fine"}));
    scene.pass(600);
}

fn start(scene: &mut Scene) -> String {
    let room = scene.id("room");
    let channel = *scene.dice.pick(&["whatsapp", "webchat", "instagram"]);
    let phone = scene.person.phone.clone();
    scene.emit(MODULE, "conversation.started", json!({"channel": channel, "room_id": room, "phone": phone}));
    scene.pass(30);
    room
}

fn write(scene: &mut Scene, room: &str) {
    for _ in 0..scene.dice.between(1, 4) {
        let (message, asked_at) = (scene.id("message"), scene.now());
        scene.pass(120);
        scene.emit(
            MODULE,
            "message.received",
            json!({"message_id": message, "message_type": "text", "content_preview": "is it still open?",
                "room_id": room, "channel": "whatsapp", "reply_to_sent_at": asked_at}),
        );
    }
}
