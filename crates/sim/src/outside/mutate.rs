//! Inputs made from others, the same from the same number for ever.

use crate::dice::Dice;

/// Bytes and words that parsers stumble over.
const TOKENS: [&[u8]; 14] = [
    b"\0",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\"",
    b"{",
    b"}",
    b"[",
    b"\\ud800",
    b"\r\n",
    b",",
    b"1e999",
    b"-0",
    b"null",
    b"\xef\xbb\xbf",
];
/// Changes made to one input.
const CHANGES_MAX: usize = 6;
/// Most bytes of what is made.
const BYTES_MAX: usize = 64 << 10;

/// One of the inputs, changed.
pub fn mutated(inputs: &[Vec<u8>], number: u64) -> Vec<u8> {
    let mut dice = Dice::new(number);
    let mut made = dice.pick(inputs).clone();
    for _ in 0..=dice.roll(CHANGES_MAX) {
        change(&mut made, inputs, &mut dice);
    }
    made.truncate(BYTES_MAX);
    made
}

fn change(made: &mut Vec<u8>, inputs: &[Vec<u8>], dice: &mut Dice) {
    let at = dice.roll(made.len() + 1);
    match dice.roll(7) {
        0 if at < made.len() => made[at] ^= 1 << dice.roll(8),
        1 if at < made.len() => made[at] = u8::try_from(dice.roll(256)).unwrap_or(0),
        2 => drop(made.splice(at..at, dice.pick(&TOKENS).iter().copied())),
        3 => made.truncate(at),
        4 => drop(made.drain(at..(at + dice.roll(16)).min(made.len()))),
        5 => {
            let again: Vec<u8> = made[at..(at + dice.roll(64)).min(made.len())].to_vec();
            made.splice(at..at, again);
        }
        _ => {
            let other = dice.pick(inputs);
            let from = dice.roll(other.len() + 1);
            made.truncate(at);
            made.extend_from_slice(&other[from..]);
        }
    }
}
