//! Company metrics over points that tests put there by hand: windows, money, ratios, growth, levels, people.

mod support;

use axum::http::StatusCode;
use cebe_catalog::CompanySettings;
use serde_json::json;
use support::{World, customer, phone_node, reader};

fn in_zone(zone: &str) -> World {
    let world = World::new();
    world.company("acme", CompanySettings { time_zone: zone.into(), ..CompanySettings::default() });
    world
}

/// The shape that scripts rely on.
#[test]
fn a_ratio_comes_with_its_parts_series_groups_and_freshness() {
    let world = World::new();
    world.point("sends", "2026-03-01T10:00:00Z", &["c1", "t", "whatsapp"], 0, 4);
    world.point("sends", "2026-03-02T10:00:00Z", &["c2", "t", "whatsapp"], 0, 2);
    world.point("sends_replied", "2026-03-01T10:00:00Z", &["c1", "t", "whatsapp"], 0, 1);
    world.point("replies", "2026-03-02T10:00:00Z", &["c1", "t", "whatsapp"], 0, 4);
    world.point("replies_matched", "2026-03-02T10:00:00Z", &["c1", "t", "whatsapp"], 0, 3);
    let answer = world.ok("/v1/metrics/reply_rate?from=2026-03-01&to=2026-03-03&interval=day&group_by=campaign_id");
    insta::assert_json_snapshot!(answer, @r#"
    {
      "beside": {
        "replies": 4,
        "replies_unmatched": 0
      },
      "denominator": 6,
      "freshness": {
        "as_of": "2026-03-20T12:00:00Z",
        "lag_ms": 0,
        "stale": false
      },
      "from": "2026-03-01T00:00:00Z",
      "groups": [
        {
          "denominator": 4,
          "key": {
            "campaign_id": "c1"
          },
          "numerator": 1,
          "series": [
            {
              "denominator": 4,
              "numerator": 1,
              "time": "2026-03-01T00:00:00Z",
              "value": 0.25
            },
            {
              "denominator": 0,
              "numerator": 0,
              "time": "2026-03-02T00:00:00Z",
              "value": null
            }
          ],
          "value": 0.25
        },
        {
          "denominator": 2,
          "key": {
            "campaign_id": "c2"
          },
          "numerator": 0,
          "series": [
            {
              "denominator": 0,
              "numerator": 0,
              "time": "2026-03-01T00:00:00Z",
              "value": null
            },
            {
              "denominator": 2,
              "numerator": 0,
              "time": "2026-03-02T00:00:00Z",
              "value": 0
            }
          ],
          "value": 0
        }
      ],
      "joined_share": 0.75,
      "metric": "reply_rate",
      "numerator": 1,
      "series": [
        {
          "denominator": 4,
          "numerator": 1,
          "time": "2026-03-01T00:00:00Z",
          "value": 0.25
        },
        {
          "denominator": 2,
          "numerator": 0,
          "time": "2026-03-02T00:00:00Z",
          "value": 0
        }
      ],
      "to": "2026-03-03T00:00:00Z",
      "unit": "ratio",
      "value": 0.166666666667
    }
    "#);
}

/// MET-UNITS: nothing to divide by is null with 0/0; nothing to count is 0.
#[test]
fn nothing_is_null_for_ratios_and_zero_for_counts() {
    let world = World::new();
    let rate = world.ok("/v1/metrics/reply_rate?from=2026-03-01&to=2026-03-02");
    assert_eq!([&rate["value"], &rate["numerator"], &rate["denominator"]], [&json!(null), &json!(0), &json!(0)]);
    assert_eq!(world.ok("/v1/metrics/orders")["value"], json!(0));
    let spend = world.ok("/v1/metrics/total_spend");
    assert_eq!([&spend["value"], &spend["currency"]], [&json!("0.00"), &json!("USD")]);
    assert_eq!(world.ok("/v1/metrics/avg_order_value")["value"], json!(null));
}

/// MET-ZONE: days of India are added up from quarter hours, and no hour is counted twice or lost.
#[test]
fn local_days_are_whole_in_a_half_hour_zone() {
    let world = in_zone("Asia/Kolkata");
    // 00:00 and 23:45 of 2 March local, and one quarter hour to either side.
    for bucket in ["2026-03-01T18:15:00Z", "2026-03-01T18:30:00Z", "2026-03-02T18:15:00Z", "2026-03-02T18:30:00Z"] {
        world.point("orders", bucket, &[], 0, 1);
    }
    let answer = world.ok("/v1/metrics/orders?from=2026-03-01&to=2026-03-04&interval=day");
    let values: Vec<_> = answer["series"].as_array().unwrap().iter().map(|point| &point["value"]).collect();
    assert_eq!(values, [&json!(1), &json!(2), &json!(1)]);
    assert_eq!(answer["series"][1]["time"], json!("2026-03-01T18:30:00Z"));
    let hours = world.ok("/v1/metrics/orders?from=2026-03-02&to=2026-03-03&interval=hour");
    assert_eq!(hours["series"].as_array().unwrap().len(), 24);
    assert_eq!(hours["value"], json!(2));
}

/// MET-ZONE: a day on which clocks change has 23 hours, and months begin at local midnight.
#[test]
fn clock_changes_and_months_follow_the_zone() {
    let world = in_zone("Europe/Berlin");
    world.point("orders", "2026-02-28T23:00:00Z", &[], 0, 5);
    world.point("orders", "2026-03-29T21:00:00Z", &[], 0, 1);
    world.point("orders", "2026-03-29T22:00:00Z", &[], 0, 2);
    let hours = world.ok("/v1/metrics/orders?from=2026-03-29&to=2026-03-30&interval=hour");
    assert_eq!(hours["series"].as_array().unwrap().len(), 23);
    assert_eq!(hours["value"], json!(1));
    let months = world.ok("/v1/metrics/orders?from=2026-02-01&to=2026-04-01&interval=month");
    assert_eq!(
        months["series"],
        json!([
            { "time": "2026-01-31T23:00:00Z", "value": 0 }, { "time": "2026-02-28T23:00:00Z", "value": 8 },
        ])
    );
}

#[test]
fn another_zone_is_taken_only_where_buckets_fit() {
    let world = World::new();
    world.point("orders", "2026-03-01T17:00:00Z", &[], 0, 1);
    let jakarta = world.ok("/v1/metrics/orders?from=2026-03-02&to=2026-03-03&time_zone=Asia/Jakarta");
    assert_eq!(jakarta["value"], json!(1));
    let (status, error) = world.get(&reader(), "/v1/metrics/orders?time_zone=Asia/Kolkata");
    assert_eq!((status, &error["error"]["code"]), (StatusCode::BAD_REQUEST, &json!("zone_too_fine")));
}

/// MET-CCY: currencies are never added; one currency gives a value, several a list.
#[test]
fn money_is_kept_apart_by_currency() {
    let world = World::new();
    world.point("payments", "2026-03-01T10:00:00Z", &["card", "USD"], 10_500_000, 2);
    let one = world.ok("/v1/metrics/total_spend");
    assert_eq!([&one["value"], &one["currency"]], [&json!("10.50"), &json!("USD")]);
    world.point("payments", "2026-03-02T10:00:00Z", &["cash", "JPY"], 500_000_000, 1);
    let answer = world.ok("/v1/metrics/total_spend?group_by=currency&interval=day");
    insta::assert_json_snapshot!(answer, @r#"
    {
      "by_currency": [
        {
          "currency": "JPY",
          "value": "500"
        },
        {
          "currency": "USD",
          "value": "10.50"
        }
      ],
      "currency": null,
      "freshness": {
        "as_of": "2026-03-20T12:00:00Z",
        "lag_ms": 0,
        "stale": false
      },
      "groups": [
        {
          "by_currency": [
            {
              "currency": "JPY",
              "value": "500"
            }
          ],
          "currency": "JPY",
          "key": {
            "currency": "JPY"
          },
          "series": [
            {
              "by_currency": [
                {
                  "currency": "JPY",
                  "value": "0"
                }
              ],
              "currency": "JPY",
              "time": "2026-03-01T00:00:00Z",
              "value": "0"
            },
            {
              "by_currency": [
                {
                  "currency": "JPY",
                  "value": "500"
                }
              ],
              "currency": "JPY",
              "time": "2026-03-02T00:00:00Z",
              "value": "500"
            }
          ],
          "value": "500"
        },
        {
          "by_currency": [
            {
              "currency": "USD",
              "value": "10.50"
            }
          ],
          "currency": "USD",
          "key": {
            "currency": "USD"
          },
          "series": [
            {
              "by_currency": [
                {
                  "currency": "USD",
                  "value": "10.50"
                }
              ],
              "currency": "USD",
              "time": "2026-03-01T00:00:00Z",
              "value": "10.50"
            },
            {
              "by_currency": [
                {
                  "currency": "USD",
                  "value": "0.00"
                }
              ],
              "currency": "USD",
              "time": "2026-03-02T00:00:00Z",
              "value": "0.00"
            }
          ],
          "value": "10.50"
        }
      ],
      "joined_share": 1.0,
      "metric": "total_spend",
      "series": [
        {
          "by_currency": [
            {
              "currency": "USD",
              "value": "10.50"
            }
          ],
          "currency": "USD",
          "time": "2026-03-01T00:00:00Z",
          "value": "10.50"
        },
        {
          "by_currency": [
            {
              "currency": "JPY",
              "value": "500"
            }
          ],
          "currency": "JPY",
          "time": "2026-03-02T00:00:00Z",
          "value": "500"
        }
      ],
      "unit": "money",
      "value": null
    }
    "#);
    let yen = world.ok("/v1/metrics/total_spend?currency=JPY");
    assert_eq!([&yen["value"], &yen["currency"]], [&json!("500"), &json!("JPY")]);
}

#[test]
fn averages_of_money_are_rounded_half_even_to_six_digits() {
    let world = World::new();
    world.point("paid_order_value", "2026-03-01T10:00:00Z", &["USD"], 10_000_000, 3);
    let answer = world.ok("/v1/metrics/avg_order_value");
    assert_eq!(answer["value"], json!("3.333333"));
    assert_eq!([&answer["numerator"], &answer["denominator"]], [&json!("10.00"), &json!(3)]);
}

/// A flow ratio whose count has no currency: leads are the same whole for each currency of spend.
#[test]
fn money_per_count_divides_by_what_has_no_currency() {
    let world = World::new();
    world.point("ad_spend", "2026-03-01T00:00:00Z", &["meta", "c1", "a1", "USD"], 9_000_000, 1);
    world.point("ad_leads", "2026-03-01T05:00:00Z", &["meta", "c1", "a1"], 0, 4);
    let answer = world.ok("/v1/metrics/cpl?group_by=campaign_id&currency=USD");
    assert_eq!(answer["value"], json!("2.25"));
    assert_eq!(answer["groups"][0]["value"], json!("2.25"));
    assert_eq!(answer["groups"][0]["key"], json!({ "campaign_id": "c1" }));
}

/// MET-DISTINCT: the payer of three days is one in the week; two nodes of one customer are one person.
#[test]
fn distinct_people_are_not_the_sum_of_days() {
    let world = World::new();
    let (ann, phone, bob) = (customer("ann"), phone_node("+6281234567890"), customer("bob"));
    world.together(&[ann.clone(), phone.clone()]);
    world.together(std::slice::from_ref(&bob));
    for day in ["2026-03-02", "2026-03-03", "2026-03-04"] {
        world.active("payments", day, &ann);
    }
    world.active("payments", "2026-03-04", &phone);
    world.active("payments", "2026-03-04", &bob);
    let days = world.ok("/v1/metrics/payers?from=2026-03-02&to=2026-03-09&interval=day");
    let values: Vec<_> =
        days["series"].as_array().unwrap().iter().map(|point| point["value"].as_i64().unwrap()).collect();
    assert_eq!(values, [1, 1, 2, 0, 0, 0, 0]);
    assert_eq!(days["value"], json!(2));
    let weeks = world.ok("/v1/metrics/payers?interval=week");
    assert_eq!(weeks["series"], json!([{ "time": "2026-03-02T00:00:00Z", "value": 2 }]));
}

#[test]
fn growth_compares_equal_periods() {
    let world = World::new();
    world.point("customers_created", "2026-01-10T00:00:00Z", &["web"], 0, 4);
    world.point("customers_created", "2026-02-10T00:00:00Z", &["web"], 0, 6);
    // March still runs: until 20 March 12:00 it is compared with February until the same moment.
    world.point("customers_created", "2026-03-10T00:00:00Z", &["web"], 0, 3);
    world.point("customers_created", "2026-02-25T00:00:00Z", &["web"], 0, 100);
    let february = world.ok("/v1/metrics/new_customer_growth_rate?from=2026-02-01&to=2026-03-01");
    assert_eq!(
        [&february["value"], &february["numerator"], &february["denominator"]],
        [&json!(25.5), &json!(102), &json!(4)]
    );
    let march = world.ok("/v1/metrics/new_customer_growth_rate?from=2026-03-01&to=2026-04-01&interval=month");
    assert_eq!(march["value"], json!(-0.5));
    assert_eq!(
        march["series"],
        json!([{ "time": "2026-03-01T00:00:00Z", "value": -0.5, "numerator": -3, "denominator": 6 }])
    );
    assert_eq!(world.ok("/v1/metrics/new_customer_growth_rate?from=2026-01-01&to=2026-02-01")["value"], json!(null));
}

#[test]
fn a_gauge_is_read_at_a_time() {
    let world = World::new();
    world.point("members", "2026-03-01T10:00:00Z", &["p", "gold"], 0, 2);
    world.point("members", "2026-03-05T10:00:00Z", &["p", "gold"], 0, -1);
    world.point("members", "2026-03-05T10:00:00Z", &["p", "silver"], 0, 1);
    world.point("members", "2026-04-05T10:00:00Z", &["p", "silver"], 0, -1);
    assert_eq!(world.ok("/v1/metrics/loyalty_members")["value"], json!(2));
    assert_eq!(world.ok("/v1/metrics/loyalty_members?at=2026-03-02")["value"], json!(2));
    assert_eq!(world.ok("/v1/metrics/loyalty_members?at=2026-03-01")["value"], json!(0));
    assert_eq!(world.ok("/v1/metrics/loyalty_members?at=2026-05-01")["value"], json!(1));
    let tiers = world.ok("/v1/metrics/tier_distribution?at=2026-03-06");
    assert_eq!(
        tiers["groups"],
        json!([
            { "key": { "tier": "gold" }, "value": 1, "share": 0.5 }, { "key": { "tier": "silver" }, "value": 1, "share": 0.5 },
        ])
    );
    let days = world.ok("/v1/metrics/loyalty_members?from=2026-03-04&to=2026-03-07&interval=day&tier=gold");
    let values: Vec<_> =
        days["series"].as_array().unwrap().iter().map(|point| point["value"].as_i64().unwrap()).collect();
    assert_eq!(values, [2, 1, 1]);
}

#[test]
fn a_missing_value_is_the_group_null_and_can_be_filtered_by() {
    let world = World::new();
    world.point("sends", "2026-03-01T10:00:00Z", &["c1", "", "whatsapp"], 0, 4);
    let answer = world.ok("/v1/metrics/campaigns_received?group_by=template_id");
    assert_eq!(answer["groups"], json!([{ "key": { "template_id": null }, "value": 4 }]));
    assert_eq!(world.ok("/v1/metrics/campaigns_received?template_id=null")["value"], json!(4));
    assert_eq!(answer["beside"], json!({ "distinct_campaigns": 1 }));
}

#[test]
fn what_cannot_be_asked_is_refused_with_what_can() {
    let world = World::new();
    for (uri, code) in [
        ("/v1/metrics/reply_rat", "unknown_metric"),
        ("/v1/metrics/preferred_channel", "unknown_metric"),
        ("/v1/metrics/reply_rate?group_by=colour", "unknown_dimension"),
        ("/v1/metrics/reply_rate?colour=red", "unknown_dimension"),
        ("/v1/metrics/reply_rate?interval=year", "invalid_parameter"),
        ("/v1/metrics/reply_rate?from=yesterday", "invalid_time"),
        ("/v1/metrics/reply_rate?from=2026-03-02&to=2026-03-01", "invalid_time"),
        ("/v1/metrics/reply_rate?from=1970-01-01&to=2100-01-01&interval=hour", "too_many_rows"),
        ("/v1/metrics/payers?interval=hour", "not_by_people"),
        ("/v1/metrics?page=2", "unknown_parameter"),
    ] {
        let (status, error) = world.get(&reader(), uri);
        assert_eq!((status, &error["error"]["code"]), (StatusCode::BAD_REQUEST, &json!(code)), "{uri}");
        assert!(error["error"]["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{uri}");
    }
    let (_, error) = world.get(&reader(), "/v1/metrics/reply_rate?group_by=colour");
    assert!(error["error"]["hint"].as_str().unwrap().contains("campaign_id"));
}

/// Every metric over components answers over a store with a point in each of its components.
#[test]
fn every_metric_answers() {
    let world = World::new();
    let definitions = cebe_catalog::Definitions::standard();
    for component in definitions.components.values() {
        let values: Vec<&str> =
            component.dimensions.iter().map(|name| if name == "currency" { "USD" } else { "x" }).collect();
        world.point(&component.name, "2026-03-01T10:00:00Z", &values, 2_000_000, 2);
    }
    for metric in definitions.metrics.values().filter(|metric| metric.company && !metric.formula.is_own()) {
        let answer = world.ok(&format!("/v1/metrics/{}?from=2026-03-01&to=2026-03-02&interval=day", metric.name));
        assert_eq!(answer["series"].as_array().unwrap().len(), 1, "{}", metric.name);
        assert!(answer["freshness"]["as_of"].is_string());
        for dimension in &metric.dimensions {
            let grouped = world.ok(&format!("/v1/metrics/{}?group_by={dimension}", metric.name));
            assert!(!grouped["groups"].as_array().unwrap().is_empty(), "{} by {dimension}", metric.name);
        }
    }
}
