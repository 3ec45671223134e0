//! Metrics of the engine itself, over rows that tests put there as the worker would.

mod support;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use cebe_catalog::{CompanySettings, Definitions};
use cebe_engine::{
    change::Changes,
    latency::Latencies,
    rows::{LastSeen, LastSeenKey, OutcomeKey, Outcomes},
};
use cebe_privacy::access::{Grant, Scope, TeamView};
use cebe_retriever::Freshness;
use serde_json::{Value, json};
use support::{World, at, customer, phone_node, reader};
use tower::ServiceExt;

fn key(module: &str, hour: &str) -> OutcomeKey {
    OutcomeKey { company: "acme".into(), module: module.into(), hour: at(hour) }
}

fn received(world: &World, module: &str, hour: &str, counts: Outcomes) {
    assert!(counts.balanced());
    world.commit(Changes { outcomes: vec![(key(module, hour), counts)], ..Changes::default() });
}

fn took(world: &World, module: &str, hour: &str, emission_ms: &[i64], receipt_ms: &[i64]) {
    let mut row = Latencies::default();
    emission_ms.iter().for_each(|millis| row.emission.note(millis * 1_000));
    receipt_ms.iter().for_each(|millis| row.receipt.note(millis * 1_000));
    world.commit(Changes { latencies: vec![(key(module, hour), row)], ..Changes::default() });
}

fn applied(world: &World, module: &str, name: &str, when: &str) {
    let key = LastSeenKey { company: "acme".into(), module: module.into(), name: name.into() };
    let row = LastSeen { received_at: Some(at(when)), applied_at: Some(at(when)) };
    world.commit(Changes { last_seen: vec![(key, row)], ..Changes::default() });
}

fn group<'a>(answer: &'a Value, name: &str, value: &str) -> &'a Value {
    let groups = answer["groups"].as_array().expect("groups");
    groups.iter().find(|group| group["key"][name] == value).unwrap_or_else(|| panic!("no {value} in {answer}"))
}

fn mixed() -> Outcomes {
    Outcomes {
        received: 20,
        applied: 8,
        duplicate: 5,
        conflict: 1,
        ignored: 3,
        quarantined: 3,
        no_identity: 2,
        ..Outcomes::default()
    }
}

/// CORE-ALERT-2: rejections over what was received, by source and window; duplicates and ignored events stand beside.
#[test]
fn the_rejection_rate_is_cut_by_source_and_hour() {
    let world = World::new();
    received(&world, "deals", "2026-03-01T10:00:00Z", mixed());
    received(
        &world,
        "unknown",
        "2026-03-01T11:00:00Z",
        Outcomes { received: 4, quarantined: 4, ..Outcomes::default() },
    );
    let calm = Outcomes { received: 76, applied: 76, ..Outcomes::default() };
    received(&world, "cdp", "2026-03-02T10:00:00Z", calm);
    let answer = world.ok("/v1/metrics/rejection_rate?interval=day&group_by=source_module&to=2026-03-03");
    assert_eq!(
        (&answer["numerator"], &answer["denominator"], &answer["value"]),
        (&json!(8), &json!(100), &json!(0.08))
    );
    assert_eq!(answer["beside"], json!({ "duplicates": 5, "ignored": 3, "quarantined": 7, "conflicts": 1 }));
    let days: Vec<&Value> = answer["series"].as_array().unwrap().iter().map(|point| &point["numerator"]).collect();
    assert_eq!(days, [&json!(8), &json!(0)]);
    assert_eq!(group(&answer, "source_module", "deals")["value"], json!(0.2));
    assert_eq!(group(&answer, "source_module", "unknown")["value"], json!(1));
    assert_eq!(answer["freshness"]["stale"], json!(false));
    let hour = world.ok("/v1/metrics/rejection_rate?from=2026-03-01T10:00:00Z&to=2026-03-01T11:00:00Z");
    assert_eq!(hour["denominator"], json!(20));
    let nothing = world.ok("/v1/metrics/rejection_rate?from=2026-04-01&to=2026-04-02");
    assert_eq!(nothing["value"], Value::Null);
    let filtered = world.ok("/v1/metrics/events?source_module=cdp");
    assert_eq!((&filtered["value"], &filtered["beside"]["received"]), (&json!(76), &json!(76)));
}

/// ANCHOR-APP-D: how many events name nobody, and their share, by source.
#[test]
fn events_that_name_nobody_have_a_share() {
    let world = World::new();
    received(&world, "deals", "2026-03-01T10:00:00Z", mixed());
    let answer = world.ok("/v1/metrics/unresolved?group_by=source_module");
    assert_eq!((&answer["value"], &answer["beside"]["share"]), (&json!(2), &json!(0.25)));
    assert_eq!(group(&answer, "source_module", "deals")["value"], json!(2));
}

/// CORE-MET-1, ANCHOR-MET-2: emission and receipt apart, by source; the share within the promise is exact.
#[test]
fn propagation_is_told_from_emission_and_from_receipt() {
    let world = World::new();
    took(&world, "deals", "2026-03-01T10:00:00Z", &[5_000, 5_001, 20, 20], &[1, 1, 1, 1]);
    took(&world, "cdp", "2026-03-01T11:00:00Z", &[40], &[2]);
    let answer = world.ok("/v1/metrics/propagation_seconds?group_by=source_module&interval=hour");
    let beside = &answer["beside"];
    assert_eq!((&beside["emission_events"], &beside["emission_promise_kept"]), (&json!(5), &json!(0.8)));
    assert_eq!(beside["receipt_promise_kept"], json!(1));
    let seconds = |value: &Value| value.as_f64().unwrap();
    assert!((5.0..=7.0).contains(&seconds(&answer["value"])), "{answer}");
    assert!((0.03..=0.05).contains(&seconds(&beside["emission_p50"])), "{answer}");
    assert!(seconds(&beside["receipt_p99"]) <= 0.002);
    assert!(seconds(&group(&answer, "source_module", "cdp")["value"]) <= 0.05);
    assert_eq!(answer["series"].as_array().unwrap().len(), 2);
    assert_eq!(world.ok("/v1/metrics/propagation_seconds?from=2026-05-01")["value"], Value::Null);
}

/// ANCHOR-MET-1: modules heard in the last day, exactly; in a window, by hours; by module, names over the catalog's names.
#[test]
fn module_coverage_is_known() {
    let world = World::new();
    let modules = Definitions::standard().modules.len() as u64;
    applied(&world, "deals", "deal.won", "2026-03-19T12:00:00Z");
    applied(&world, "cdp", "customer.created", "2026-03-19T11:59:59.999999Z");
    let answer = world.ok("/v1/metrics/module_coverage");
    assert_eq!((&answer["numerator"], &answer["denominator"]), (&json!(1), &json!(modules)));
    let named = world.ok("/v1/metrics/module_coverage?group_by=source_module");
    assert_eq!(named["groups"].as_array().unwrap().len() as u64, modules, "silent modules are listed");
    let names = |module: &str| Definitions::standard().events.values().filter(|event| event.module == module).count();
    let deals = group(&named, "source_module", "deals");
    assert_eq!((&deals["numerator"], &deals["denominator"]), (&json!(1), &json!(names("deals"))));
    assert_eq!(group(&named, "source_module", "loyalty")["value"], json!(0));
    assert_eq!(named["numerator"], json!(1));
    let counts = Outcomes { received: 1, applied: 1, ..Outcomes::default() };
    received(&world, "loyalty", "2026-03-01T10:00:00Z", counts);
    let refused = Outcomes { received: 1, quarantined: 1, ..Outcomes::default() };
    received(&world, "deals", "2026-03-01T10:00:00Z", refused);
    let window = world.ok("/v1/metrics/module_coverage?from=2026-03-01&to=2026-03-02");
    assert_eq!((&window["numerator"], &window["denominator"]), (&json!(1), &json!(modules)));
    let (status, error) = world.get(&reader(), "/v1/metrics/module_coverage?group_by=source_module&from=2026-03-01");
    assert_eq!((status, &error["error"]["code"]), (StatusCode::BAD_REQUEST, &json!("not_by_window")));
}

/// MKT-OQ-1, ANCHOR-APP-D: known people over all ad people by platform; a link that arrives later counts for the past.
#[test]
fn ad_people_are_resolved_by_platform() {
    let world = World::new();
    world.company("acme", CompanySettings { time_zone: "Asia/Jakarta".into(), ..CompanySettings::default() });
    let (ayu, budi) = (phone_node("+6281"), phone_node("+6282"));
    world.active("ad_people_clicked_meta", "2026-03-01", &ayu);
    world.active("ad_people_captured_meta", "2026-03-02", &ayu);
    world.active("ad_people_captured_meta", "2026-03-02", &budi);
    world.active("ad_people_converted_google", "2026-03-02", &customer("citra"));
    world.active("conversations", "2026-03-02", &ayu);
    let by_platform = "/v1/metrics/resolution_rate?group_by=ad_platform";
    let before = world.ok(by_platform);
    let meta = |answer: &Value| {
        (
            group(answer, "ad_platform", "meta")["numerator"].clone(),
            group(answer, "ad_platform", "meta")["denominator"].clone(),
        )
    };
    assert_eq!(meta(&before), (json!(0), json!(2)));
    assert_eq!(group(&before, "ad_platform", "google")["value"], json!(1));
    assert_eq!((&before["numerator"], &before["denominator"]), (&json!(1), &json!(3)), "a person counts once");
    world.together(&[customer("ayu"), ayu]);
    assert_eq!(meta(&world.ok(by_platform)), (json!(1), json!(2)));
    let first_day = world.ok("/v1/metrics/resolution_rate?source_module=marketing&from=2026-03-01&to=2026-03-02");
    assert_eq!((&first_day["numerator"], &first_day["denominator"]), (&json!(1), &json!(1)));
    let days = world.ok("/v1/metrics/resolution_rate?interval=day&ad_platform=meta");
    assert_eq!(days["series"].as_array().unwrap().len(), 2);
    assert_eq!(world.get(&reader(), "/v1/metrics/resolution_rate?interval=hour").0, StatusCode::BAD_REQUEST);
}

/// CORE-B3-b: staleness is what every answer says; what has no history refuses windows.
#[test]
fn the_process_tells_of_itself() {
    let world = World::new();
    *world.freshness.lock().unwrap() = Freshness { as_of: at("2026-03-20T11:59:51Z"), lag_ms: 9_250, stale: true };
    assert_eq!(world.ok("/v1/metrics/metric_staleness_seconds")["value"], json!(9.25));
    world.ok("/v1/metrics/orders");
    let compute = world.ok("/v1/metrics/retriever_compute_seconds?group_by=metric_name");
    assert_eq!(compute["beside"]["events"], json!(2));
    assert!(group(&compute, "metric_name", "orders")["value"].as_f64().unwrap() > 0.0);
    for window in ["from=2026-03-01", "to=2026-03-01", "at=2026-03-01", "interval=day"] {
        let (status, error) = world.get(&reader(), &format!("/v1/metrics/retriever_compute_seconds?{window}"));
        assert_eq!((status, &error["error"]["code"]), (StatusCode::BAD_REQUEST, &json!("not_by_window")), "{window}");
    }
    assert_eq!(world.get(&reader(), "/v1/metrics/events?group_by=event_name").0, StatusCode::BAD_REQUEST);
}

/// CORE-OBS-5: a computation is told of as an operating event with its metric and time.
#[test]
fn computations_are_told_of() {
    let world = World::new();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let ask = || {
        let request = Request::get("/v1/metrics/orders").extension(reader()).body(Body::empty()).unwrap();
        world.router.clone().oneshot(request)
    };
    // The event is appended beside the answer.
    let told = runtime.block_on(async {
        ask().await.unwrap();
        ask().await.unwrap();
        loop {
            let told = world.audits.lock().unwrap().clone();
            if !told.is_empty() {
                return told;
            }
            tokio::task::yield_now().await;
        }
    });
    let [(operation, by)] = &told[..] else { panic!("once: {told:?}") };
    let properties: Value = serde_json::from_str(&operation.json).unwrap();
    assert_eq!((operation.kind.as_str(), by.as_str()), ("cebe_retriever_metric_computed", "system"));
    assert_eq!(properties["metric_name"], json!("orders"));
    assert!(properties["compute_time_ms"].as_f64().unwrap() > 0.0);
}

/// The engine's own metrics show a team's key its modules only.
#[test]
fn a_team_sees_its_modules() {
    let world = World::new();
    received(&world, "deals", "2026-03-01T10:00:00Z", mixed());
    received(&world, "cdp", "2026-03-01T10:00:00Z", Outcomes { received: 5, applied: 5, ..Outcomes::default() });
    let team = TeamView { modules: Scope::Only(vec!["cdp".into()]), ..TeamView::everything() };
    let grant = Grant { teams: vec![team], ..reader() };
    let (status, answer) = world.get(&grant, "/v1/metrics/events_received?group_by=source_module");
    assert_eq!((status, &answer["value"]), (StatusCode::OK, &json!(5)));
    assert_eq!(answer["groups"].as_array().unwrap().len(), 1);
    assert_eq!(world.get(&grant, "/v1/metrics/module_coverage").1["denominator"], json!(1));
}

/// ANCHOR-MET-4: they are listed and documented like all others.
#[test]
fn they_are_listed() {
    let listed = World::new().ok("/v1/metrics");
    let all = listed["metrics"].as_array().unwrap();
    let mine: Vec<&Value> = all.iter().filter(|metric| metric["module"] == "engine").collect();
    assert!(mine.len() >= 14);
    let named = |name: &str| mine.iter().find(|metric| metric["name"] == name).unwrap_or_else(|| panic!("{name}"));
    assert_eq!(named("propagation_seconds")["dimensions"], json!(["source_module"]));
    assert_eq!(named("resolution_rate")["dimensions"], json!(["ad_platform", "source_module"]));
    assert_eq!(named("rejection_rate")["customer"], json!(false));
}

/// CORE-MET-4: all of them answer over an empty store, with freshness and never with an invented number.
#[test]
fn all_of_them_answer_over_nothing() {
    let world = World::new();
    for metric in Definitions::standard().metrics.values().filter(|metric| metric.formula.is_own()) {
        let answer = world.ok(&format!("/v1/metrics/{}", metric.name));
        assert!(answer["freshness"]["as_of"].is_string(), "{}", metric.name);
        let ratio = metric.unit == "ratio" && metric.name != "module_coverage";
        assert!(!ratio || answer["value"].is_null(), "{}: {answer}", metric.name);
        for dimension in &metric.dimensions {
            assert!(world.ok(&format!("/v1/metrics/{}?group_by={dimension}", metric.name))["groups"].is_array());
        }
    }
}
