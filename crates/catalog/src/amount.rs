//! Exact decimal amounts: millionths in an integer, never a float.

use serde::{Deserialize, Serialize};

/// An exact decimal with at most six fraction digits, kept as millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Amount(pub i64);

/// Millionths in one unit.
pub const UNIT: i64 = 1_000_000;

/// Why a text is not an [`Amount`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountError {
    /// Not a decimal number.
    NotANumber,
    /// More than six fraction digits that are not zero.
    TooFine,
    /// Beyond what fits (about ±9.2 × 10¹²).
    TooLarge,
}

impl Amount {
    /// Reads decimal text, with an exponent if it has one, exactly.
    pub fn parse(text: &str) -> Result<Self, AmountError> {
        let (mantissa, exponent) = split_exponent(text)?;
        let (negative, digits) = match mantissa.as_bytes() {
            [b'-', ..] => (true, &mantissa[1..]),
            _ => (false, mantissa),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let plain = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !plain(whole) || !plain(fraction) || (digits.contains('.') && fraction.is_empty()) {
            return Err(AmountError::NotANumber);
        }
        let value = scale(whole, fraction, exponent)?;
        let signed = if negative { -value } else { value };
        i64::try_from(signed).map(Self).map_err(|_| AmountError::TooLarge)
    }

    /// Decimal text with at least `digits_min` fraction digits, and no more than are needed.
    pub fn to_text(self, digits_min: usize) -> String {
        millionths_to_text(i128::from(self.0), digits_min)
    }
}

fn split_exponent(text: &str) -> Result<(&str, i32), AmountError> {
    match text.split_once(['e', 'E']) {
        None => Ok((text, 0)),
        Some((mantissa, exponent)) => {
            let exponent: i32 = exponent.parse().map_err(|_| AmountError::NotANumber)?;
            if exponent.abs() > 40 { Err(AmountError::TooLarge) } else { Ok((mantissa, exponent)) }
        }
    }
}

/// `whole.fraction × 10^exponent` in millionths.
fn scale(whole: &str, fraction: &str, exponent: i32) -> Result<i128, AmountError> {
    let mut digits: String = [whole, fraction].concat();
    let mut point = i64::try_from(whole.len()).unwrap_or(i64::MAX) + i64::from(exponent) + 6;
    let leading = digits.len() - digits.trim_start_matches('0').len();
    digits.drain(..leading);
    point -= i64::try_from(leading).unwrap_or(0);
    if digits.is_empty() {
        return Ok(0);
    }
    if point > 20 {
        return Err(AmountError::TooLarge);
    }
    let keep = usize::try_from(point.max(0)).unwrap_or(0);
    if digits.len() > keep {
        if digits[keep..].bytes().any(|b| b != b'0') || point < 0 {
            return Err(AmountError::TooFine);
        }
        digits.truncate(keep);
    }
    digits.extend(std::iter::repeat_n('0', keep - digits.len()));
    if digits.is_empty() { Ok(0) } else { digits.parse().map_err(|_| AmountError::TooLarge) }
}

/// A sum of millionths as decimal text with at least `digits_min` fraction digits.
pub fn millionths_to_text(sum: i128, digits_min: usize) -> String {
    let unit = u128::from(UNIT.unsigned_abs());
    let magnitude = sum.unsigned_abs();
    let mut fraction = format!("{:06}", magnitude % unit);
    while fraction.len() > digits_min && fraction.ends_with('0') {
        fraction.pop();
    }
    let sign = if sum < 0 { "-" } else { "" };
    let point = if fraction.is_empty() { "" } else { "." };
    format!("{sign}{}{point}{fraction}", magnitude / unit)
}

/// Minor digits of an ISO 4217 currency: how many fraction digits its amounts show at least.
pub fn minor_digits(currency: &str) -> usize {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI" | "VND"
        | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_decimal_text_exactly() {
        for (text, millionths) in [
            ("0", 0),
            ("12.5", 12_500_000),
            ("-0.000001", -1),
            ("1e3", 1_000_000_000),
            ("2.50e-2", 25_000),
            ("0.1000000", 100_000),
            ("0e30", 0),
            ("9223372036854.775807", i64::MAX),
        ] {
            assert_eq!(Amount::parse(text), Ok(Amount(millionths)), "{text}");
        }
        for (text, error) in [
            ("", AmountError::NotANumber),
            ("1.", AmountError::NotANumber),
            (".5", AmountError::NotANumber),
            ("NaN", AmountError::NotANumber),
            ("1.0000001", AmountError::TooFine),
            ("1e-7", AmountError::TooFine),
            ("9223372036855", AmountError::TooLarge),
            ("1e400", AmountError::TooLarge),
            ("--1", AmountError::NotANumber),
        ] {
            assert_eq!(Amount::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn writes_at_least_the_minor_digits() {
        assert_eq!(Amount(12_500_000).to_text(2), "12.50");
        assert_eq!(Amount(-1).to_text(2), "-0.000001");
        assert_eq!(Amount(5_000_000).to_text(0), "5");
        assert_eq!(millionths_to_text(-61_784_006_000_000, 1), "-61784006.0");
    }
}
