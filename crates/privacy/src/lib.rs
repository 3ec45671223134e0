//! Identifiers and personal data as pure functions: text and keys come in; normalised identifiers, tokens, masks,
//! scrubbed text and sealed bytes go out, and `access` says who may do and see what.
//! This room never holds a key (keys are arguments), never does IO, never reads a clock and never draws randomness.
//! Read `token.rs` first (what an identifier becomes), then `detect.rs` (how contact data is found in free text).

pub mod access;
pub mod detect;
pub mod keys;
pub mod mask;
pub mod normalise;
pub mod seal;
pub mod token;
