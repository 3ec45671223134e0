//! Requirements of section 9 on broadcasts and consent.

use crate::support::{DAY, World, number, person, text, time};
use cebe_catalog::Value;

const HOUR: i64 = 3_600;

fn broadcast(world: &mut World, name: &str, who: &str, at: i64, more: &[(&str, Value)]) {
    let mut all = vec![("campaign_id", text("k")), ("channel", text("whatsapp"))];
    all.extend_from_slice(more);
    world.push(name, who, at, &all);
}

fn message(id: &str) -> [(&'static str, Value); 1] {
    [("broadcast_message_id", text(id))]
}

/// ANCHOR-4-REPLYRATE: send 09:50, reply 10:10: hour 9 is 1, hour 10 has none. MET-UNITS.
#[test]
fn a_reply_counts_at_its_send() {
    let mut world = World::new();
    broadcast(&mut world, "campaign.sent", "c", 9 * HOUR + 50 * 60, &[]);
    broadcast(&mut world, "campaign.replied", "c", 10 * HOUR + 10 * 60, &[]);
    broadcast(&mut world, "campaign.replied", "c", 10 * HOUR + 20 * 60, &[]);
    let mut company = world.company();
    company.window = Some((9 * HOUR, 10 * HOUR));
    assert_eq!((company.value("reply_rate"), company.value("replies")), ("1".into(), "0".into()));
    company.window = Some((10 * HOUR, 11 * HOUR));
    assert_eq!((company.value("reply_rate"), company.value("replies")), ("null".into(), "2".into()));
    assert_eq!(world.customer("c", DAY)["reply_rate"].value.to_text().as_deref(), Some("1"));
}

/// ANCHOR-4a-campaign.replied: a reply whose send is not known waits for it, and is shown meanwhile.
#[test]
fn an_early_reply_waits_for_its_send() {
    let mut world = World::new();
    broadcast(&mut world, "campaign.replied", "c", 100, &[]);
    let waiting = world.company().metric("reply_rate");
    assert_eq!(waiting.value.to_text(), None);
    assert_eq!(waiting.beside["replies_unmatched"].to_text().as_deref(), Some("1"));
    assert_eq!(waiting.joined_share.unwrap().to_text().as_deref(), Some("0"));
    broadcast(&mut world, "campaign.sent", "c", 50, &[]);
    let found = world.company().metric("reply_rate");
    assert_eq!(found.value.to_text().as_deref(), Some("1"));
    assert_eq!(found.beside["replies_unmatched"].to_text().as_deref(), Some("0"));
}

/// ID-PERSON-FACT: sent under one id, replied under another: together once they are one person, apart again when not.
#[test]
fn sends_and_replies_meet_in_a_person() {
    let mut world = World::new();
    broadcast(&mut world, "campaign.sent", "c", 1, &[]);
    broadcast(&mut world, "campaign.replied", "phone", 2, &[]);
    assert_eq!(world.company().value("reply_rate"), "0");
    world.same.insert(person("phone"), person("c"));
    assert_eq!(world.company().value("reply_rate"), "1");
    world.same.clear();
    assert_eq!(world.company().value("reply_rate"), "0");
}

/// Which of two sends an answer belongs to: its message id, the send nearest to the time it names, the newest before it.
#[test]
fn answers_find_their_send() {
    let cases = [
        (Vec::new(), 30, [false, true]),
        (Vec::new(), 15, [true, false]),
        (message("a").to_vec(), 30, [true, false]),
        (message("z").to_vec(), 30, [false, false]),
        (vec![("sent_at", time(11))], 30, [true, false]),
    ];
    for (more, at, replied) in cases {
        let mut world = World::new();
        broadcast(&mut world, "campaign.sent", "c", 10, &message("a"));
        broadcast(&mut world, "campaign.sent", "c", 20, &message("b"));
        broadcast(&mut world, "campaign.replied", "c", at, &more);
        let mut company = world.company();
        for (place, replied) in replied.into_iter().enumerate() {
            let from = i64::try_from(place).unwrap() * 10 + 10;
            company.window = Some((from, from + 10));
            assert_eq!(company.value("reply_rate"), if replied { "1" } else { "0" }, "{more:?} at {at}");
        }
    }
}

/// ANCHOR-4-RECEIVED: every send counts, a retry of one message id does not; campaigns are counted apart.
#[test]
fn sends_count_and_retries_do_not() {
    let mut world = World::new();
    for at in [1, 2] {
        broadcast(&mut world, "campaign.sent", "c", at, &message("a"));
        broadcast(&mut world, "campaign.sent", "d", at, &[]);
    }
    let answer = world.company().metric("campaigns_received");
    assert_eq!(answer.value.to_text().as_deref(), Some("3"));
    assert_eq!(answer.beside["distinct_campaigns"].to_text().as_deref(), Some("1"));
}

/// ANCHOR-4-DELIV: nine sent, one bounced: 0.9; bounced, then sent: 1; a message id pairs the two whatever their order.
#[test]
fn bounces_count_until_delivered() {
    let mut world = World::new();
    for who in 0..9 {
        broadcast(&mut world, "campaign.sent", &format!("c{who}"), 10, &[]);
    }
    broadcast(&mut world, "campaign.bounced", "c9", 10, &[]);
    assert_eq!(world.company().value("delivery_rate"), "0.9");
    broadcast(&mut world, "campaign.sent", "c9", 20, &[]);
    assert_eq!(world.company().value("delivery_rate"), "1");
    broadcast(&mut world, "campaign.sent", "x", 10, &message("m"));
    broadcast(&mut world, "campaign.bounced", "x", 20, &message("m"));
    assert_eq!(world.company().value("delivery_rate"), "1");
    for at in [21, 22] {
        broadcast(&mut world, "campaign.bounced", "x", at, &message("n"));
    }
    assert_eq!(world.company().metric("delivery_rate").denominator.unwrap().to_text().as_deref(), Some("12"));
}

fn consent_of(world: &World, channel: &str) -> String {
    let Value::Map(channels) = world.customer("c", DAY)["consent"].view.clone() else { return "unknown".into() };
    match cebe_catalog::value::field(&channels, channel) {
        Some(Value::Map(items)) => {
            cebe_catalog::value::field(items, "status").and_then(Value::as_text).expect("a status").into()
        }
        _ => "unknown".into(),
    }
}

/// ANCHOR-4-CONSENT: a late older opt-in changes nothing; `all` covers channels until one says otherwise; out wins ties.
#[test]
fn consent_is_the_latest_word() {
    let mut world = World::new();
    world.push("campaign.opted_out", "c", 100, &[("opt_out_channel", text("whatsapp"))]);
    world.push("campaign.opted_in", "c", 50, &[("opt_in_channel", text("whatsapp"))]);
    assert_eq!((consent_of(&world, "whatsapp"), consent_of(&world, "sms")), ("out".into(), "unknown".into()));
    world.push("campaign.opted_in", "c", 200, &[("opt_in_channel", text("all"))]);
    assert_eq!(consent_of(&world, "whatsapp"), "in");
    world.push("campaign.opted_out", "c", 300, &[("opt_out_channel", text("all"))]);
    world.push("campaign.opted_in", "c", 400, &[("opt_in_channel", text("sms"))]);
    assert_eq!((consent_of(&world, "whatsapp"), consent_of(&world, "sms")), ("out".into(), "in".into()));
    world.push("campaign.opted_out", "c", 400, &[("opt_out_channel", text("sms"))]);
    assert_eq!(consent_of(&world, "sms"), "out");
    let mut company = world.company();
    company.filters = vec![("channel", "whatsapp")];
    company.as_of = 250;
    let rows = company.metric("consent").rows;
    assert_eq!(rows.iter().map(|row| (row.key.as_str(), row.count)).collect::<Vec<_>>(), [("in", 1)]);
    assert_eq!(company.value("opt_outs"), "1");
}

fn pay(world: &mut World, at: i64, amount: &str) {
    world.push("order.paid", "c", at, &[("paid_amount", number(amount))]);
}

/// ANCHOR-4-REVENUE: clicked on day 1, paid on day 3: attributed; day 9: not; both ends included; a late click moves it.
#[test]
fn revenue_goes_to_the_last_touch() {
    for (day, revenue) in [(3, "10.00"), (9, "0.00"), (8, "10.00"), (1, "10.00"), (0, "0.00")] {
        let mut world = World::new();
        broadcast(&mut world, "campaign.clicked", "c", DAY, &[]);
        pay(&mut world, day * DAY, "10");
        assert_eq!(world.company().value("campaign_attributed_revenue"), revenue, "day {day}");
    }
    let mut world = World::new();
    broadcast(&mut world, "campaign.clicked", "c", DAY, &[]);
    pay(&mut world, 3 * DAY, "10");
    let late = [("campaign_id", text("late")), ("channel", text("email"))];
    world.push("campaign.replied", "c", 2 * DAY, &late);
    let mut company = world.company();
    assert_eq!(
        company.metric("campaign_attributed_revenue").beside["attributed_payments"].to_text().as_deref(),
        Some("1")
    );
    company.filters = vec![("campaign_id", "late")];
    assert_eq!(company.value("campaign_attributed_revenue"), "10.00");
    assert_eq!(world.customer("c", 9 * DAY)["campaign_attributed_revenue"].value.to_text().as_deref(), Some("10.00"));
}

/// ANCHOR-4-REVENUE: with no touch the last delivery within a day counts; payments a window apart see their own touches.
#[test]
fn revenue_falls_back_to_the_send() {
    let mut world = World::new();
    broadcast(&mut world, "campaign.sent", "c", 6 * DAY, &[]);
    pay(&mut world, 7 * DAY, "1");
    pay(&mut world, 7 * DAY + 1, "2");
    assert_eq!(world.company().value("campaign_attributed_revenue"), "1.00");
    broadcast(&mut world, "campaign.clicked", "c", 6 * DAY + 5, &[]);
    assert_eq!(world.company().value("campaign_attributed_revenue"), "3.00");
    world.push("deal.won", "c", 7 * DAY + 2, &[("deal_id", text("d")), ("deal_size", number("100"))]);
    assert_eq!(world.company().value("campaign_attributed_revenue"), "3.00");
    world.settings.attribute_deals = true;
    assert_eq!(world.company().value("campaign_attributed_revenue"), "103.00");
}
