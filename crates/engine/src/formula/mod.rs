//! Formulas over component sums, the same for a company's and a customer's answers. `evaluate.rs` computes, `answer.rs`
//! says what comes out, `figure.rs` how numbers become exact text. No floats.

mod answer;
mod evaluate;
mod figure;
mod money;
mod own;

pub use answer::{Answer, MoneyLine, Row};
pub use evaluate::{components, evaluate};
pub use figure::{Figure, half_even};
pub use own::{Received, evaluate_own, percentiles, slowest};

use crate::rows::Sum;
use alloc::vec::Vec;
use cebe_catalog::{CompanySettings, Micros};
use smol_str::SmolStr;

/// The sums of a component for one combination of its dimensions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    /// Dimension values in the component's order; empty text for none.
    pub dimensions: Vec<SmolStr>,
    /// The sums.
    pub sum: Sum,
    /// The newest mark's time, where it is known (customers' answers): ties of the most frequent go to it.
    pub latest: Option<Micros>,
    /// The oldest mark's time, where it is known.
    pub first: Option<Micros>,
}

/// Which sums of a component are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// Those in the window asked.
    Window,
    /// Those in the equal window before it (growth).
    Previous,
    /// All up to the time asked (levels).
    UpTo,
}

/// Where sums come from. The source has already applied filters, the group and the window of one answer: a
/// component that lacks a filtered dimension is given whole.
pub trait ComponentSums {
    /// The sums of a component by its dimensions; cells at zero may be left out.
    fn cells(&self, component: &str, span: Span) -> Vec<Cell>;

    /// Distinct people with a mark of any of these components in the window; `None` when it was not counted.
    fn people(&self, components: &[SmolStr]) -> Option<u64>;

    /// Is a dimension filtered or grouped by? Some ratios have a numerator of their own for it.
    fn asks(&self, dimension: &str) -> bool;

    /// For a customer's answer the time it is given for; `None` for a company's.
    fn customer_as_of(&self) -> Option<Micros>;

    /// The company's settings: the currency of an empty sum, and whether deals count in a lifetime value.
    fn settings(&self) -> &CompanySettings;
}
