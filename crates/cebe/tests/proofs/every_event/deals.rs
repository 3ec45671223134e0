//! Deals, from their creation to the day they are won, lost or forgotten.

use serde_json::{Value, json};

use super::{Story, World, at, stages};

pub const STORIES: [Story; 5] = [
    ("deal.created", created),
    ("deal.stage_changed", stage_changed),
    ("deal.won", won),
    ("deal.lost", lost),
    ("deal.rotten_time_breached", rotten),
];

fn open(w: &World) {
    let deal = json!({"deal_id": "d-1", "pipeline_id": "p", "stage_id": "lead", "deal_size": "5000", "owner_id": "o",
        "customer_association": ["ayu", "budi"]});
    w.tell("ayu", "open", "deal.created", &at(3, 9, 0), deal);
}

fn moved(w: &World, id: &str, from: &str, to: &str, hour: u32) {
    let about = json!({"deal_id": "d-1", "old_stage": from, "new_stage": to, "timestamp": at(3, hour, 0)});
    w.tell("ayu", id, "deal.stage_changed", &at(3, hour, 0), about);
}

fn created(w: &World) {
    open(w);
    for who in ["ayu", "budi"] {
        assert_eq!(w.of(who, "deals_created")["value"], 1, "{who}");
        assert_eq!(w.of(who, "deal_size")["value"], "5000.00", "{who}");
    }
    assert_eq!((w.value("deals_created"), w.value("deal_size")), (json!(1), json!("5000.00")));
}

fn stage_changed(w: &World) {
    open(w);
    moved(w, "m-2", "offer", "close", 11);
    moved(w, "m-1", "lead", "offer", 10);
    moved(w, "m-3", "close", "close", 12);
    let history = w.of("ayu", "deal_stage_history");
    assert_eq!(stages(&history), ["lead", "offer", "close"], "{history:#}");
}

fn closing(w: &World, id: &str, name: &str, date: &str) {
    let field = if name == "deal.won" { "close_date" } else { "lost_date" };
    let about: Value = [("deal_id", "d-1"), ("deal_size", "6000"), (field, date)].into_iter().collect();
    w.tell("ayu", id, name, &at(7, 9, 0), about);
}

/// A bare date is the company's own day.
fn won(w: &World) {
    open(w);
    closing(w, "won", "deal.won", "2025-11-05");
    assert_eq!(w.parts("deal_won_rate"), [1, 1]);
    let days = w.days("deals_won?interval=day&from=2025-11-01&to=2025-11-10");
    assert_eq!(days, [(json!("2025-11-04T17:00:00Z"), json!(1))]);
    assert_eq!(w.value("deal_size"), "6000.00", "the latest size");
}

fn lost(w: &World) {
    open(w);
    closing(w, "lost", "deal.lost", "2025-11-05");
    assert_eq!((w.value("deal_lost_rate"), w.value("deal_won_rate")), (json!(1), json!(0)));
    closing(w, "won", "deal.won", "2025-11-06");
    assert_eq!((w.value("deal_lost_rate"), w.value("deal_won_rate")), (json!(0), json!(1)), "the last closing counts");
}

fn rotten(w: &World) {
    open(w);
    for (id, stage) in [("r-1", "lead"), ("r-2", "lead"), ("r-3", "offer")] {
        let about = json!({"deal_id": "d-1", "stage_id": stage, "breach_duration_seconds": 60});
        w.tell("ayu", id, "deal.rotten_time_breached", &at(4, 9, 0), about);
    }
    assert_eq!((w.value("rotten_breaches"), w.parts("rotten_breach_rate")), (json!(2), [json!(1), json!(1)]));
}
