//! JSON strings: borrowed as they stand when nothing is escaped. NUL and lone surrogates are replaced and reported.

use std::borrow::Cow;

/// A string that was read.
pub(super) struct Found<'a> {
    pub(super) text: Cow<'a, str>,
    /// The place behind the closing quote.
    pub(super) end: usize,
    /// It holds NUL or a lone surrogate.
    pub(super) unfit: bool,
}

/// Reads the string whose opening quote stands at `from`.
pub(super) fn read(all: &str, from: usize) -> Option<Found<'_>> {
    let bytes = all.as_bytes();
    if bytes.get(from) != Some(&b'"') {
        return None;
    }
    let start = from + 1;
    let mut at = start;
    loop {
        match *bytes.get(at)? {
            b'"' => return Some(Found { text: Cow::Borrowed(&all[start..at]), end: at + 1, unfit: false }),
            b'\\' => return escaped(all, start, at),
            0..0x20 => return None,
            _ => at += 1,
        }
    }
}

fn escaped(all: &str, start: usize, first: usize) -> Option<Found<'_>> {
    let bytes = all.as_bytes();
    let mut text = String::with_capacity(first - start + 16);
    text.push_str(&all[start..first]);
    let (mut at, mut unfit) = (first, false);
    loop {
        match *bytes.get(at)? {
            b'"' => return Some(Found { text: Cow::Owned(text), end: at + 1, unfit }),
            b'\\' => {
                let (c, length) = escape(&bytes[at..])?;
                unfit |=
                    matches!(c, '\0' | char::REPLACEMENT_CHARACTER) && bytes[at + 1] == b'u' && !is_fffd(&bytes[at..]);
                text.push(c);
                at += length;
            }
            0..0x20 => return None,
            _ => {
                let until = bytes[at..].iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20))?;
                text.push_str(&all[at..at + until]);
                at += until;
            }
        }
    }
}

/// The replacement character written as an escape is a character like others.
fn is_fffd(bytes: &[u8]) -> bool {
    unit(bytes) == Some(0xfffd)
}

/// The character of an escape, and how many bytes it takes.
fn escape(bytes: &[u8]) -> Option<(char, usize)> {
    let plain = match bytes.get(1)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(bytes),
        _ => return None,
    };
    Some((plain, 2))
}

fn unicode(bytes: &[u8]) -> Option<(char, usize)> {
    let first = unit(bytes)?;
    if !(0xd800..0xe000).contains(&first) {
        return Some((char::from_u32(first)?, 6));
    }
    let second = bytes.get(6..).filter(|rest| rest.starts_with(b"\\u")).and_then(unit);
    match second {
        Some(low) if first < 0xdc00 && (0xdc00..0xe000).contains(&low) => {
            let code = 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00);
            Some((char::from_u32(code)?, 12))
        }
        _ => Some((char::REPLACEMENT_CHARACTER, 6)),
    }
}

fn unit(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.get(2..6)?;
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
