//! Ways to write a sign without writing it: percent, JSON and HTML escapes, and the `(at)` of people who hide from robots.

/// The longest digits of an HTML character number that are read.
const ENTITY_DIGITS_MAX: usize = 6;
/// Spelled-out signs, in lower case.
const SPELLED: [(&str, char); 11] = [
    ("(at)", '@'),
    ("[at]", '@'),
    ("{at}", '@'),
    ("( at )", '@'),
    ("[ at ]", '@'),
    ("(dot)", '.'),
    ("[dot]", '.'),
    ("{dot}", '.'),
    ("&nbsp;", ' '),
    ("&commat;", '@'),
    ("&plus;", '+'),
];

/// Whether an escape may begin with this byte.
pub(super) fn may_open(byte: u8) -> bool {
    matches!(byte, b'%' | b'\\' | b'&' | b'(' | b'[' | b'{')
}

/// The sign that an escape at the start of `bytes` stands for, and how many bytes it takes. Only signs that numbers and
/// addresses are made of are read: an escape of any other could as well be a `%` that happens to stand before a number.
pub(super) fn read(bytes: &[u8]) -> Option<(char, usize)> {
    let told = |(sign, _): &(char, usize)| sign.is_ascii_digit() || "@.+-_()/ \t\r\n".contains(*sign);
    match bytes.first()? {
        b'%' => percent(bytes).filter(told),
        b'\\' => backslash(bytes).filter(told),
        b'&' => entity(bytes).filter(told).or_else(|| spelled(bytes)),
        b'(' | b'[' | b'{' => spelled(bytes),
        _ => None,
    }
}

/// `%40`, and `%2540` as often as it was escaped again.
fn percent(bytes: &[u8]) -> Option<(char, usize)> {
    let mut at = 1;
    while bytes.get(at..at + 2) == Some(b"25") && bytes.get(at + 2..at + 4).is_some_and(|two| hex(two).is_some()) {
        at += 2;
    }
    Some((char::from_u32(hex(bytes.get(at..at + 2)?)?)?, at + 2))
}

/// `\u0040` and the line breaks of JSON.
fn backslash(bytes: &[u8]) -> Option<(char, usize)> {
    match bytes.get(1)? {
        b'u' => Some((char::from_u32(hex(bytes.get(2..6)?)?)?, 6)),
        b'n' | b't' | b'r' => Some((' ', 2)),
        _ => None,
    }
}

/// `&#64;` and `&#x40;`.
fn entity(bytes: &[u8]) -> Option<(char, usize)> {
    let (digits_at, radix) = match bytes.get(1..3)? {
        [b'#', b'x' | b'X'] => (3, 16),
        [b'#', _] => (2, 10),
        _ => return None,
    };
    let digits = &bytes[digits_at..];
    let length = digits.iter().take(ENTITY_DIGITS_MAX).take_while(|byte| char::from(**byte).is_digit(radix)).count();
    let code = u32::from_str_radix(str::from_utf8(&digits[..length]).ok()?, radix).ok()?;
    let closed = usize::from(digits.get(length) == Some(&b';'));
    Some((char::from_u32(code)?, digits_at + length + closed))
}

fn spelled(bytes: &[u8]) -> Option<(char, usize)> {
    let matches = |word: &str| bytes.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word.as_bytes()));
    SPELLED.iter().find(|(word, _)| matches(word)).map(|(word, sign)| (*sign, word.len()))
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |code, digit| Some(code * 16 + char::from(*digit).to_digit(16)?))
}
