//! One number of an answer, kept exact until it is shown.

use alloc::{format, string::String};
use cebe_catalog::amount::{millionths_to_text, minor_digits};
use smol_str::SmolStr;

/// One number (or word) of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Figure {
    /// Nothing to say: an empty window, a division by zero, several currencies.
    #[default]
    Null,
    /// A count.
    Whole(i128),
    /// A ratio, not rounded; the denominator is above zero.
    Ratio {
        /// Above the line.
        numerator: i128,
        /// Below the line.
        denominator: i128,
    },
    /// A number with at most six fraction digits, in millionths (averages, scores, points, seconds).
    Decimal(i128),
    /// An amount in millionths, shown with at least `digits` fraction digits, as text.
    Money {
        /// Millionths.
        amount: i128,
        /// Fewest fraction digits.
        digits: usize,
    },
    /// A word (the most frequent method, a tier).
    Text(SmolStr),
    /// Yes or no.
    Flag(bool),
}

impl Figure {
    /// A ratio, `Null` when the denominator is zero or less.
    pub fn ratio(numerator: i128, denominator: i128) -> Self {
        if denominator > 0 { Self::Ratio { numerator, denominator } } else { Self::Null }
    }

    /// A mean in millionths, rounded half to even; `Null` of nothing.
    pub fn mean(sum_millionths: i128, count: i128) -> Self {
        if count > 0 { Self::Decimal(half_even(sum_millionths, count)) } else { Self::Null }
    }

    /// An amount of a currency.
    pub fn money(amount: i128, currency: &str) -> Self {
        Self::Money { amount, digits: minor_digits(currency) }
    }

    /// Exact decimal text; a ratio with twelve fraction digits, rounded half to even. `None` for `Null`.
    pub fn to_text(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Whole(whole) => Some(format!("{whole}")),
            Self::Ratio { numerator, denominator } => Some(ratio_text(*numerator, *denominator)),
            Self::Decimal(millionths) => Some(millionths_to_text(*millionths, 0)),
            Self::Money { amount, digits } => Some(millionths_to_text(*amount, *digits)),
            Self::Text(text) => Some(text.as_str().into()),
            Self::Flag(flag) => Some(format!("{flag}")),
        }
    }

    /// Is it shown as a JSON number (of its text), not as a string or a word?
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Whole(_) | Self::Ratio { .. } | Self::Decimal(_))
    }
}

/// `numerator / denominator` rounded half to even; the denominator is above zero.
pub fn half_even(numerator: i128, denominator: i128) -> i128 {
    let quotient = numerator.div_euclid(denominator);
    let rest = numerator.rem_euclid(denominator);
    let up = match (rest * 2).cmp(&denominator) {
        core::cmp::Ordering::Less => false,
        core::cmp::Ordering::Greater => true,
        core::cmp::Ordering::Equal => quotient.rem_euclid(2) == 1,
    };
    quotient + i128::from(up)
}

fn ratio_text(numerator: i128, denominator: i128) -> String {
    const UNIT: i128 = 1_000_000_000_000;
    let scaled = match numerator.checked_mul(UNIT) {
        Some(scaled) => half_even(scaled, denominator),
        // Beyond what fits, whole units are exact enough.
        None => half_even(numerator, denominator).saturating_mul(UNIT),
    };
    let magnitude = scaled.unsigned_abs();
    let unit = UNIT.unsigned_abs();
    let fraction = format!("{:012}", magnitude % unit);
    let fraction = fraction.trim_end_matches('0');
    let sign = if scaled < 0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{fraction}", magnitude / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_to_the_even_neighbour() {
        for (numerator, denominator, rounded) in
            [(5, 2, 2), (7, 2, 4), (-5, 2, -2), (-7, 2, -4), (10, 3, 3), (11, 3, 4)]
        {
            assert_eq!(half_even(numerator, denominator), rounded, "{numerator}/{denominator}");
        }
    }

    #[test]
    fn figures_are_exact_text() {
        let cases = [
            (Figure::ratio(1, 3), Some("0.333333333333")),
            (Figure::ratio(-1, 2), Some("-0.5")),
            (Figure::ratio(1, 0), None),
            (Figure::ratio(0, 7), Some("0")),
            (Figure::mean(10_000_000, 4), Some("2.5")),
            (Figure::money(1_500_000, "IDR"), Some("1.50")),
            (Figure::money(1_500_000, "JPY"), Some("1.5")),
            (Figure::Whole(-3), Some("-3")),
        ];
        for (figure, text) in cases {
            assert_eq!(figure.to_text().as_deref(), text);
        }
    }
}
