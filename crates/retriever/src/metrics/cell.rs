//! What the points of one component add up to in one window and group, money also by currency.

use cebe_engine::rows::Sum;
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// A sum, and its parts by currency where the component is cut by it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) total: Sum,
    pub(crate) by_currency: BTreeMap<SmolStr, Sum>,
}

impl Cell {
    /// Adds a point.
    pub(crate) fn add_point(&mut self, sum: Sum, currency: Option<&SmolStr>) {
        self.total += sum;
        if let Some(currency) = currency {
            *self.by_currency.entry(currency.clone()).or_default() += sum;
        }
    }

    /// Adds another cell.
    pub(crate) fn add(&mut self, other: &Self) {
        self.total += other.total;
        for (currency, sum) in &other.by_currency {
            *self.by_currency.entry(currency.clone()).or_default() += *sum;
        }
    }

    /// Is there nothing in it, in any currency?
    pub(crate) fn is_zero(&self) -> bool {
        self.total.is_zero() && self.by_currency.values().all(|sum| sum.is_zero())
    }

    /// The number of marks.
    pub(crate) fn count(&self) -> i64 {
        self.total.count
    }
}
