//! The answer to one metric, before it is written as JSON.

use super::Figure;
use alloc::{collections::BTreeMap, vec::Vec};
use cebe_catalog::Value;
use smol_str::SmolStr;

/// The answer to one metric, for one window and one group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The value; `Null` when there is none, or when it is in several currencies.
    pub value: Figure,
    /// Above the line, where there is one.
    pub numerator: Option<Figure>,
    /// Below the line.
    pub denominator: Option<Figure>,
    /// The currency of the value.
    pub currency: Option<SmolStr>,
    /// One line per currency, when there are several.
    pub by_currency: Vec<MoneyLine>,
    /// Values of a distribution, stages of a history.
    pub rows: Vec<Row>,
    /// What only a customer's own facts give (a list, a history, a status); `Null` for everything else.
    pub view: Value,
    /// Numbers shown beside it.
    pub beside: BTreeMap<SmolStr, Figure>,
    /// For how much of the data the joining id was there.
    pub joined_share: Option<Figure>,
}

/// An amount, mean or ratio of one currency.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MoneyLine {
    /// ISO 4217.
    pub currency: SmolStr,
    /// The value.
    pub value: Figure,
    /// Above the line, where there is one.
    pub numerator: Option<Figure>,
    /// Below the line.
    pub denominator: Option<Figure>,
}

/// One value of a distribution.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// The dimension's value; empty for none.
    pub key: SmolStr,
    /// How many.
    pub count: i128,
    /// Its share of all; `Null` of nothing.
    pub share: Figure,
    /// Mean seconds of finished stays (stage histories).
    pub mean_seconds: Option<Figure>,
}

impl Answer {
    /// An answer that is one number.
    pub fn of(value: Figure) -> Self {
        Self { value, ..Self::default() }
    }

    /// A ratio of counts.
    pub fn ratio(numerator: i128, denominator: i128) -> Self {
        Self {
            value: Figure::ratio(numerator, denominator),
            numerator: Some(Figure::Whole(numerator)),
            denominator: Some(Figure::Whole(denominator)),
            ..Self::default()
        }
    }

    /// A mean with its sum and count.
    pub(super) fn mean(sum_millionths: i128, count: i128) -> Self {
        Self {
            value: Figure::mean(sum_millionths, count),
            numerator: Some(Figure::Decimal(sum_millionths)),
            denominator: Some(Figure::Whole(count)),
            ..Self::default()
        }
    }
}
