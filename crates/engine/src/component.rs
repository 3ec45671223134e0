//! From the marks of a folded fact to contributions: what is added to points, activity and tallies. The difference between
//! two folds is a difference of contributions.

use crate::{
    fold::{Folded, Mark, dimension_text},
    rows::Sum,
};
use alloc::vec::Vec;
use cebe_catalog::{
    Definitions, Micros, Node,
    definition::{ComponentDefinition, FactDefinition},
};
use smol_str::SmolStr;

/// What one mark adds to one component.
#[derive(Clone, Debug, PartialEq)]
pub struct Contribution {
    /// The component.
    pub component: SmolStr,
    /// Where it is booked; the caller puts it in the bucket of the company's zone.
    pub bucket_at: Micros,
    /// Dimension values in the component's order; empty text for none.
    pub dimensions: Vec<SmolStr>,
    /// What is added.
    pub sum: Sum,
    /// Whose it is, where the component keeps activity and the mark tells.
    pub anchor: Option<Node>,
    /// The instant whose local day the activity is of.
    pub day_at: Micros,
}

/// Everything a folded fact contributes.
pub fn contributions(definitions: &Definitions, fact: &FactDefinition, folded: &Folded) -> Vec<Contribution> {
    let mut contributions = Vec::new();
    for component in definitions.components_of(&fact.name) {
        each_contribution(component, folded, |one| contributions.push(one));
    }
    contributions
}

/// Shows what a folded fact contributes to one component. A level mark gives its sum where it begins and takes it back
/// where it ends.
pub fn each_contribution(component: &ComponentDefinition, folded: &Folded, mut show: impl FnMut(Contribution)) {
    for mark in folded.marks(&component.mark).filter(|mark| counts(component, folded, mark)) {
        let one = contribution(component, folded, mark);
        if let (true, Some(until)) = (component.level, mark.until) {
            show(Contribution { bucket_at: until, day_at: until, sum: -one.sum, ..one.clone() });
        }
        show(one);
    }
}

fn contribution(component: &ComponentDefinition, folded: &Folded, mark: &Mark) -> Contribution {
    let dimensions = component.dimensions.iter().map(|name| dimension(folded, mark, name)).collect();
    Contribution {
        component: component.name.clone(),
        bucket_at: mark.at,
        dimensions,
        sum: Sum { sum: mark.sum, count: mark.count },
        anchor: mark.anchor.clone().filter(|_| component.activity),
        day_at: mark.at,
    }
}

fn counts(component: &ComponentDefinition, folded: &Folded, mark: &Mark) -> bool {
    component.only.iter().all(|(name, value)| dimension(folded, mark, name) == *value)
}

/// A dimension's value: the mark's own, else the fact's.
fn dimension(folded: &Folded, mark: &Mark, name: &str) -> SmolStr {
    let own = mark.dimension(name).cloned();
    own.or_else(|| folded.field(name).map(dimension_text)).unwrap_or_default()
}
