//! Requirements of section 9 on ticketing.

use crate::support::{DAY, World, person, text, time, whole};
use cebe_catalog::Value;

fn ticket(world: &mut World, name: &str, at: i64, attributes: &[(&str, Value)]) {
    let mut all = vec![("ticket_id", text("t"))];
    all.extend_from_slice(attributes);
    world.push(name, "c", at, &all);
}

fn opened(world: &mut World) {
    ticket(world, "ticket.created", 0, &[("pipeline_id", text("p")), ("stage_id", text("New"))]);
}

fn moved(world: &mut World, at: i64, from: &str, to: &str) {
    ticket(world, "ticket.stage_changed", at, &[("old_stage", text(from)), ("new_stage", text(to))]);
}

/// ANCHOR-2-RESRATE: back to an earlier stage after the resolution: not resolved; on to Closed: resolved; a move at the same
/// instant reopens nothing; no resolution before the opening is known counts in the rate.
#[test]
fn reopened_tickets_are_not_resolved() {
    // (moves after the resolution at 20, resolved as the rate says)
    type Moves = &'static [(i64, &'static str, &'static str)];
    let cases: [(Moves, &str); 5] = [
        (&[], "1"),
        (&[(30, "Resolved", "Closed")], "1"),
        (&[(30, "Resolved", "Active")], "0"),
        (&[(20, "Resolved", "Active")], "1"),
        (&[(30, "Resolved", "Resolved")], "1"),
    ];
    for (moves, rate) in cases {
        let mut world = World::new();
        moved(&mut world, 10, "New", "Active");
        moved(&mut world, 20, "Active", "Resolved");
        ticket(&mut world, "ticket.resolved", 20, &[("resolution_type", text("escalated"))]);
        for (at, from, to) in moves {
            moved(&mut world, *at, from, to);
        }
        assert_eq!(world.company().value("ticket_resolution_rate"), "null");
        opened(&mut world);
        assert_eq!(world.company().value("ticket_resolution_rate"), rate, "{moves:?}");
        assert_eq!(world.company().value("tickets_resolved"), "1");
    }
}

/// ANCHOR-2-RESRATE: reopened and resolved again is resolved; the time to resolve is to the first resolution.
#[test]
fn a_second_resolution_resolves() {
    let mut world = World::new();
    opened(&mut world);
    for at in [10, 40] {
        moved(&mut world, at, "New", "Resolved");
        ticket(&mut world, "ticket.resolved", at, &[]);
        moved(&mut world, at + 5, "Resolved", "New");
    }
    assert_eq!(world.company().value("ticket_resolution_rate"), "0");
    ticket(&mut world, "ticket.resolved", 60, &[]);
    assert_eq!(world.company().value("ticket_resolution_rate"), "1");
    assert_eq!(world.company().value("avg_ticket_resolution_seconds"), "10");
}

/// ANCHOR-2-AVGRES: a resolution before the opening is an anomaly, not a time.
#[test]
fn negative_resolution_times_are_left_out() {
    let mut world = World::new();
    opened(&mut world);
    ticket(&mut world, "ticket.resolved", -5, &[]);
    let answer = world.company().metric("avg_ticket_resolution_seconds");
    assert_eq!(answer.value.to_text(), None);
    assert_eq!(answer.beside["negative"].to_text().as_deref(), Some("1"));
}

/// ANCHOR-2-HISTORY: order of time, whatever the order of arrival; a gap is flagged; the same stage twice is no move.
#[test]
fn stage_history_is_in_order_of_time() {
    let mut world = World::new();
    moved(&mut world, 30, "Waiting", "Done");
    moved(&mut world, 20, "Active", "Active");
    moved(&mut world, 10, "New", "Active");
    opened(&mut world);
    let Value::List(stays) = world.customer("c", DAY)["ticket_stage_history"].view.clone() else { panic!("a list") };
    let field = |stay: &Value, name| match stay {
        Value::Map(items) => cebe_catalog::value::field(items, name).cloned(),
        _ => None,
    };
    let stages: Vec<_> = stays.iter().map(|stay| field(stay, "stage").unwrap()).collect();
    assert_eq!(stages, [text("New"), text("Active"), text("Done")]);
    assert_eq!(field(&stays[1], "entered_at"), Some(time(10)));
    assert_eq!(field(&stays[1], "seconds"), Some(whole(20)));
    assert_eq!(field(&stays[2], "gap"), Some(Value::Bool(true)));
    assert_eq!(field(&stays[2], "left_at"), None);
    let rows = world.company().metric("ticket_stage_history").rows;
    assert_eq!(rows.iter().map(|row| row.count).sum::<i128>(), 3);
    assert_eq!(rows[0].mean_seconds.as_ref().unwrap().to_text().as_deref(), Some("20"));
}

/// ANCHOR-2-SLA: one breach per type, the longest duration; the rate counts a ticket once, by type when asked.
#[test]
fn breaches_count_once_per_type() {
    let mut world = World::new();
    opened(&mut world);
    world.push("ticket.created", "d", 1, &[("ticket_id", text("u")), ("pipeline_id", text("p"))]);
    for (at, kind, seconds) in [(5, "resolution", 9), (6, "resolution", 3), (7, "first_response", 1)] {
        let attributes = [("sla_type", text(kind)), ("breach_duration_seconds", whole(seconds))];
        ticket(&mut world, "ticket.sla_breached", at, &attributes);
    }
    let mut company = world.company();
    assert_eq!(company.value("sla_breaches"), "2");
    assert_eq!(company.value("sla_breach_rate"), "0.5");
    company.filters = vec![("sla_type", "resolution")];
    assert_eq!(company.value("sla_breaches"), "1");
    assert_eq!(company.value("sla_breach_rate"), "0.5");
}

/// ANCHOR-2-TOTAL: a ticket of two customers counts once for the company and once for each.
#[test]
fn a_ticket_of_two_customers_is_one_ticket() {
    let mut world = World::new();
    let event = world.push("ticket.created", "c", 0, &[("ticket_id", text("t")), ("category", text("x"))]);
    event.references = vec![person("c"), person("d")];
    assert_eq!(world.company().value("tickets_created"), "1");
    for who in ["c", "d"] {
        assert_eq!(world.customer(who, DAY)["tickets_created"].value.to_text().as_deref(), Some("1"));
    }
}

/// ANCHOR-2-REPEAT: two tickets of one category within 30 days: true; 31 days: false; a category never equals a pipeline.
#[test]
fn repeat_issue_needs_the_same_thing_within_thirty_days() {
    for (day, category, flag) in [(30, "x", "true"), (31, "x", "false"), (5, "y", "false"), (5, "", "false")] {
        let mut world = World::new();
        world.push("ticket.created", "c", 0, &[("ticket_id", text("a")), ("category", text("x"))]);
        let mut second = vec![("ticket_id", text("b")), ("pipeline_id", text("x"))];
        if !category.is_empty() {
            second.push(("category", text(category)));
        }
        world.push("ticket.created", "c", day * DAY, &second);
        let answer = &world.customer("c", 100 * DAY)["repeat_issue"];
        assert_eq!(answer.value.to_text().as_deref(), Some(flag), "{day} {category}");
        let rate = if flag == "true" { "1" } else { "0" };
        assert_eq!(world.company().value("repeat_issue_rate"), rate);
        assert_eq!(world.company().value("repeat_issue"), rate);
    }
}
