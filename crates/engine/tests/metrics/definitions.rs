//! The catalog's facts, components and metrics fit together and fit the folds: every name that is used exists.

use crate::support::{
    DAY, World,
    definitions::{definitions, files},
    text,
};
use cebe_catalog::{
    Definitions,
    definition::{ComponentDefinition, FactDefinition, Formula, Sources, Whose},
};
use cebe_engine::{
    fold,
    formula::{self, Figure},
};

/// The marks that the general fold gives for a definition.
fn steps_marks(fact: &FactDefinition) -> Vec<String> {
    let steps: Vec<&str> = fact.entries.iter().map(|entry| entry.step.as_str()).collect();
    let mut marks = Vec::new();
    for entry in &fact.entries {
        let step = &entry.step;
        marks.extend([step.to_string(), format!("{step}.first")]);
        marks.extend(entry.fields.iter().map(|field| format!("{step}.{field}")));
        marks.extend(steps.iter().map(|other| format!("{step}_to_{other}")));
    }
    marks
}

#[test]
fn names_are_used_once() {
    let count =
        |of: fn(&crate::support::definitions::File) -> usize| files().iter().map(|(_, file)| of(file)).sum::<usize>();
    let all = definitions();
    assert_eq!(all.facts.len(), count(|file| file.fact.len()));
    assert_eq!(all.components.len(), count(|file| file.component.len()));
    assert_eq!(all.metrics.len(), count(|file| file.metric.len()));
}

#[test]
fn components_count_marks_that_folds_give() {
    let all = definitions();
    for component in all.components.values() {
        let fact = all.facts.get(&component.fact).unwrap_or_else(|| panic!("{} reads no fact", component.name));
        let marks = fold::marks_of(&fact.fold).unwrap_or_else(|| panic!("no fold {}", fact.fold));
        let known = if fact.fold == "steps" {
            steps_marks(fact).contains(&component.mark.to_string())
        } else {
            marks.contains(&component.mark.as_str())
        };
        assert!(known, "{} counts {}, which {} does not give", component.name, component.mark, fact.fold);
        assert!(!component.about.is_empty());
    }
}

#[test]
fn facts_are_keyed_by_what_they_are() {
    for fact in definitions().facts.values() {
        assert_eq!(fact.whose == Whose::Window, fact.window.is_some(), "{}", fact.name);
        for entry in &fact.entries {
            let keyed = !entry.key.is_empty() || entry.each.is_some();
            assert!(fact.whose != Whose::Entity || keyed, "{} of {}", fact.name, entry.event);
        }
    }
}

/// CORE-MET-4: every metric is documented in words, and reads components that exist and share its dimensions.
#[test]
fn metrics_read_components_that_exist() {
    let all = definitions();
    for metric in all.metrics.values() {
        assert!(metric.about.len() > 25, "{} says too little", metric.name);
        let names = formula::components(&all, metric);
        let components: Vec<&ComponentDefinition> = names
            .iter()
            .map(|name| all.components.get(name).unwrap_or_else(|| panic!("{} reads no {name}", metric.name)))
            .collect();
        // The engine's own metrics are not cut by components.
        if metric.formula.is_own() {
            continue;
        }
        for dimension in &metric.dimensions {
            let told = components.iter().any(|component| component.dimensions.contains(dimension));
            assert!(told, "{} by {dimension}", metric.name);
        }
    }
}

/// Law of money: what a money formula adds is always cut by currency.
#[test]
fn money_has_a_currency() {
    let all = definitions();
    for metric in all.metrics.values() {
        let money = match &metric.formula {
            Formula::MoneySum { of } | Formula::Lifetime { of, .. } => of.clone(),
            Formula::MoneyAverage { of } => vec![of.clone()],
            Formula::MoneyPerCount { money, .. } => vec![money.clone()],
            Formula::MoneyRatio { numerator, denominator } => vec![numerator.clone(), denominator.clone()],
            _ => continue,
        };
        for name in money {
            assert!(all.components[&name].dimensions.iter().any(|name| name == "currency"), "{name}");
        }
    }
}

/// All 49 metrics that the product documents name are there under their API names.
#[test]
fn the_documents_metrics_are_there() {
    let all = definitions();
    let named = "conversations reply_rate messages_received channels preferred_channel avg_customer_response_seconds \
        avg_call_duration_seconds avg_csat avg_nps nps ai_containment_rate tickets_created ticket_resolution_rate \
        avg_ticket_resolution_seconds ticket_stage_history sla_breaches sla_breach_rate repeat_issue deals_created \
        deal_size deal_won_rate deal_lost_rate avg_deal_conversion_seconds deal_stage_history rotten_breaches \
        rotten_breach_rate campaigns_received delivery_rate consent campaign_attributed_revenue ad_impressions \
        ad_clicks ad_ctr ads_conversion_rate cpl cpa roas bookings booking_completed_rate total_spend avg_order_value \
        preferred_payment_method purchase_frequency paid_rate ltv new_customers new_customer_growth_rate segments \
        loyalty_members available_points enrollment_rate enrollments new_member_growth_rate tier_distribution orders \
        payers payments attributed_payments replies clicks clicks_unmatched sends_clicked deals_won deals_lost \
        tickets_resolved customers";
    for name in named.split_whitespace() {
        assert!(all.metrics.contains_key(name), "{name}");
    }
}

/// Proves CORE-GATE-4 as far as files go: a module that no Rust knows is counted like any other.
#[test]
fn a_made_up_module_is_counted() {
    let sources = Sources::embedded()
        .with("garden/events.toml", include_str!("../../../catalog/tests/made_up/garden/events.toml"))
        .with("garden/metrics.toml", include_str!("../../../catalog/tests/made_up/garden/metrics.toml"));
    let definitions = Definitions::load(&sources).unwrap_or_else(|error| panic!("{error}"));
    let mut world = World { definitions, ..World::new() };
    for (second, plant, kind) in [(0, "p-1", "herb"), (5, "p-2", "herb"), (6, "p-3", "tree")] {
        world.push("plant.sown", "ayu", second, &[("plant_id", text(plant)), ("kind", text(kind))]);
    }
    world.push("plant.harvested", "ayu", DAY, &[("plant_id", text("p-1"))]);
    let answer = world.company().metric("harvest_rate");
    assert_eq!((answer.numerator, answer.denominator), (Some(Figure::Whole(1)), Some(Figure::Whole(3))));
    assert_eq!(world.company().value("gardeners"), "1");
}
