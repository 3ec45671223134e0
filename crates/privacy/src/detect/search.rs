//! The search itself, over glyphs: runs of digits, and what stands around an `@`.
//! Each glyph is looked at a bounded number of times, whatever the text.

use super::glyphs::Glyph;
use super::{Found, Kind, PHONE_DIGITS_MIN, times};

/// Most separators between two digits of one number, as in `(021) - 835`.
const GAP_MAX: usize = 5;
/// Digits that a card number may have.
const CARD_DIGITS: std::ops::RangeInclusive<usize> = 13..=19;
/// Most glyphs that are looked through for the opening of a quoted local part.
const QUOTED_MAX: usize = 64;
/// Most spaces between an `@` and what belongs to it.
const SPACES_MAX: usize = 2;

/// Adds everything found to `found`, in no particular order.
pub(super) fn search(glyphs: &[Glyph], found: &mut Vec<Found>) {
    numbers(glyphs, found);
    addresses(glyphs, found);
}

fn add(found: &mut Vec<Found>, glyphs: &[Glyph], kind: Kind) {
    if let [first, .., last] = glyphs {
        found.push(Found { bytes: first.start..last.end, kind });
    }
}

fn numbers(glyphs: &[Glyph], found: &mut Vec<Found>) {
    let mut at = 0;
    while at < glyphs.len() {
        if !glyphs[at].ch.is_ascii_digit() {
            at += 1;
            continue;
        }
        if let Some(end) = times::end_of_time(glyphs, at) {
            at = end;
            continue;
        }
        let run = &glyphs[at..run_end(glyphs, at)];
        let digits = run.iter().filter(|glyph| glyph.ch.is_ascii_digit()).count();
        if digits >= PHONE_DIGITS_MIN {
            let kind = if CARD_DIGITS.contains(&digits) && check_digit_fits(run) { Kind::Card } else { Kind::Phone };
            add(found, &glyphs[opening(glyphs, at)..at + run.len()], kind);
        }
        at += run.len();
    }
}

/// Where the run of digits that begins at `at` ends: after its last digit.
pub(super) fn run_end(glyphs: &[Glyph], at: usize) -> usize {
    let mut end = at;
    for (index, glyph) in glyphs.iter().enumerate().skip(at) {
        if glyph.ch.is_ascii_digit() {
            end = index + 1;
        } else if !is_separator(glyph.ch) || index - end >= GAP_MAX {
            break;
        }
    }
    end
}

fn is_separator(ch: char) -> bool {
    matches!(ch, ' ' | '-' | '.' | '(' | ')' | '[' | ']' | '/' | '~' | '_' | '+')
}

/// The plus sign and brackets before a number belong to it.
fn opening(glyphs: &[Glyph], at: usize) -> usize {
    let before = glyphs[..at].iter().rev().take(2).take_while(|glyph| matches!(glyph.ch, '+' | '(')).count();
    at - before
}

/// Luhn's check.
fn check_digit_fits(run: &[Glyph]) -> bool {
    let digits = run.iter().rev().filter_map(|glyph| glyph.ch.to_digit(10));
    let sum: u32 = digits
        .enumerate()
        .map(|(place, digit)| match digit * 2 {
            _ if place % 2 == 0 => digit,
            doubled if doubled > 9 => doubled - 9,
            doubled => doubled,
        })
        .sum();
    sum.is_multiple_of(10)
}

fn addresses(glyphs: &[Glyph], found: &mut Vec<Found>) {
    for at in (0..glyphs.len()).filter(|at| glyphs[*at].ch == '@') {
        let spaces_before = spaces(glyphs[..at].iter().rev());
        let spaces_after = spaces(glyphs[at + 1..].iter());
        // "thanks @name" mentions somebody; "name @ mail.com" is an address.
        if spaces_before > 0 && spaces_after == 0 {
            continue;
        }
        let start = local_start(&glyphs[..at - spaces_before]);
        let needs_dot = spaces_before + spaces_after > 0;
        let end = domain_end(glyphs, at + 1 + spaces_after, needs_dot);
        if let (Some(start), Some(end)) = (start, end) {
            add(found, &glyphs[start..end], Kind::Email);
        }
    }
}

fn spaces<'a>(glyphs: impl Iterator<Item = &'a Glyph>) -> usize {
    glyphs.take(SPACES_MAX).take_while(|glyph| glyph.ch == ' ').count()
}

/// Where the local part that ends these glyphs begins.
fn local_start(before: &[Glyph]) -> Option<usize> {
    if before.last()?.ch == '"' {
        let inside = &before[..before.len() - 1];
        let quoted = inside.iter().rev().take(QUOTED_MAX).position(|glyph| glyph.ch == '"');
        return quoted.map(|length| inside.len() - 1 - length);
    }
    let length = before.iter().rev().take_while(|glyph| is_local(glyph.ch)).count();
    (length > 0).then(|| before.len() - length)
}

fn is_local(ch: char) -> bool {
    ch.is_alphanumeric() || "._%+-'!#$*^~`".contains(ch)
}

/// Where the domain that begins at `at` ends. Without a dot it must at least be a word.
fn domain_end(glyphs: &[Glyph], at: usize, needs_dot: bool) -> Option<usize> {
    let literal = matches!(glyphs.get(at..at + 2)?, [open, digit] if open.ch == '[' && digit.ch.is_ascii_digit());
    let at = at + usize::from(literal);
    let rest = &glyphs[at..];
    let reach = rest.iter().take_while(|glyph| is_domain(glyph.ch)).count();
    let length = rest[..reach].iter().rposition(|glyph| glyph.ch.is_alphanumeric())? + 1;
    let domain = &rest[..length];
    let dotted = domain.iter().skip(1).any(|glyph| glyph.ch == '.');
    let word = domain.iter().filter(|glyph| glyph.ch.is_alphabetic()).count() >= 2;
    let closed = literal && rest.get(length).is_some_and(|glyph| glyph.ch == ']');
    (dotted || (word && !needs_dot)).then_some(at + length + usize::from(closed))
}

fn is_domain(ch: char) -> bool {
    ch.is_alphanumeric() || matches!(ch, '.' | '-' | '_')
}
