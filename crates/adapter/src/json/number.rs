//! The grammar of JSON numbers, and the one shortest text that all spellings of a number share.

/// How many bytes the number at the beginning of `bytes` takes; `None` when there is none.
pub(super) fn length(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    match bytes.get(at)? {
        b'0' => at += 1,
        b'1'..=b'9' => at += digits(at),
        _ => return None,
    }
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if fraction == 0 {
            return None;
        }
        at += 1 + fraction;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at);
        if exponent == 0 {
            return None;
        }
        at += exponent;
    }
    Some(at)
}

/// Writes the shortest text of a number: sign, its digits without zeros at either end, and where the point stands.
/// `1`, `1.0` and `10e-1` are one; so are `0` and `-0`. What is no number is written as it is.
pub(crate) fn canonical_number(text: &str, out: &mut Vec<u8>) {
    if length(text.as_bytes()) != Some(text.len()) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = whole.bytes().chain(fraction.bytes());
    let leading = digits.clone().take_while(|digit| *digit == b'0').count();
    let trailing = digits.clone().rev().take_while(|digit| *digit == b'0').count();
    let all = whole.len() + fraction.len();
    if leading == all {
        out.push(b'0');
        return;
    }
    if negative {
        out.push(b'-');
    }
    out.extend(digits.take(all - trailing).skip(leading));
    // The exponent of the last digit that is left. Exponents beyond any number's use differ by their text alone.
    match exponent.parse::<i64>() {
        Ok(exponent) if exponent.unsigned_abs() < 1 << 40 => {
            let last = exponent - fraction.len() as i64 + trailing as i64;
            if last != 0 {
                out.extend_from_slice(format!("e{last}").as_bytes());
            }
        }
        _ => out.extend_from_slice(format!("e{exponent}").as_bytes()),
    }
}
