//! Component sums of one customer, from the contributions of its facts and from its tallies.

use super::Customer;
use crate::{
    component::contributions,
    formula::{Cell, ComponentSums, Span},
    rows::Sum,
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};
use cebe_catalog::{CompanySettings, Micros};
use smol_str::SmolStr;

/// The fact whose won amounts count in a lifetime value, and the ones that tell which orders were paid.
const DEAL: &str = "deal";
const ORDER: &str = "order";
const PAYMENT: &str = "payment";

/// One addition to a component.
#[derive(Clone, Debug)]
struct Part {
    at: Micros,
    dimensions: Vec<SmolStr>,
    sum: Sum,
}

/// The sums of one customer.
#[derive(Clone, Debug)]
pub(super) struct CustomerSums<'a> {
    customer: &'a Customer<'a>,
    parts: BTreeMap<SmolStr, Vec<Part>>,
}

impl<'a> CustomerSums<'a> {
    /// The contributions of all facts.
    pub(super) fn new(customer: &'a Customer<'a>) -> Self {
        Self::of(customer, |_, _| true)
    }

    /// Without deals that are paid orders too: an order counts once.
    pub(super) fn without_paid_deals(&self) -> Self {
        let orders = paid_orders(self.customer);
        Self::of(self.customer, |fact, key| fact != DEAL || !orders.contains(key))
    }

    fn of(customer: &'a Customer<'a>, keep: impl Fn(&str, &str) -> bool) -> Self {
        let mut parts: BTreeMap<SmolStr, Vec<Part>> = BTreeMap::new();
        for fact in customer.facts.iter().filter(|fact| keep(&fact.definition.name, &business_id(fact))) {
            for one in contributions(customer.definitions, fact.definition, fact.folded) {
                let part = Part { at: one.bucket_at, dimensions: one.dimensions, sum: one.sum };
                parts.entry(one.component).or_default().push(part);
            }
        }
        Self { customer, parts }
    }

    fn inside(&self, at: Micros, span: Span) -> bool {
        match (span, self.customer.window) {
            (Span::UpTo, _) => at <= self.customer.as_of,
            (Span::Window, None) => true,
            (Span::Window, Some((from, to))) => from <= at && at < to,
            (Span::Previous, None) => false,
            (Span::Previous, Some((from, to))) => from.0 - (to.0 - from.0) <= at.0 && at < from,
        }
    }
}

/// A deal's id as its events tell it: what an order's id is compared with.
fn business_id(fact: &super::FoldedFact<'_>) -> SmolStr {
    let told = fact.folded.field("deal_id").map(crate::fold::dimension_text);
    told.unwrap_or_else(|| SmolStr::new(fact.key))
}

fn paid_orders(customer: &Customer<'_>) -> BTreeSet<SmolStr> {
    let paid = customer.facts.iter().filter(|fact| match fact.definition.name.as_str() {
        ORDER => fact.folded.marks("paid_order").next().is_some(),
        name => name == PAYMENT,
    });
    paid.filter_map(|fact| fact.folded.field("order_id").map(crate::fold::dimension_text)).collect()
}

impl ComponentSums for CustomerSums<'_> {
    fn cells(&self, component: &str, span: Span) -> Vec<Cell> {
        let mut cells: BTreeMap<&[SmolStr], Cell> = BTreeMap::new();
        for part in self.parts.get(component).into_iter().flatten().filter(|part| self.inside(part.at, span)) {
            let cell = cells.entry(&part.dimensions).or_default();
            cell.sum += part.sum;
            cell.latest = cell.latest.max(Some(part.at));
            cell.first = Some(cell.first.map_or(part.at, |first| first.min(part.at)));
        }
        let with_names = |(dimensions, cell): (&[SmolStr], Cell)| Cell { dimensions: dimensions.to_vec(), ..cell };
        let mut cells: Vec<Cell> = cells.into_iter().map(with_names).collect();
        if span == Span::Window && self.customer.window.is_none() {
            let tallies = self.customer.tallies.iter().filter(|(name, _)| name == component);
            cells.extend(tallies.map(|(_, sum)| Cell { sum: *sum, ..Cell::default() }));
        }
        cells
    }

    fn people(&self, components: &[SmolStr]) -> Option<u64> {
        let any = components.iter().any(|name| self.cells(name, Span::Window).iter().any(|cell| cell.sum.count > 0));
        Some(u64::from(any))
    }

    fn asks(&self, _dimension: &str) -> bool {
        false
    }

    fn customer_as_of(&self) -> Option<Micros> {
        Some(self.customer.as_of)
    }

    fn settings(&self) -> &CompanySettings {
        self.customer.settings
    }
}
