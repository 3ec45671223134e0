//! Requirements of section 9 on communication.

use crate::support::{DAY, World, text, time, whole};

fn room(id: &str) -> (&'static str, cebe_catalog::Value) {
    ("room_id", text(id))
}

/// ANCHOR-1-CONV: three starts, one in a reopened room; a restated start with a conversation id is no other one.
#[test]
fn a_reopened_room_is_a_new_conversation() {
    let mut world = World::new();
    for (at, id) in [(10, "r1"), (20, "r2"), (30, "r1")] {
        world.push("conversation.started", "c", at, &[room(id), ("channel", text("whatsapp"))]);
    }
    world.push(
        "conversation.resolved",
        "c",
        25,
        &[room("r3"), ("handled_by", text("human")), ("resolution_time_seconds", whole(5))],
    );
    assert_eq!(world.company().value("conversations"), "3");
    for at in [40, 41] {
        world.push("conversation.started", "c", at, &[room("r9"), ("conversation_id", text("k"))]);
    }
    assert_eq!(world.company().value("conversations"), "4");
    assert_eq!(world.customer("c", DAY)["conversations"].value.to_text().as_deref(), Some("4"));
}

/// ANCHOR-1-MSGS: five messages, one of them sent again.
#[test]
fn messages_count_once_by_id() {
    let mut world = World::new();
    for (at, id) in ["m1", "m2", "m3", "m4", "m5", "m5"].iter().enumerate() {
        let at = i64::try_from(at).unwrap();
        world.push("message.received", "c", at, &[("message_id", text(id)), ("message_type", text("text"))]);
    }
    assert_eq!(world.company().value("messages_received"), "5");
}

/// ANCHOR-1-RESP: pairs of 10 s and 20 s give 15; only the first answer counts; none: null.
#[test]
fn response_time_is_of_first_answers() {
    let mut world = World::new();
    assert_eq!(world.company().value("avg_customer_response_seconds"), "null");
    for (at, asked, id) in [(110, 100, "a"), (220, 200, "b"), (290, 200, "c"), (300, 400, "d")] {
        world.push("message.received", "c", at, &[("message_id", text(id)), ("reply_to_sent_at", time(asked))]);
    }
    let answer = world.company().metric("avg_customer_response_seconds");
    assert_eq!(answer.value.to_text().as_deref(), Some("15"));
    assert_eq!(answer.beside["pairs"].to_text().as_deref(), Some("2"));
    assert_eq!(answer.beside["negative"].to_text().as_deref(), Some("1"));
}

/// ANCHOR-1-RESP: broadcast replies are pairs too, and the same pair told twice is one.
#[test]
fn broadcast_replies_are_pairs() {
    let mut world = World::new();
    let campaign = [("campaign_id", text("k")), ("channel", text("whatsapp"))];
    world.push("campaign.sent", "c", 1_000, &campaign);
    world.push("campaign.replied", "c", 1_030, &campaign);
    assert_eq!(world.company().value("avg_customer_response_seconds"), "30");
    world.push("campaign.sent", "d", 1_000, &campaign);
    let told = [campaign[0].clone(), campaign[1].clone(), ("sent_at", time(1_000))];
    world.push("campaign.replied", "d", 1_010, &told);
    world.push("message.received", "d", 1_010, &[("message_id", text("x")), ("reply_to_sent_at", time(1_000))]);
    assert_eq!(world.company().value("avg_customer_response_seconds"), "20");
}

/// ANCHOR-1-CALL: durations 0, 60, 120: 90; the one of 0 s is unanswered.
#[test]
fn unanswered_calls_are_not_averaged() {
    let mut world = World::new();
    for (at, seconds) in [(1, 0), (2, 60), (3, 120)] {
        let attributes = [room("r"), ("duration_seconds", whole(seconds)), ("call_type", text("outbound"))];
        world.push("call.completed", "c", at, &attributes);
    }
    let answer = world.company().metric("avg_call_duration_seconds");
    assert_eq!(answer.value.to_text().as_deref(), Some("90"));
    assert_eq!(answer.beside["calls_unanswered"].to_text().as_deref(), Some("1"));
    assert_eq!(world.company().value("calls"), "3");
}

/// ANCHOR-1-CSAT: 5 and 3: 4; resubmitted for the same conversation: the latest; a reopened room is another conversation.
#[test]
fn csat_takes_the_latest_of_a_conversation() {
    let mut world = World::new();
    world.push("csat.submitted", "c", 1, &[("score", whole(5))]);
    world.push("csat.submitted", "d", 2, &[("score", whole(3))]);
    assert_eq!(world.company().value("avg_csat"), "4");
    world.push("conversation.started", "e", 3, &[room("r"), ("channel", text("webchat"))]);
    world.push("csat.submitted", "e", 4, &[room("r"), ("score", whole(1))]);
    world.push("csat.submitted", "e", 5, &[room("r"), ("score", whole(4))]);
    assert_eq!(world.company().value("avg_csat"), "4");
    world.push("conversation.started", "e", 6, &[room("r"), ("channel", text("webchat"))]);
    world.push("csat.submitted", "e", 7, &[room("r"), ("score", whole(2))]);
    assert_eq!(world.company().value("avg_csat"), "3.5");
    world.push("csat.submitted", "f", 8, &[("ticket_id", text("t")), ("score", whole(1))]);
    world.push("csat.submitted", "f", 9, &[("ticket_id", text("t")), ("score", whole(6))]);
    assert_eq!(world.company().value("avg_csat"), "4");
}

/// ANCHOR-1-NPS: 10, 8 and 3: mean 7, score 0.
#[test]
fn nps_has_a_mean_and_a_score() {
    let mut world = World::new();
    assert_eq!(world.company().value("nps"), "null");
    for (at, score) in [(1, 10), (2, 8), (3, 3)] {
        world.push("nps.submitted", "c", at, &[("score", whole(score))]);
    }
    assert_eq!(world.company().value("avg_nps"), "7");
    assert_eq!(world.company().value("nps"), "0");
    world.push("nps.submitted", "d", 4, &[room("r"), ("score", whole(9))]);
    assert_eq!(world.company().value("nps"), "25");
}

/// ANCHOR-1-CONTAIN: contained then escalated is not contained; a bot that resolves or is assigned is in the denominator.
#[test]
fn containment_is_undone_by_escalation() {
    let mut world = World::new();
    world.push("bot.contained", "c", 10, &[room("r1"), ("bot_flow_id", text("f"))]);
    assert_eq!(world.company().value("ai_containment_rate"), "1");
    world.push("conversation.escalated", "c", 20, &[room("r1"), ("bot_session_id", text("s"))]);
    assert_eq!(world.company().value("ai_containment_rate"), "0");
    world.push("conversation.started", "d", 5, &[room("r2"), ("channel", text("webchat"))]);
    world.push("bot.contained", "d", 30, &[room("r2"), ("bot_flow_id", text("f"))]);
    world.push("conversation.assigned", "e", 40, &[room("r3"), ("assignment_type", text("bot"))]);
    world.push("conversation.assigned", "f", 40, &[room("r4"), ("assignment_type", text("human"))]);
    let answer = world.company().metric("ai_containment_rate");
    assert_eq!(answer.denominator.unwrap().to_text().as_deref(), Some("3"));
    assert_eq!(answer.numerator.unwrap().to_text().as_deref(), Some("1"));
}

/// ANCHOR-1-CHANNEL: the most used channel of the last 90 days of own activity; a tie goes to the latest.
#[test]
fn the_preferred_channel_is_the_most_used_lately() {
    let mut world = World::new();
    let start = |world: &mut World, day: i64, channel: &str| {
        let id = format!("{channel}{day}");
        world.push("conversation.started", "c", day * DAY, &[room(&id), ("channel", text(channel))]);
    };
    for day in 1..=3 {
        start(&mut world, day, "email");
    }
    start(&mut world, 200, "whatsapp");
    start(&mut world, 201, "webchat");
    let answers = world.customer("c", 400 * DAY);
    assert_eq!(answers["preferred_channel"].value.to_text().as_deref(), Some("webchat"));
    let cebe_catalog::Value::List(channels) = &answers["channels"].view else { panic!("a list") };
    assert_eq!(channels.len(), 3);
    assert_eq!(world.customer("nobody", DAY)["preferred_channel"].value.to_text(), None);
    assert_eq!(world.company().metric("channels").rows.len(), 3);
}
