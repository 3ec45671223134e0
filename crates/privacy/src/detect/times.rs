//! Calendar dates and RFC 3339 times, the one kind of digits with dashes that is surely not a telephone number.

use super::glyphs::Glyph;
use super::search::run_end;

/// Where the date or time that begins at `at` ends, if one does and no further digits belong to it.
pub(super) fn end_of_time(glyphs: &[Glyph], at: usize) -> Option<usize> {
    let before = at.checked_sub(1).map(|before| glyphs[before].ch);
    if matches!(before, Some('+' | '(')) {
        return None;
    }
    let end = date(glyphs, at)?;
    let end = time_of_day(glyphs, end).unwrap_or(end);
    // From the last digit of the date or time on: whatever a run would take in belongs to a number after all.
    let last_digit = glyphs[..end].iter().rposition(|glyph| glyph.ch.is_ascii_digit())?;
    (run_end(glyphs, last_digit) == last_digit + 1).then_some(end)
}

/// `2024-05-10`
fn date(glyphs: &[Glyph], at: usize) -> Option<usize> {
    number(glyphs, at, 4, 1900..=2199)?;
    sign(glyphs, at + 4, "-")?;
    number(glyphs, at + 5, 2, 1..=12)?;
    sign(glyphs, at + 7, "-")?;
    number(glyphs, at + 8, 2, 1..=31)?;
    Some(at + 10)
}

/// `T10:20`, `T10:20:30`, `T10:20:30.123Z`, `T10:20:30+07:00`
fn time_of_day(glyphs: &[Glyph], at: usize) -> Option<usize> {
    sign(glyphs, at, "Tt ")?;
    number(glyphs, at + 1, 2, 0..=24)?;
    sign(glyphs, at + 3, ":")?;
    number(glyphs, at + 4, 2, 0..=59)?;
    let minutes = at + 6;
    let seconds = seconds(glyphs, minutes).unwrap_or(minutes);
    Some(fraction_and_zone(glyphs, seconds).or_else(|| zone(glyphs, seconds)).unwrap_or(seconds))
}

fn seconds(glyphs: &[Glyph], at: usize) -> Option<usize> {
    sign(glyphs, at, ":")?;
    number(glyphs, at + 1, 2, 0..=60)?;
    Some(at + 3)
}

/// A fraction counts only before a zone, so that no free-standing digits pass for one.
fn fraction_and_zone(glyphs: &[Glyph], at: usize) -> Option<usize> {
    sign(glyphs, at, ".")?;
    let digits = glyphs.get(at + 1..)?.iter().take(9).take_while(|glyph| glyph.ch.is_ascii_digit()).count();
    zone(glyphs, at + 1 + digits)
}

fn zone(glyphs: &[Glyph], at: usize) -> Option<usize> {
    if sign(glyphs, at, "Zz").is_some() {
        return Some(at + 1);
    }
    sign(glyphs, at, "+-")?;
    number(glyphs, at + 1, 2, 0..=23)?;
    sign(glyphs, at + 3, ":")?;
    number(glyphs, at + 4, 2, 0..=59)?;
    Some(at + 6)
}

fn sign(glyphs: &[Glyph], at: usize, signs: &str) -> Option<()> {
    signs.contains(glyphs.get(at)?.ch).then_some(())
}

fn number(glyphs: &[Glyph], at: usize, digits: usize, range: std::ops::RangeInclusive<u32>) -> Option<()> {
    let value =
        glyphs.get(at..at + digits)?.iter().try_fold(0, |value, glyph| Some(value * 10 + glyph.ch.to_digit(10)?))?;
    range.contains(&value).then_some(())
}
