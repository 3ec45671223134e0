//! placeholder until folds arrive
use crate::{fold::Folded, rows::Sum};
use alloc::vec::Vec;
use cebe_catalog::{Definitions, Micros, Node, definition::FactDefinition};
use smol_str::SmolStr;
/// x
#[derive(Clone, Debug)]
pub struct Contribution {
    /// x
    pub component: SmolStr,
    /// x
    pub at: Micros,
    /// x
    pub dimensions: Vec<SmolStr>,
    /// x
    pub sum: Sum,
    /// x
    pub anchor: Option<Node>,
}
/// x
pub fn contributions(_d: &Definitions, _f: &FactDefinition, _x: &Folded) -> Vec<Contribution> {
    Vec::new()
}
