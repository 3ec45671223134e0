//! Requirements of section 9 on customers, segments and loyalty.

use crate::support::{DAY, World, number, person, text, time};
use cebe_catalog::Value;

fn created(world: &mut World, who: &str, at: i64, more: &[(&str, Value)]) {
    world.push("customer.created", who, at, more);
}

/// ANCHOR-6-NEW: two that are one person are one new customer, at the earliest creation.
#[test]
fn a_merged_customer_is_new_once() {
    let mut world = World::new();
    created(&mut world, "c", 50 * DAY, &[]);
    created(&mut world, "d", 10 * DAY, &[]);
    assert_eq!(world.company().value("new_customers"), "2");
    world.same.insert(person("d"), person("c"));
    let mut company = world.company();
    assert_eq!(company.value("new_customers"), "1");
    company.window = Some((10 * DAY, 11 * DAY));
    assert_eq!(company.value("new_customers"), "1");
}

/// ANCHOR-6-GROWTH: 10 then 15: 0.5; 0 then 5: null.
#[test]
fn growth_compares_equal_periods() {
    let mut world = World::new();
    for who in 0..25 {
        created(&mut world, &format!("c{who}"), if who < 10 { 10 } else { 110 }, &[]);
    }
    let mut company = world.company();
    company.window = Some((100, 200));
    assert_eq!(company.value("new_customer_growth_rate"), "0.5");
    company.window = Some((0, 100));
    assert_eq!(company.value("new_customer_growth_rate"), "null");
}

/// ANCHOR-6-SOURCE: told, else the platform of an ad touch at most seven days before, else nothing known.
#[test]
fn the_source_is_told_or_the_ad_before() {
    let ad = [("ad_platform", text("tiktok")), ("ad_id", text("a")), ("campaign_id", text("k"))];
    for (days_before, told, source) in
        [(2, None, "tiktok"), (7, None, "tiktok"), (8, None, ""), (2, Some("crm"), "crm")]
    {
        let mut world = World::new();
        world.push("ad.lead_captured", "c", (10 - days_before) * DAY, &ad);
        let more: Vec<_> = told.iter().map(|told| ("acquisition_source", text(told))).collect();
        created(&mut world, "c", 10 * DAY, &more);
        let answer = &world.customer("c", 20 * DAY)["acquisition_source"];
        assert_eq!(answer.value.to_text().as_deref(), Some(source));
        assert_eq!(world.company().metric("acquisition_source").rows[0].key, source);
    }
}

/// ANCHOR-6-SEG: enter, exit, enter: a member since the last entry, under the latest name; an exit before the entry by time
/// does not end it; at equal time the exit wins.
#[test]
fn segment_membership_is_by_time() {
    let mut world = World::new();
    for (name, at, label) in [("entered", 30, "B"), ("exited", 20, "A"), ("entered", 10, "A")] {
        let attributes = [("segment_id", text("s")), ("segment_name", text(label))];
        world.push(&format!("segment.{name}"), "c", at, &attributes);
    }
    let Value::List(list) = &world.customer("c", DAY)["segments"].view.clone() else { panic!("a list") };
    let Value::Map(items) = &list[0] else { panic!("a map") };
    assert_eq!(cebe_catalog::value::field(items, "since"), Some(&time(30)));
    assert_eq!(cebe_catalog::value::field(items, "name"), Some(&text("B")));
    let mut company = world.company();
    assert_eq!((company.value("segment_entries"), company.value("segment_exits")), ("2".into(), "1".into()));
    company.as_of = 25;
    assert_eq!(company.metric("segments").rows.len(), 0);
    world.push("segment.exited", "c", 30, &[("segment_id", text("s"))]);
    assert_eq!(world.customer("c", DAY)["segments"].view, Value::List(Vec::new()));
}

fn member(world: &mut World, name: &str, who: &str, at: i64, more: &[(&str, Value)]) {
    let mut all = vec![("member_id", text(&format!("m-{who}")))];
    all.extend_from_slice(more);
    world.push(name, who, at, &all);
}

fn program() -> (&'static str, Value) {
    ("program_id", text("p"))
}

/// ANCHOR-7-MEMBERS, ANCHOR-7-ENRATE, ANCHOR-7-BYPROG: members as of a past time; unenrolled are none, enrolled again are.
#[test]
fn members_are_asked_as_of_a_time() {
    let mut world = World::new();
    for who in ["a", "b", "x", "y"] {
        created(&mut world, who, 1, &[]);
    }
    member(&mut world, "membership.enrolled", "a", 10, &[program()]);
    member(&mut world, "membership.enrolled", "b", 20, &[program()]);
    member(&mut world, "membership.unenrolled", "a", 30, &[program()]);
    member(&mut world, "membership.enrolled", "a", 40, &[program()]);
    let mut company = world.company();
    for (as_of, members, rate) in
        [(5, "0", "0"), (15, "1", "0.25"), (25, "2", "0.5"), (35, "1", "0.25"), (45, "2", "0.5")]
    {
        company.as_of = as_of;
        assert_eq!(company.value("loyalty_members"), members, "as of {as_of}");
        assert_eq!(company.value("enrollment_rate"), rate, "as of {as_of}");
    }
    assert_eq!((company.value("enrollments"), company.value("new_members")), ("3".into(), "2".into()));
    member(&mut world, "membership.unenrolled", "b", 20, &[program()]);
    assert_eq!(world.company().value("loyalty_members"), "1");
}

/// ANCHOR-7-GROWTH: first enrolments only.
#[test]
fn member_growth_counts_first_enrolments() {
    let mut world = World::new();
    for (who, at) in [("a", 10), ("a", 110), ("b", 120), ("d", 130)] {
        member(&mut world, "membership.enrolled", who, at, &[program()]);
    }
    let mut company = world.company();
    company.window = Some((100, 200));
    assert_eq!(company.value("new_member_growth_rate"), "1");
}

/// ANCHOR-7-POINTS: the latest balance by domain time; a late older event changes nothing; expired points are none until the
/// next event; an entry without a program belongs to the member's.
#[test]
fn points_are_the_latest_balance() {
    let mut world = World::new();
    member(&mut world, "membership.enrolled", "a", 10, &[program(), ("available_point", number("5"))]);
    member(
        &mut world,
        "points.earned",
        "a",
        30,
        &[("available_point", number("12.5")), ("expired_point_at", time(100))],
    );
    member(&mut world, "points.earned", "a", 20, &[("available_point", number("7"))]);
    let points = |world: &World, as_of| world.customer("a", as_of)["available_points"].value.to_text().unwrap();
    assert_eq!((points(&world, 15), points(&world, 25), points(&world, 99)), ("5".into(), "7".into(), "12.5".into()));
    assert_eq!(points(&world, 100), "0");
    member(&mut world, "points.burned", "a", 120, &[("available_point", number("3"))]);
    assert_eq!(points(&world, 200), "3");
    assert_eq!(world.company().value("available_points"), "3");
}

/// ANCHOR-7-TIER: an upgrade moves one; a late older one does not; no tier is `none`.
#[test]
fn tiers_move_members() {
    let mut world = World::new();
    member(&mut world, "membership.enrolled", "a", 10, &[program(), ("initial_tier", text("silver"))]);
    member(&mut world, "membership.enrolled", "b", 10, &[program()]);
    member(&mut world, "tier.downgraded", "a", 30, &[("new_tier", text("bronze"))]);
    member(&mut world, "tier.upgraded", "a", 20, &[("new_tier", text("gold"))]);
    let tiers = |as_of| {
        let mut company = world.company();
        company.as_of = as_of;
        let rows = company.metric("tier_distribution").rows;
        rows.into_iter().map(|row| (row.key.to_string(), row.count)).collect::<Vec<_>>()
    };
    assert_eq!(tiers(15), [("none".into(), 1), ("silver".into(), 1)]);
    assert_eq!(tiers(25), [("gold".into(), 1), ("none".into(), 1)]);
    assert_eq!(tiers(35), [("bronze".into(), 1), ("none".into(), 1)]);
    assert_eq!(world.customer("a", DAY)["tier_distribution"].value.to_text().as_deref(), Some("bronze"));
}

/// ANCHOR-7-rewards.redeemed: one reward_used_id once. ANCHOR-6-customer.updated: the latest value by time, null clears.
#[test]
fn rewards_and_fields_by_their_key() {
    let mut world = World::new();
    for at in [1, 2] {
        member(&mut world, "rewards.redeemed", "a", at, &[("reward_used_id", text("r"))]);
    }
    assert_eq!(world.company().value("rewards_redeemed"), "1");
    let change = |name: &str, value: Value| {
        let item = vec![("name".into(), text(name)), ("value".into(), value)];
        [("change_fields", Value::List(vec![Value::Map(item)]))]
    };
    world.push("customer.updated", "a", 20, &change("city", text("Bandung")));
    world.push("customer.updated", "a", 10, &change("city", text("Jakarta")));
    world.push("customer.updated", "a", 10, &change("vip", Value::Bool(true)));
    world.push("customer.updated", "a", 15, &change("vip", Value::Null));
    let fields: Vec<_> = world.facts().into_iter().filter(|fact| fact.name == "field").collect();
    let value = |key: &str| fields.iter().find(|fact| fact.key == key).unwrap().folded.field("value").cloned();
    assert_eq!((value("city"), value("vip")), (Some(text("Bandung")), None));
}
