//! What holds for every fold and any entries: it never panics, depends on nothing but the sorted set, survives a truncated
//! beginning, and keeps cohorts inside their denominators.

use crate::support::{World, definitions::definitions};
use cebe_catalog::{Amount, CompanySettings, EventId, Micros, Node, Value, time::Zone};
use cebe_engine::{
    component::contributions,
    entry::{Entry, Rank},
    fold::{self, FoldInput},
};
use proptest::prelude::*;

const FIELDS: [&str; 40] = [
    "channel",
    "room_id",
    "conversation_id",
    "assignment_type",
    "handled_by",
    "resolution_time_seconds",
    "score",
    "duration_seconds",
    "call_id",
    "call_type",
    "asked_at",
    "ticket_id",
    "stage_id",
    "old_stage",
    "new_stage",
    "sla_type",
    "breach_duration_seconds",
    "deal_size",
    "currency",
    "campaign_id",
    "broadcast_message_id",
    "sent_at",
    "amount",
    "payment_id",
    "payment_type",
    "total_value",
    "attempt_count",
    "period",
    "conversion_ref",
    "conversion_type",
    "conversion_value",
    "program_id",
    "member_id",
    "initial_tier",
    "new_tier",
    "available_point",
    "expired_point_at",
    "appointment_datetime",
    "value",
    "category",
];

const STEPS: [&str; 28] = [
    "started",
    "assigned",
    "resolved",
    "escalated",
    "contained",
    "csat",
    "nps",
    "completed",
    "answered",
    "opened",
    "stage",
    "breached",
    "won",
    "lost",
    "rotten",
    "sent",
    "replied",
    "clicked",
    "bounced",
    "in",
    "out",
    "paid",
    "converted",
    "spent",
    "created",
    "enrolled",
    "unenrolled",
    "points",
];

/// Any value, wrong types included; few texts, so that entries meet.
fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        prop_oneof![Just("a"), Just("b"), Just("bot"), Just("human"), Just("full"), Just("2026-08-01/2026-08-09")]
            .prop_map(|text| Value::Text(text.into())),
        (-5i64..20).prop_map(Value::Int),
        any::<i64>().prop_map(Value::Int),
        (-1_000i64..100_000_000).prop_map(|millionths| Value::Decimal(Amount(millionths))),
        (0i64..1_000).prop_map(|at| Value::Time(Micros(at))),
        any::<i64>().prop_map(|at| Value::Time(Micros(at / 4))),
        any::<bool>().prop_map(Value::Bool),
    ]
}

fn any_entry(steps: Vec<&'static str>) -> impl Strategy<Value = Entry> {
    let fields = proptest::collection::vec((proptest::sample::select(FIELDS.to_vec()), any_value()), 0..8);
    let step = proptest::sample::select(steps);
    (0i64..1_000, 0u8..4, 0u32..50, step, fields, 0u8..3).prop_map(|(at, order, id, step, fields, who)| Entry {
        rank: Rank { at: Micros(at), order, version: 0, id: EventId(format!("{id:03}").into()) },
        event: step.into(),
        step: step.into(),
        anchor: (who > 0).then(|| Node::Customer(format!("c{who}").into())),
        customers: Vec::new(),
        fields: fields.into_iter().map(|(name, value)| (name.into(), value)).collect(),
    })
}

/// A fold's name with a sorted set of entries that play the steps of its definitions (or any step at all).
fn any_fact() -> impl Strategy<Value = (&'static str, Vec<Entry>)> {
    proptest::sample::select(fold::NAMES.to_vec()).prop_flat_map(|name| {
        let all = definitions();
        let facts = all.facts.values().filter(|fact| fact.fold == name);
        let used: Vec<_> = facts.flat_map(|fact| fact.entries.iter().map(|entry| entry.step.clone())).collect();
        let mut steps: Vec<&'static str> =
            STEPS.iter().copied().filter(|step| used.iter().any(|u| u == step)).collect();
        steps.extend(["touched", "set", "entered", "exited", "tier", "done"]);
        (Just(name), proptest::collection::vec(any_entry(steps), 0..12).prop_map(sorted))
    })
}

fn sorted(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by(|a, b| a.order().cmp(&b.order()));
    entries.dedup_by(|a, b| a.order() == b.order());
    entries
}

fn run(name: &str, entries: &[Entry], own_from: Option<Micros>) -> fold::Folded {
    let entries: Vec<&Entry> = entries.iter().collect();
    let (settings, zone) = (CompanySettings::default(), Zone::utc());
    let input = FoldInput { key: "x\u{1f}2026-08", entries: &entries, settings: &settings, zone: &zone, own_from };
    fold::by_name(name).expect("a fold")(&input)
}

proptest! {
    /// No history upsets a fold, whole or with its beginning cut off, and the same history folds the same.
    #[test]
    fn folds_never_panic_and_are_functions((name, entries) in any_fact(), cut in 0usize..12, own in 0i64..1_000) {
        prop_assert_eq!(run(name, &entries, None), run(name, &entries, None));
        let kept = &entries[cut.min(entries.len())..];
        run(name, kept, Some(Micros(own)));
    }

    /// Marks carry names the fold declares, and levels end after they begin.
    #[test]
    fn marks_are_declared((name, entries) in any_fact()) {
        let declared = fold::marks_of(name).unwrap();
        for mark in run(name, &entries, None).marks {
            prop_assert!(name == "steps" || declared.contains(&mark.name.as_str()), "{name} gives {}", mark.name);
            prop_assert!(mark.until.is_none_or(|until| until > mark.at));
        }
    }

    /// The order in which events arrive plays no part: a shuffled world answers as the ordered one.
    #[test]
    fn arrival_plays_no_part(seed in proptest::collection::vec((0usize..6, 0i64..40, 0u8..3), 1..20), turn in 0usize..20) {
        let names = ["campaign.sent", "campaign.replied", "campaign.bounced", "order.paid", "campaign.clicked", "campaign.opted_out"];
        let mut world = World::new();
        for (name, at, id) in &seed {
            let id = format!("{id}");
            world.push(names[*name], "c", at * 3_600, &[
                ("campaign_id", Value::Text("k".into())),
                ("channel", Value::Text("sms".into())),
                ("broadcast_message_id", Value::Text(id.into())),
                ("paid_amount", Value::Int(5)),
                ("opt_out_channel", Value::Text("sms".into())),
            ]);
        }
        let before = world.customer("c", 1_000_000);
        let place = turn % world.events.len();
        world.events.rotate_left(place);
        world.events.reverse();
        prop_assert_eq!(world.customer("c", 1_000_000), before);
    }

    /// A cohort's numerator never exceeds its denominator.
    #[test]
    fn ratios_stay_within_one(entries in proptest::collection::vec(any_entry(STEPS.to_vec()), 0..14)) {
        let all = definitions();
        let entries = sorted(entries);
        let pairs = [
            ("conversation", "bot_contained", "bot_conversations"), ("ticket", "tickets_solved", "tickets_created"),
            ("ticket", "tickets_breached", "tickets_created"), ("deal", "deals_won_cohort", "deals_closed_cohort"),
            ("delivery", "sends_replied", "sends"), ("order", "orders_fully_paid", "orders"),
            ("booking", "bookings_completed_cohort", "bookings"), ("ad_touch", "ad_touches_converted", "ad_touches"),
            ("repeat_issue", "customers_repeat_issue_cohort", "customers_with_ticket"),
        ];
        for (fact, numerator, denominator) in pairs {
            let definition = &all.facts[fact];
            let parts = contributions(&all, definition, &run(&definition.fold, &entries, None));
            let count = |name: &str| parts.iter().filter(|part| part.component == name).map(|part| part.sum.count).sum::<i64>();
            prop_assert!(count(numerator) <= count(denominator), "{numerator}");
        }
    }
}
