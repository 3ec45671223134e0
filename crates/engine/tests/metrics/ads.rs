//! Requirements of section 9 on ads.

use crate::support::{DAY, World, number, text};
use cebe_catalog::Value;

fn ad(world: &mut World, name: &str, who: &str, at: i64, more: &[(&str, Value)]) {
    let mut all = vec![("ad_platform", text("meta")), ("campaign_id", text("k")), ("ad_id", text("a"))];
    all.extend_from_slice(more);
    world.push(name, who, at, &all);
}

fn spend(world: &mut World, period: &str, amount: &str) {
    let more = [("period", text(period)), ("ad_spend", number(amount)), ("currency", text("USD"))];
    ad(world, "ad.spend_recorded", "", 0, &more);
}

/// ANCHOR-4b-IMPCLK: every impression and click counts, of nobody too; what they cost is shown and never spend.
#[test]
fn impressions_and_clicks_of_nobody_count() {
    let mut world = World::new();
    for who in ["c", "", ""] {
        ad(&mut world, "ad.impression", who, 1, &[("ad_spend", number("0.5")), ("currency", text("USD"))]);
    }
    ad(&mut world, "ad.clicked", "", 2, &[("cost_per_click", number("2")), ("currency", text("USD"))]);
    let company = world.company();
    assert_eq!((company.value("ad_impressions"), company.value("ad_clicks")), ("3".into(), "1".into()));
    assert_eq!(company.value("ad_ctr"), "0.333333333333");
    assert_eq!((company.value("observed_cost"), company.value("ad_spend")), ("3.50".into(), "0.00".into()));
    assert_eq!(world.customer("c", DAY)["ad_impressions"].value.to_text().as_deref(), Some("1"));
}

/// ANCHOR-4b-CONVRATE: ten clicked, two converted, one view-through: 0.2; a type asked for counts over all clicks.
#[test]
fn view_through_is_not_in_the_rate() {
    let mut world = World::new();
    for who in 0..10 {
        ad(&mut world, "ad.clicked", &format!("c{who}"), 10, &[]);
        ad(&mut world, "ad.clicked", &format!("c{who}"), 30, &[]);
    }
    for (who, at, kind) in [("c0", 20, "purchase"), ("c1", 10, "deal"), ("c1", 11, "purchase"), ("v", 20, "deal")] {
        ad(&mut world, "ad.converted", who, at, &[("conversion_type", text(kind))]);
    }
    let mut company = world.company();
    let answer = company.metric("ads_conversion_rate");
    assert_eq!(answer.value.to_text().as_deref(), Some("0.2"));
    assert_eq!(answer.beside["view_through_conversions"].to_text().as_deref(), Some("1"));
    company.filters = vec![("conversion_type", "deal")];
    assert_eq!(company.value("ads_conversion_rate"), "0.1");
}

/// ANCHOR-4b-CPL, ANCHOR-4b-CPA: 100 for 4 leads is 25, restated 80 is 20, no lead is null; 100 for 2 conversions is 50.
#[test]
fn spend_per_lead_and_conversion() {
    let mut world = World::new();
    spend(&mut world, "2026-08-01", "100");
    assert_eq!((world.company().value("cpl"), world.company().value("cpa")), ("null".into(), "null".into()));
    for lead in 0..4 {
        ad(&mut world, "ad.lead_captured", "", lead, &[("lead_id", text(&lead.to_string()))]);
    }
    ad(&mut world, "ad.lead_captured", "c", 9, &[("lead_id", text("3"))]);
    assert_eq!(world.company().value("cpl"), "25.00");
    for reference in ["o1", "o2", "o2"] {
        ad(&mut world, "ad.converted", "c", 5, &[("conversion_ref", text(reference))]);
    }
    assert_eq!(world.company().value("cpa"), "50.00");
    spend(&mut world, "2026-08-01", "80");
    assert_eq!((world.company().value("cpl"), world.company().value("ad_spend")), ("20.00".into(), "80.00".into()));
}

/// ANCHOR-4b-ROAS: 300 for 100 is 3; a restated value replaces; the impression's price is not spend; USD against IDR: null.
#[test]
fn roas_is_of_one_currency() {
    let mut world = World::new();
    spend(&mut world, "2026-08-01", "100");
    ad(&mut world, "ad.impression", "c", 1, &[("ad_spend", number("900")), ("currency", text("USD"))]);
    for value in ["250", "300"] {
        let more = [("conversion_ref", text("o")), ("conversion_value", number(value)), ("currency", text("USD"))];
        ad(&mut world, "ad.converted", "c", 5, &more);
    }
    assert_eq!(world.company().value("roas"), "3");
    let more = [("conversion_ref", text("o")), ("conversion_value", number("1")), ("currency", text("IDR"))];
    ad(&mut world, "ad.converted", "c", 6, &more);
    let answer = world.company().metric("roas");
    assert_eq!(answer.value.to_text(), None);
    assert!(answer.by_currency.iter().all(|line| line.value.to_text() != Some("3".into())));
}

/// MKT-S02-ERR1-a: the same row again changes nothing, a corrected one replaces, in any period length; of overlapping
/// periods the finer counts for its days, months apart or not, and the overlap is told.
#[test]
fn finer_periods_win_day_by_day() {
    type Rows = &'static [(&'static str, &'static str)];
    let cases: [(Rows, &str, &str); 8] = [
        (&[("2026-08-01", "5"), ("2026-08-01", "5")], "5.00", "0"),
        (&[("2026-08-01/2026-08-07", "70")], "70.00", "0"),
        (&[("2026-08-01/2026-08-07", "70"), ("2026-08-03", "1")], "61.00", "1"),
        (&[("2026-08-03", "1"), ("2026-08-03T05", "0.25"), ("2026-08-03T06", "0.5")], "0.75", "1"),
        (&[("2026-08-03T05", "0.25"), ("2026-08-03T06", "0.5")], "0.75", "0"),
        (&[("2026-07-30/2026-08-02", "40")], "40.00", "0"),
        (&[("2026-07-30/2026-08-02", "40"), ("2026-08-01", "3")], "33.00", "1"),
        (&[("2026-08-01/2026-08-03", "100")], "100.00", "0"),
    ];
    for (rows, total, overlaps) in cases {
        let mut world = World::new();
        for (period, amount) in rows {
            spend(&mut world, period, amount);
        }
        let answer = world.company().metric("ad_spend");
        assert_eq!(answer.value.to_text().as_deref(), Some(total), "{rows:?}");
        assert_eq!(answer.beside["overlaps"].to_text().as_deref(), Some(overlaps), "{rows:?}");
    }
}

/// A period's remainder is on its first day, and days lie in the account's zone.
#[test]
fn days_of_spend_are_the_accounts() {
    let mut world = World::new();
    let more = [
        ("period", text("1970-01-02/1970-01-04")),
        ("ad_spend", number("100")),
        ("currency", text("USD")),
        ("timezone", text("Asia/Jakarta")),
    ];
    ad(&mut world, "ad.spend_recorded", "", 0, &more);
    let mut company = world.company();
    company.window = Some((DAY - 8 * 3_600, DAY));
    assert_eq!(company.value("ad_spend"), "33.333334");
    company.window = Some((DAY, 2 * DAY));
    assert_eq!(company.value("ad_spend"), "33.333333");
}
