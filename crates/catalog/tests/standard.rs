//! The definitions that are part of the program: complete, with examples of every trap.

use cebe_catalog::{
    Definitions, IdentifierKind, PiiClass, QuarantineCode,
    definition::{Concern, EventDefinition, InvalidExample},
};

fn event(name: &str) -> &'static EventDefinition {
    Definitions::standard().event(name).unwrap_or_else(|| panic!("{name} is not defined"))
}

/// CORE-SCOPE-1: all 52 events of the seven modules are there, in their phases.
#[test]
fn all_modules_and_events_are_there() {
    let all = Definitions::standard();
    let count = |module: &str| all.events.values().filter(|event| event.module == module).count();
    let expected = [
        ("cdp", 1, 4),
        ("communication", 2, 11),
        ("conversion", 3, 9),
        ("deals", 3, 5),
        ("loyalty", 2, 7),
        ("marketing", 1, 11),
        ("ticketing", 2, 5),
    ];
    for (module, phase, listed) in expected {
        assert_eq!(all.modules[module].phase, phase, "{module}");
        assert!(count(module) >= listed, "{module}: squads add events, none goes");
    }
    assert_eq!(LISTED.iter().map(|(_, events)| events.len()).sum::<usize>(), 52);
}

/// Name, number of fields the product documents list, module.
const LISTED: &[(&str, &[(&str, usize)])] = &[
    (
        "communication",
        &[
            ("conversation.started", 5),
            ("call.started", 5),
            ("conversation.assigned", 2),
            ("call.assigned", 2),
            ("message.received", 3),
            ("conversation.resolved", 3),
            ("conversation.escalated", 2),
            ("bot.contained", 2),
            ("call.completed", 3),
            ("csat.submitted", 3),
            ("nps.submitted", 3),
        ],
    ),
    (
        "ticketing",
        &[
            ("ticket.created", 7),
            ("ticket.assigned", 4),
            ("ticket.stage_changed", 5),
            ("ticket.resolved", 4),
            ("ticket.sla_breached", 3),
        ],
    ),
    (
        "deals",
        &[
            ("deal.created", 7),
            ("deal.stage_changed", 7),
            ("deal.won", 6),
            ("deal.lost", 7),
            ("deal.rotten_time_breached", 3),
        ],
    ),
    (
        "marketing",
        &[
            ("campaign.sent", 6),
            ("campaign.replied", 7),
            ("campaign.clicked", 6),
            ("campaign.bounced", 4),
            ("campaign.opted_in", 4),
            ("campaign.opted_out", 4),
            ("ad.impression", 7),
            ("ad.clicked", 7),
            ("ad.lead_captured", 6),
            ("ad.converted", 7),
            ("ad.spend_recorded", 7),
        ],
    ),
    (
        "conversion",
        &[
            ("booking.created", 4),
            ("booking.confirmed", 4),
            ("booking.cancelled", 5),
            ("booking.completed", 5),
            ("add_to_cart", 2),
            ("order.created", 4),
            ("order.paid", 3),
            ("order.delivered", 2),
            ("payment.failed", 2),
        ],
    ),
    ("cdp", &[("customer.created", 5), ("customer.updated", 4), ("segment.entered", 3), ("segment.exited", 3)]),
    (
        "loyalty",
        &[
            ("membership.enrolled", 6),
            ("membership.unenrolled", 6),
            ("points.earned", 7),
            ("points.burned", 6),
            ("rewards.redeemed", 6),
            ("tier.upgraded", 6),
            ("tier.downgraded", 6),
        ],
    ),
];

/// ANCHOR-1-* to ANCHOR-7-*: each event is there with as many fields as the documents list.
#[test]
fn every_listed_field_is_counted() {
    let (mut listed_all, mut added_all) = (0, 0);
    for (module, events) in LISTED {
        for (name, listed) in *events {
            let event = event(name);
            assert_eq!(event.module, *module);
            let found = event.attributes.values().filter(|attribute| !attribute.extension).count();
            assert_eq!(found, *listed, "{name}");
            listed_all += found;
            added_all += event.attributes.len() - found;
        }
    }
    assert_eq!(listed_all, 240);
    // 69 of the tables, and program_id on the four loyalty events whose tables do not show it.
    assert!(added_all >= 69 + 4, "{added_all}");
}

/// CORE-SCOPE-1: every event has examples of both kinds, and every attribute is seen in a valid one.
#[test]
fn every_event_and_attribute_has_an_example() {
    for event in Definitions::standard().events.values() {
        assert!(!event.valid.is_empty() && !event.invalid.is_empty(), "{}", event.name);
        for name in event.attributes.keys() {
            let shown = event.valid.iter().any(|example| example.attributes.get(name.as_str()).is_some())
                || event.open_map.as_ref() == Some(name);
            assert!(shown, "no valid example of {} shows {name}", event.name);
        }
        for example in &event.valid {
            let missing = event.attributes.iter().find(|(name, attribute)| {
                attribute.required && example.attributes.get(name.as_str()).is_none_or(|value| value.is_null())
            });
            assert!(missing.is_none(), "{}: {}: {missing:?}", event.name, example.why);
        }
        for example in &event.invalid {
            assert!(example.path.is_some() && !example.why.is_empty(), "{}", event.name);
        }
    }
}

fn invalid(name: &str, is: impl Fn(&InvalidExample) -> bool) {
    assert!(event(name).invalid.iter().any(is), "{name} lacks an invalid example");
}

fn valid_without(name: &str, attribute: &str) {
    let found = event(name).valid.iter().any(|example| example.attributes.get(attribute).is_none());
    assert!(found, "{name} lacks a valid example without {attribute}");
}

/// The joining id that the documents do not list may be absent, and must be an id when it is there.
#[test]
fn joining_ids_may_be_absent() {
    let rooms = [
        "conversation.assigned",
        "conversation.resolved",
        "conversation.escalated",
        "bot.contained",
        "call.assigned",
        "call.completed",
        "message.received",
        "csat.submitted",
    ];
    let orders = ["order.paid", "order.delivered", "payment.failed"];
    for (name, id) in rooms.map(|name| (name, "room_id")).into_iter().chain(orders.map(|name| (name, "order_id"))) {
        let attribute = &event(name).attributes[id];
        assert!(attribute.advised && attribute.extension && !attribute.required, "{name}");
        valid_without(name, id);
        if name != "message.received" {
            invalid(name, |example| example.path.as_deref() == Some(&format!("event_attributes.{id}")));
        }
    }
}

/// No currency anywhere but in spend: elsewhere the company's is filled in.
#[test]
fn currencies_default_except_for_spend() {
    for event in Definitions::standard().events.values() {
        if let Some(currency) = event.attributes.get("currency") {
            let spend = event.name == "ad.spend_recorded";
            assert_eq!(currency.required, spend, "{}", event.name);
            assert_eq!(currency.default.is_none(), spend, "{}", event.name);
        }
    }
    invalid("ad.spend_recorded", |example| example.path.as_deref() == Some("event_attributes.currency"));
}

/// Restated, repeated and reopened things, and events nobody defined.
#[test]
fn the_other_traps_have_examples() {
    for (name, unknown) in [
        ("order.paid", "order.refunded"),
        ("order.delivered", "order.cancelled"),
        ("ticket.resolved", "ticket.reopened"),
        ("deal.won", "deal.reopened"),
    ] {
        assert!(Definitions::standard().event(unknown).is_none());
        invalid(name, |example| {
            example.code == QuarantineCode::UnknownEvent
                && example.envelope.get("event_name").and_then(|name| name.as_str()) == Some(unknown)
        });
    }
    for (name, cost) in [("ad.impression", "ad_spend"), ("campaign.replied", "campaign_cost")] {
        assert!(event(name).valid.iter().any(|example| example.attributes.get(cost).is_some()), "{name}");
        invalid(name, |example| example.path.as_deref() == Some(&format!("event_attributes.{cost}")));
    }
    for (name, time) in [("message.received", "reply_to_sent_at"), ("campaign.replied", "sent_at")] {
        assert!(event(name).valid.iter().any(|example| example.attributes.get(time).is_some()), "{name}");
        invalid(name, |example| example.path.as_deref() == Some(&format!("event_attributes.{time}")));
    }
    for name in ["ticket.created", "deal.created"] {
        let several = |value: &serde_json::Value| value.as_array().is_some_and(|refs| refs.len() > 1);
        assert!(
            event(name).valid.iter().any(|example| example.attributes.get("customer_association").is_some_and(several))
        );
        invalid(name, |example| example.path.as_deref() == Some("event_attributes.customer_association"));
    }
    let outbound = |example: &cebe_catalog::definition::ValidExample| example.attributes["call_type"] == "outbound";
    assert!(event("call.completed").valid.iter().any(outbound));
    assert!(event("booking.confirmed").valid.len() > 1 && event("order.paid").valid.len() > 2);
}

/// At equal time a cause comes before its consequence, and out wins over in.
#[test]
fn causes_come_before_consequences() {
    for (first, then) in [
        ("conversation.started", "conversation.assigned"),
        ("conversation.started", "conversation.resolved"),
        ("ticket.created", "ticket.stage_changed"),
        ("ticket.stage_changed", "ticket.resolved"),
        ("deal.stage_changed", "deal.won"),
        ("campaign.sent", "campaign.replied"),
        ("campaign.sent", "campaign.bounced"),
        ("campaign.opted_in", "campaign.opted_out"),
        ("ad.impression", "ad.clicked"),
        ("ad.clicked", "ad.lead_captured"),
        ("ad.clicked", "ad.converted"),
        ("booking.confirmed", "booking.completed"),
        ("order.created", "order.paid"),
        ("payment.failed", "order.paid"),
        ("customer.created", "customer.updated"),
        ("segment.entered", "segment.exited"),
        ("membership.enrolled", "tier.upgraded"),
        ("points.earned", "points.burned"),
        ("tier.upgraded", "membership.unenrolled"),
    ] {
        assert!(event(first).order < event(then).order, "{first} before {then}");
    }
}

/// Identifiers carry the scope that makes them unique.
#[test]
fn identifiers_are_scoped() {
    for event in Definitions::standard().events.values() {
        for (name, attribute) in event.attributes.iter().filter(|(_, attribute)| attribute.identifier.is_some()) {
            let has_program = event.attributes.contains_key("program_id");
            let scope = attribute.scope.as_deref().or(attribute.scope_default.as_deref());
            let expected = match attribute.identifier {
                Some(IdentifierKind::Bsuid) => Some("channel"),
                Some(IdentifierKind::MemberId) => Some("program_id").filter(|_| has_program),
                Some(IdentifierKind::AdClickId) if event.name == "conversation.started" => Some("meta"),
                Some(IdentifierKind::AdClickId | IdentifierKind::PlatformUserId) => Some("ad_platform"),
                _ => None,
            };
            assert_eq!(scope, expected, "{} {name}", event.name);
        }
    }
    let loyalty = Definitions::standard().events.values().filter(|event| event.module == "loyalty");
    assert!(loyalty.into_iter().all(|event| event.attributes.contains_key("program_id")));
}

#[test]
fn customer_and_loyalty_events_need_their_customer() {
    for event in Definitions::standard().events.values() {
        let strict = event.module == "cdp" || event.module == "loyalty";
        assert_eq!(event.concerns == Concern::Required, strict, "{}", event.name);
        let same = event.attributes.get("qontak_customer_id").and_then(|attribute| attribute.same_as.as_deref());
        assert_eq!(same, strict.then_some("qontak_customer_id"), "{}", event.name);
    }
    assert_eq!(event("ad.spend_recorded").concerns, Concern::Nobody);
}

#[test]
fn profile_fields_have_their_classes() {
    let fields = &Definitions::standard().fields;
    let class = |name: &str| fields.get(name).map(|field| (field.pii, field.identifier));
    assert_eq!(class("full_name"), Some((PiiClass::Name, None)));
    assert_eq!(class("phone"), Some((PiiClass::Contact, Some(IdentifierKind::Phone))));
    assert_eq!(class("email"), Some((PiiClass::Contact, Some(IdentifierKind::Email))));
    assert_eq!(class("address"), Some((PiiClass::Contact, None)));
    assert_eq!(class("birth_date"), Some((PiiClass::Profile, None)));
    assert_eq!(class("gender"), Some((PiiClass::Profile, None)));
    assert_eq!(class("company"), Some((PiiClass::None, None)));
    assert_eq!(class("favourite_colour"), None);
}

#[test]
fn aliases_name_their_module() {
    let all = Definitions::standard();
    for (alias, module) in [
        ("campaign", "marketing"),
        ("broadcast", "marketing"),
        ("ads", "marketing"),
        ("commerce", "conversion"),
        ("booking", "conversion"),
        ("chat", "communication"),
        ("call", "communication"),
        ("ticket", "ticketing"),
        ("deal", "deals"),
    ] {
        assert_eq!(all.module(alias).map(|name| name.as_str()), Some(module));
    }
    assert_eq!(all.module("nobody"), None);
}
