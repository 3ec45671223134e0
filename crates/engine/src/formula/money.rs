//! Money by currency: never added across currencies. One currency gives a value; several give a line each and no value.

use super::{Answer, ComponentSums, Figure, MoneyLine, Span};
use crate::rows::Sum;
use alloc::{collections::BTreeMap, vec::Vec};
use cebe_catalog::Definitions;
use smol_str::SmolStr;

/// Sums per currency.
pub(super) type Currencies = BTreeMap<SmolStr, Sum>;

/// A component's sums in the window, per value of its dimension `currency`.
pub(super) fn currencies(definitions: &Definitions, component: &str, source: &dyn ComponentSums) -> Currencies {
    let mut sums = Currencies::new();
    let dimensions = definitions.components.get(component).map(|component| component.dimensions.as_slice());
    let place = dimensions.and_then(|names| names.iter().position(|name| name == "currency"));
    for cell in source.cells(component, Span::Window) {
        let currency = place.and_then(|place| cell.dimensions.get(place)).cloned().unwrap_or_default();
        *sums.entry(currency).or_default() += cell.sum;
    }
    sums.retain(|_, sum| !sum.is_zero());
    sums
}

/// Several components' sums, added currency by currency.
pub(super) fn added<'a>(
    definitions: &Definitions,
    components: impl IntoIterator<Item = &'a SmolStr>,
    source: &dyn ComponentSums,
) -> Currencies {
    let mut sums = Currencies::new();
    for component in components {
        for (currency, sum) in currencies(definitions, component, source) {
            *sums.entry(currency).or_default() += sum;
        }
    }
    sums
}

/// One line: value and currency; several: lines and no value.
pub(super) fn answer(lines: Vec<MoneyLine>, empty: Answer) -> Answer {
    match <[MoneyLine; 1]>::try_from(lines) {
        Ok([line]) => Answer {
            value: line.value,
            numerator: line.numerator,
            denominator: line.denominator,
            currency: Some(line.currency),
            ..Answer::default()
        },
        Err(lines) if lines.is_empty() => empty,
        Err(lines) => Answer { by_currency: lines, ..Answer::default() },
    }
}

/// A sum of money. Nothing at all is zero, in the company's currency.
pub(super) fn sum(sums: &Currencies, currency: &SmolStr) -> Answer {
    let line = |(currency, sum): (&SmolStr, &Sum)| MoneyLine {
        currency: currency.clone(),
        value: Figure::money(sum.sum, currency),
        ..MoneyLine::default()
    };
    let zero = Answer { value: Figure::money(0, currency), currency: Some(currency.clone()), ..Answer::default() };
    answer(sums.iter().map(line).collect(), zero)
}

/// Money over a number of its own or of something else.
pub(super) fn per(sums: &Currencies, currency: &SmolStr, count: impl Fn(&Sum) -> i128) -> Answer {
    let line = |(currency, sum): (&SmolStr, &Sum)| {
        let count = count(sum);
        let mean = (count > 0).then(|| Figure::money(super::half_even(sum.sum, count), currency));
        MoneyLine {
            currency: currency.clone(),
            value: mean.unwrap_or_default(),
            numerator: Some(Figure::money(sum.sum, currency)),
            denominator: Some(Figure::Whole(count)),
        }
    };
    let none = count(&Sum::default());
    let zero = Figure::money(0, currency);
    let empty = Answer {
        value: if none > 0 { zero.clone() } else { Figure::Null },
        numerator: Some(zero),
        denominator: Some(Figure::Whole(none)),
        currency: Some(currency.clone()),
        ..Answer::default()
    };
    answer(sums.iter().map(line).collect(), empty)
}

/// Money over money of the same currency. A currency that is on one side only has no ratio.
pub(super) fn over(above: &Currencies, below: &Currencies) -> Answer {
    let mut names: Vec<&SmolStr> = above.keys().chain(below.keys()).collect();
    names.sort();
    names.dedup();
    let line = |currency: &SmolStr| {
        let amount = |sums: &Currencies| sums.get(currency).map_or(0, |sum| sum.sum);
        let (numerator, denominator) = (amount(above), amount(below));
        MoneyLine {
            currency: currency.clone(),
            value: Figure::ratio(numerator, denominator),
            numerator: Some(Figure::money(numerator, currency)),
            denominator: Some(Figure::money(denominator, currency)),
        }
    };
    answer(names.into_iter().map(line).collect(), Answer::default())
}
