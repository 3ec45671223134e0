//! A text as the detector reads it: one plain sign per visible character, with the bytes it came from.
//! Widths, scripts of digits, dashes and spaces are folded; what cannot be seen counts to the sign before it.

use super::escapes;

/// A sign and the bytes of the text it stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Glyph {
    pub(super) ch: char,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// First digits of the decimal digit series of Unicode beyond ASCII.
const DIGIT_ZEROES: [u32; 59] = [
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6, 0x0E50,
    0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50,
    0x2080, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30, 0x11066, 0x110F0,
    0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50,
    0x11DA0, 0x1D7CE, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0,
];
/// First digits of further series that follow each other without a gap (the mathematical alphabets).
const MATHEMATICAL_ZEROES: [u32; 4] = [0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6];
/// The ones of series that run from 1 to 9 (circled, bracketed and dotted digits).
const DIGIT_ONES: [u32; 6] = [0x2460, 0x2474, 0x2488, 0x2776, 0x2780, 0x278A];

/// The text as it stands.
pub(super) fn plain(text: &str) -> Vec<Glyph> {
    let mut glyphs = Vec::with_capacity(text.len());
    for (start, c) in text.char_indices() {
        push(&mut glyphs, c, start, start + c.len_utf8());
    }
    glyphs
}

/// The text with escapes (`%40`, `\u0040`, `&#64;`, `(at)`) read as what they stand for.
pub(super) fn unescaped(text: &str) -> Vec<Glyph> {
    let mut glyphs = Vec::with_capacity(text.len());
    let mut start = 0;
    while let Some(c) = text[start..].chars().next() {
        let (c, length) = escapes::read(&text.as_bytes()[start..]).unwrap_or((c, c.len_utf8()));
        if c != '\\' {
            push(&mut glyphs, c, start, start + length);
        }
        start += length;
    }
    glyphs
}

fn push(glyphs: &mut Vec<Glyph>, c: char, start: usize, end: usize) {
    if c.is_ascii_graphic() || c == ' ' {
        glyphs.push(Glyph { ch: c, start, end });
    } else if !is_invisible(c) {
        glyphs.push(Glyph { ch: fold(c), start, end });
    } else if let Some(last) = glyphs.last_mut() {
        last.end = end;
    }
}

/// A full-width sign in its usual width, anything else as it is.
pub(crate) fn narrow(c: char) -> char {
    match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        _ => c,
    }
}

fn fold(c: char) -> char {
    match c {
        c if c.is_whitespace() => ' ',
        '\u{2800}' | '\u{3164}' | '\u{FFA0}' => ' ',
        '\u{2010}'..='\u{2015}' | '\u{2043}' | '\u{207B}' | '\u{208B}' | '\u{2212}' | '\u{02D7}' => '-',
        '\u{058A}' | '\u{05BE}' | '\u{2E3A}' | '\u{2E3B}' | '\u{30FC}' | '\u{FE58}' | '\u{FE63}' | '\u{FF70}' => '-',
        '\u{00B7}' | '\u{2024}' | '\u{2027}' | '\u{3002}' | '\u{30FB}' | '\u{FE52}' | '\u{FF61}' => '.',
        '\u{2053}' | '\u{223C}' | '\u{301C}' => '~',
        '\u{2044}' | '\u{2215}' => '/',
        '\u{207A}' | '\u{208A}' | '\u{FE62}' | '\u{2795}' => '+',
        '\u{FE6B}' => '@',
        c => digit(c).unwrap_or_else(|| narrow(c)),
    }
}

/// The ASCII digit that a digit of any script or shape stands for.
fn digit(c: char) -> Option<char> {
    let code = u32::from(c);
    let value = match code {
        0xB2 | 0xB3 => code - 0xB0,
        0xB9 => 1,
        0x2070 | 0x24EA | 0x24FF => 0,
        0x2074..=0x2079 => code - 0x2070,
        _ => series_value(code)?,
    };
    char::from_digit(value, 10)
}

fn series_value(code: u32) -> Option<u32> {
    let within = |zero: &u32| code.checked_sub(*zero).filter(|value| *value <= 9);
    let counted = |one: &u32| code.checked_sub(*one).filter(|value| *value <= 8).map(|value| value + 1);
    if code < DIGIT_ZEROES[0] {
        return None;
    }
    DIGIT_ZEROES
        .iter()
        .find_map(within)
        .or_else(|| MATHEMATICAL_ZEROES.iter().find_map(within))
        .or_else(|| DIGIT_ONES.iter().find_map(counted))
}

/// Signs that do not show, or only change the one before them: they must not split a number.
fn is_invisible(c: char) -> bool {
    let unseen = matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E0FFF}');
    let combining = matches!(c,
        '\u{0300}'..='\u{036F}' | '\u{1AB0}'..='\u{1AFF}' | '\u{1DC0}'..='\u{1DFF}' | '\u{20D0}'..='\u{20FF}');
    unseen || combining || (c.is_control() && !c.is_whitespace())
}
