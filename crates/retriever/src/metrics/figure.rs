//! From the sums of components to the figure of a formula. Pure: the same for a window, a group and the whole.

use super::cell::Cell;
use cebe_catalog::amount::UNIT;
use cebe_catalog::definition::Formula;
use cebe_engine::rows::Sum;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};

/// What a number counts, which says how its sums are scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    /// Sums are milliseconds, shown as seconds.
    Millis,
    /// Sums are millionths.
    Millionths,
}

impl Scale {
    /// The scale of a metric's unit.
    pub(crate) fn of(unit: &str) -> Self {
        if matches!(unit, "seconds" | "history") { Self::Millis } else { Self::Millionths }
    }

    fn divisor(self) -> i128 {
        match self {
            Self::Millis => 1_000,
            Self::Millionths => i128::from(UNIT),
        }
    }

    fn number(self, sum: i128) -> Number {
        Number { over: sum, under: self.divisor() }
    }
}

/// An exact fraction, shown as a JSON number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Number {
    pub(crate) over: i128,
    pub(crate) under: i128,
}

impl Number {
    pub(crate) fn whole(count: i64) -> Self {
        Self { over: i128::from(count), under: 1 }
    }

    /// As a float: only for showing and sorting.
    #[expect(clippy::cast_precision_loss, reason = "shown to people as a JSON number")]
    pub(crate) fn to_f64(self) -> f64 {
        self.over as f64 / self.under as f64
    }
}

/// A figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    /// A plain number.
    Plain { value: Option<Number>, of: Option<(Number, Number)> },
    /// Money, or a ratio of it, by currency.
    Money(BTreeMap<SmolStr, MoneyPart>),
}

/// Money of one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MoneyPart {
    /// Millionths, or a ratio.
    pub(crate) value: Option<MoneyValue>,
    /// Numerator in millionths.
    pub(crate) numerator: Option<i128>,
    pub(crate) denominator: Option<MoneyValue>,
}

/// What money is measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MoneyValue {
    /// Millionths of the currency.
    Amount(i128),
    /// A count or a ratio.
    Number(Number),
}

/// The sums of components, by name.
pub(crate) type Sums<'a> = dyn Fn(&str) -> Cell + 'a;

/// What a figure depends on beside sums.
#[derive(Clone, Debug)]
pub(crate) struct Basis<'a> {
    pub(crate) formula: &'a Formula,
    pub(crate) scale: Scale,
    /// Dimensions that were asked for.
    pub(crate) asked: BTreeSet<SmolStr>,
    /// Currency of nothing.
    pub(crate) currency: &'a SmolStr,
}

impl Basis<'_> {
    /// The figure of sums. Formulas that need more than sums (people, growth) have theirs elsewhere.
    pub(crate) fn figure(&self, sums: &Sums<'_>) -> Figure {
        match self.formula {
            Formula::Count { of } | Formula::LevelDistribution { of, .. } | Formula::Distribution { of, .. } => {
                count(sums(of).count())
            }
            Formula::View { company, plus, .. } => {
                count(company.iter().chain(plus).map(|name| sums(name).count()).sum())
            }
            Formula::Sum { of } => self.sum(&sums(of)),
            Formula::Level { of, sum: true } => self.sum(&sums(of)),
            Formula::Level { of, sum: false } => count(sums(of).count()),
            Formula::Average { of, plus } => self.average(all(std::iter::once(of).chain(plus), sums).total),
            Formula::StageHistory { of, .. } => self.average(sums(of).total),
            Formula::Ratio { numerator, denominator, numerator_by } => {
                let numerator =
                    numerator_by.iter().find(|(by, _)| self.asked.contains(*by)).map_or(numerator, |(_, n)| n);
                ratio(sums(numerator).count(), all(denominator, sums).count())
            }
            Formula::LevelRatio { numerator, denominator } => ratio(sums(numerator).count(), sums(denominator).count()),
            Formula::NetScore { promoters, detractors, all, plus } => {
                let triples = std::iter::once([promoters, detractors, all]).chain(plus.iter().map(|t| t.each_ref()));
                net_score(triples.map(|triple| triple.map(|name| sums(name).count())))
            }
            Formula::MoneySum { of } => self.money_sum(&all(of, sums)),
            Formula::MoneyAverage { of } => money_average(&sums(of)),
            Formula::MoneyPerCount { money, count } => self.money_per_count(&sums(money), sums(count).count()),
            Formula::MoneyRatio { numerator, denominator } => money_ratio(&sums(numerator), &sums(denominator)),
            Formula::Growth { .. }
            | Formula::Distinct { .. }
            | Formula::Frequency { .. }
            | Formula::DistinctValues { .. }
            | Formula::Lifetime { .. } => Figure::Plain { value: None, of: None },
        }
    }

    fn sum(&self, cell: &Cell) -> Figure {
        Figure::Plain { value: Some(self.scale.number(cell.total.sum)), of: None }
    }

    fn average(&self, total: Sum) -> Figure {
        let numerator = self.scale.number(total.sum);
        let value = (total.count != 0)
            .then(|| Number { over: total.sum, under: self.scale.divisor() * i128::from(total.count) });
        Figure::Plain { value, of: Some((numerator, Number::whole(total.count))) }
    }

    /// Money of nothing is zero in the company's currency.
    fn money_sum(&self, cell: &Cell) -> Figure {
        let mut parts: BTreeMap<_, _> = present(cell).map(|(c, sum)| (c.clone(), amount(sum.sum))).collect();
        if parts.is_empty() {
            parts.insert(self.currency.clone(), amount(0));
        }
        Figure::Money(parts)
    }

    fn money_per_count(&self, money: &Cell, count: i64) -> Figure {
        let mut sums: BTreeMap<SmolStr, i128> = present(money).map(|(c, sum)| (c.clone(), sum.sum)).collect();
        if sums.is_empty() {
            sums.insert(self.currency.clone(), 0);
        }
        Figure::Money(sums.into_iter().map(|(c, sum)| (c, per(sum, count))).collect())
    }
}

fn all<'a>(names: impl IntoIterator<Item = &'a SmolStr>, sums: &Sums<'_>) -> Cell {
    names.into_iter().fold(Cell::default(), |mut total, name| {
        total.add(&sums(name));
        total
    })
}

fn present(cell: &Cell) -> impl Iterator<Item = (&SmolStr, &Sum)> {
    cell.by_currency.iter().filter(|(_, sum)| !sum.is_zero())
}

/// A count.
pub(crate) fn count(count: i64) -> Figure {
    Figure::Plain { value: Some(Number::whole(count)), of: None }
}

/// A ratio of counts; null when there is nothing to divide by.
pub(crate) fn ratio(numerator: i64, denominator: i64) -> Figure {
    let value = (denominator != 0).then(|| Number { over: numerator.into(), under: denominator.into() });
    Figure::Plain { value, of: Some((Number::whole(numerator), Number::whole(denominator))) }
}

fn net_score(triples: impl Iterator<Item = [i64; 3]>) -> Figure {
    let [promoters, detractors, all] = triples.fold([0; 3], |sum, t| [sum[0] + t[0], sum[1] + t[1], sum[2] + t[2]]);
    let net = promoters - detractors;
    let value = (all != 0).then(|| Number { over: 100 * i128::from(net), under: all.into() });
    Figure::Plain { value, of: Some((Number::whole(net), Number::whole(all))) }
}

fn amount(sum: i128) -> MoneyPart {
    MoneyPart { value: Some(MoneyValue::Amount(sum)), numerator: None, denominator: None }
}

/// Money per count, half-even to six digits.
pub(crate) fn per(sum: i128, count: i64) -> MoneyPart {
    let value = (count != 0).then(|| MoneyValue::Amount(half_even(sum, count.into())));
    let denominator = Some(MoneyValue::Number(Number::whole(count)));
    MoneyPart { value, numerator: Some(sum), denominator }
}

fn money_average(cell: &Cell) -> Figure {
    Figure::Money(present(cell).map(|(c, sum)| (c.clone(), per(sum.sum, sum.count))).collect())
}

fn money_ratio(numerator: &Cell, denominator: &Cell) -> Figure {
    let currencies: BTreeSet<&SmolStr> = present(numerator).chain(present(denominator)).map(|(c, _)| c).collect();
    let sum = |cell: &Cell, currency: &SmolStr| cell.by_currency.get(currency).copied().unwrap_or_default().sum;
    let part = |currency: &SmolStr| {
        let (over, under) = (sum(numerator, currency), sum(denominator, currency));
        let value = (under != 0).then_some(MoneyValue::Number(Number { over, under }));
        MoneyPart { value, numerator: Some(over), denominator: Some(MoneyValue::Amount(under)) }
    };
    Figure::Money(currencies.into_iter().map(|currency| (currency.clone(), part(currency))).collect())
}

/// Division to the nearest whole, ties to the even one.
pub(crate) fn half_even(over: i128, under: i128) -> i128 {
    let (over, under) = if under < 0 { (-over, -under) } else { (over, under) };
    let (floor, rest) = (over.div_euclid(under), over.rem_euclid(under));
    match (2 * rest).cmp(&under) {
        std::cmp::Ordering::Less => floor,
        std::cmp::Ordering::Greater => floor + 1,
        std::cmp::Ordering::Equal => floor + floor.rem_euclid(2),
    }
}

impl Figure {
    /// What groups are sorted by, largest first.
    pub(crate) fn weight(&self) -> f64 {
        let value = match self {
            Self::Plain { value, .. } => value.map(Number::to_f64),
            Self::Money(parts) => parts.values().filter_map(|part| part.value.map(MoneyValue::to_f64)).reduce(f64::max),
        };
        value.unwrap_or(f64::NEG_INFINITY)
    }

    /// Is it the figure of nothing?
    pub(crate) fn is_nothing(&self) -> bool {
        let nothing = |number: Number| number.over == 0;
        match self {
            Self::Plain { value, of } => {
                value.is_none_or(nothing) && of.is_none_or(|(over, under)| nothing(over) && nothing(under))
            }
            Self::Money(parts) => parts.values().all(|part| part.is_nothing()),
        }
    }
}

impl MoneyPart {
    fn is_nothing(&self) -> bool {
        let nothing = |value: &MoneyValue| value.to_f64() == 0.0;
        self.value.iter().all(nothing)
            && self.numerator.is_none_or(|sum| sum == 0)
            && self.denominator.iter().all(nothing)
    }
}

impl MoneyValue {
    pub(crate) fn to_f64(self) -> f64 {
        match self {
            Self::Amount(sum) => Number { over: sum, under: i128::from(UNIT) }.to_f64(),
            Self::Number(number) => number.to_f64(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_go_to_the_even_millionth() {
        for (over, under, rounded) in
            [(5, 2, 2), (7, 2, 4), (-5, 2, -2), (-7, 2, -4), (10, 4, 2), (11, 4, 3), (1, -3, 0)]
        {
            assert_eq!(half_even(over, under), rounded, "{over}/{under}");
        }
    }

    /// MET-UNITS: nothing to divide by is null, not zero.
    #[test]
    fn nothing_to_divide_by_is_null() {
        assert!(matches!(ratio(0, 0), Figure::Plain { value: None, of: Some(_) }));
        assert!(matches!(net_score(std::iter::empty()), Figure::Plain { value: None, .. }));
        assert!(per(5, 0).value.is_none());
    }
}
