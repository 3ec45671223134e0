//! Requirements of section 9 on deals.

use crate::support::{DAY, World, number, person, text};
use cebe_catalog::Value;

fn deal(world: &mut World, name: &str, id: &str, at: i64, attributes: &[(&str, Value)]) {
    let mut all = vec![("deal_id", text(id))];
    all.extend_from_slice(attributes);
    world.push(name, "c", at, &all);
}

/// ANCHOR-3-WON, ANCHOR-3-LOST: lost then won is won; won and lost make 1; open deals are in neither.
#[test]
fn the_last_closing_decides() {
    let mut world = World::new();
    for id in ["a", "b", "o"] {
        deal(&mut world, "deal.created", id, 0, &[("pipeline_id", text("p"))]);
    }
    deal(&mut world, "deal.won", "a", 90, &[("deal_size", number("5"))]);
    deal(&mut world, "deal.lost", "a", 50, &[("loss_reason", text("price"))]);
    deal(&mut world, "deal.lost", "b", 60, &[("loss_reason", text("late"))]);
    let mut company = world.company();
    assert_eq!(company.value("deal_won_rate"), "0.5");
    assert_eq!(company.value("deal_lost_rate"), "0.5");
    assert_eq!(company.value("deals_won"), "1");
    assert_eq!(company.value("deals_lost"), "1");
    assert_eq!(company.value("avg_deal_conversion_seconds"), "90");
    company.filters = vec![("loss_reason", "late")];
    assert_eq!(company.value("deal_lost_rate"), "0.5");
    company.filters = vec![("loss_reason", "price")];
    assert_eq!(company.value("deal_lost_rate"), "0");
}

/// ANCHOR-3-SIZE: two currencies are two lines and no sum; the latest size counts.
#[test]
fn sizes_never_mix_currencies() {
    let mut world = World::new();
    deal(&mut world, "deal.created", "a", 0, &[("deal_size", number("100")), ("currency", text("IDR"))]);
    deal(&mut world, "deal.won", "a", 9, &[("deal_size", number("150.5")), ("currency", text("IDR"))]);
    let one = world.company().metric("deal_size");
    assert_eq!((one.value.to_text().as_deref(), one.currency.as_deref()), (Some("150.50"), Some("IDR")));
    deal(&mut world, "deal.created", "b", 0, &[("deal_size", number("7")), ("currency", text("USD"))]);
    let two = world.customer("c", DAY)["deal_size"].clone();
    assert_eq!(two.value.to_text(), None);
    let lines: Vec<_> = two.by_currency.iter().map(|line| (line.currency.as_str(), line.value.to_text())).collect();
    assert_eq!(lines, [("IDR", Some("150.50".into())), ("USD", Some("7.00".into()))]);
}

/// ANCHOR-3-TOTAL: two customers, one deal: one each, one for the company; the newest association names them.
#[test]
fn a_deal_of_two_customers_is_one_deal() {
    let mut world = World::new();
    world.push("deal.created", "c", 0, &[("deal_id", text("a"))]).references = vec![person("c"), person("d")];
    let count = |world: &World, who| world.customer(who, DAY)["deals_created"].value.to_text().unwrap();
    assert_eq!((count(&world, "c"), count(&world, "d")), ("1".into(), "1".into()));
    assert_eq!(world.company().value("deals_created"), "1");
    world.push("deal.stage_changed", "c", 5, &[("deal_id", text("a"))]).references = vec![person("e")];
    assert_eq!((count(&world, "d"), count(&world, "e")), ("0".into(), "1".into()));
}

/// ANCHOR-3-TIME: a closing before the opening (a bare date) takes no time, not less than none.
#[test]
fn conversion_takes_no_negative_time() {
    let mut world = World::new();
    deal(&mut world, "deal.created", "a", 500, &[]);
    deal(&mut world, "deal.won", "a", 0, &[("deal_size", number("1"))]);
    assert_eq!(world.company().value("avg_deal_conversion_seconds"), "0");
}

/// ANCHOR-3-ROTTEN: the same stage again is one breach; without a stage each time is one.
#[test]
fn rotten_breaches_count_once_per_stage() {
    let mut world = World::new();
    deal(&mut world, "deal.created", "a", 0, &[]);
    deal(&mut world, "deal.created", "b", 0, &[]);
    for at in [5, 6] {
        deal(&mut world, "deal.rotten_time_breached", "a", at, &[("stage_id", text("s"))]);
    }
    assert_eq!(world.company().value("rotten_breaches"), "1");
    deal(&mut world, "deal.rotten_time_breached", "a", 7, &[]);
    assert_eq!(world.company().value("rotten_breaches"), "2");
    assert_eq!(world.company().value("rotten_breach_rate"), "0.5");
}

/// ANCHOR-3-HISTORY: stages of a deal in order of time, the opening's stage first.
#[test]
fn deal_stages_have_a_history() {
    let mut world = World::new();
    deal(&mut world, "deal.stage_changed", "a", 20, &[("old_stage", text("lead")), ("new_stage", text("offer"))]);
    deal(&mut world, "deal.created", "a", 0, &[("stage_id", text("lead"))]);
    let answer = world.company().metric("deal_stage_history");
    let counts: Vec<_> = answer.rows.iter().map(|row| (row.key.as_str(), row.count)).collect();
    assert_eq!(counts, [("lead", 1), ("offer", 1)]);
    let Value::List(stays) = &world.customer("c", DAY)["deal_stage_history"].view else { panic!("a list") };
    assert_eq!(stays.len(), 2);
}

/// ANCHOR-DOD-LTV: payments and won deals add; a deal that is a paid order too counts once; deals can be left out.
#[test]
fn lifetime_value_counts_a_deal_order_once() {
    let mut world = World::new();
    deal(&mut world, "deal.won", "d1", 10, &[("deal_size", number("100"))]);
    world.push(
        "order.paid",
        "c",
        20,
        &[("order_id", text("o1")), ("amount", text("?")), ("paid_amount", number("30"))],
    );
    let ltv = |world: &World| world.customer("c", DAY)["ltv"].value.to_text().unwrap();
    assert_eq!(ltv(&world), "130.00");
    world.push("order.paid", "c", 21, &[("order_id", text("d1")), ("paid_amount", number("100"))]);
    assert_eq!(ltv(&world), "130.00");
    world.settings.ltv_deals = false;
    assert_eq!(ltv(&world), "130.00");
    world.push("deal.won", "e", 10, &[("deal_id", text("d2")), ("deal_size", number("20"))]);
    assert_eq!(world.customer("e", DAY)["ltv"].value.to_text().as_deref(), Some("0.00"));
    assert_eq!(world.company().value("ltv"), "130.00");
}
