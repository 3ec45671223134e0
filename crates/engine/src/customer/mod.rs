//! A customer's own answers: every metric that is defined for customers, from the customer's folded facts and tallies, and
//! the parts of a profile. `sums.rs` gives component sums to the formulas, `views.rs` what no sum can say.

mod sums;
mod views;

use crate::{
    fold::Folded,
    formula::{Answer, evaluate},
    rows::Sum,
};
use alloc::{collections::BTreeMap, vec::Vec};
use cebe_catalog::{
    Definitions, Micros, Value,
    definition::{FactDefinition, Formula, MetricDefinition, Whose},
    settings::CompanySettings,
};
use smol_str::SmolStr;
use sums::CustomerSums;

/// One of the customer's facts, folded over the customer's nodes.
#[derive(Clone, Copy, Debug)]
pub struct FoldedFact<'a> {
    /// Its definition.
    pub definition: &'a FactDefinition,
    /// Its business key.
    pub key: &'a str,
    /// What the fold gave.
    pub folded: &'a Folded,
}

/// Everything known of a customer, and what is asked.
#[derive(Clone, Copy, Debug)]
pub struct Customer<'a> {
    /// Definitions of the company.
    pub definitions: &'a Definitions,
    /// Its settings.
    pub settings: &'a CompanySettings,
    /// The customer's facts: own and held, each once.
    pub facts: &'a [FoldedFact<'a>],
    /// What occurrences add up to, summed over the customer's nodes.
    pub tallies: &'a [(SmolStr, Sum)],
    /// The time the answer is for.
    pub as_of: Micros,
    /// A window, from inclusive to exclusive; `None`: lifetime.
    pub window: Option<(Micros, Micros)>,
}

/// Answers every metric that is defined for customers.
pub fn customer_answers(customer: &Customer<'_>) -> BTreeMap<SmolStr, Answer> {
    let sums = CustomerSums::new(customer);
    let metrics = customer.definitions.metrics.values().filter(|metric| metric.customer);
    metrics.map(|metric| (metric.name.clone(), answer(customer, &sums, metric))).collect()
}

/// Answers one metric.
pub fn customer_answer(customer: &Customer<'_>, metric: &MetricDefinition) -> Answer {
    answer(customer, &CustomerSums::new(customer), metric)
}

/// The facts that a profile lists, under the name their definition gives (`tickets`, `orders`, `fields`).
pub fn listed(facts: &[FoldedFact<'_>]) -> BTreeMap<SmolStr, Vec<Value>> {
    let mut lists: BTreeMap<SmolStr, Vec<Value>> = BTreeMap::new();
    for fact in facts {
        let Some(name) = &fact.definition.listed_as else { continue };
        let list = lists.entry(name.clone()).or_default();
        match &fact.folded.view {
            Value::Null => {}
            Value::List(items) => list.extend(items.iter().cloned()),
            item => list.push(item.clone()),
        }
    }
    lists
}

fn answer(customer: &Customer<'_>, sums: &CustomerSums<'_>, metric: &MetricDefinition) -> Answer {
    // Tallies know no time, so a window of occurrences cannot be told for one person.
    if customer.window.is_some() && reads_occurrences(customer.definitions, metric) {
        return Answer::default();
    }
    let mut answer = match &metric.formula {
        Formula::Lifetime { .. } => evaluate(customer.definitions, metric, &sums.without_paid_deals()),
        _ => evaluate(customer.definitions, metric, sums),
    };
    match &metric.formula {
        Formula::View { view, .. } => views::fill(view, customer, &mut answer),
        Formula::StageHistory { of, .. } => {
            if let Some(component) = customer.definitions.components.get(of) {
                answer.view = views::stage_history(customer, &component.fact);
            }
        }
        _ => {}
    }
    answer
}

fn reads_occurrences(definitions: &Definitions, metric: &MetricDefinition) -> bool {
    let facts = crate::formula::components(definitions, metric);
    let mut facts = facts.iter().filter_map(|name| definitions.facts.get(&definitions.components.get(name)?.fact));
    facts.any(|fact| fact.whose == Whose::Occurrence)
}
