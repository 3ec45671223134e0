//! The pure heart: facts and records come in, changes, effects and outcomes go out. It does no IO, reads no clock, uses
//! no randomness and no hash map; time enters as records. Read `step/mod.rs` first, then `fold/` and `identity/`.
#![no_std]

extern crate alloc;

pub mod backfill;
pub mod change;
pub mod component;
pub mod control;
pub mod customer;
pub mod entry;
pub mod fold;
pub mod formula;
pub mod identity;
pub mod latency;
pub mod packed;
pub mod rows;
pub mod sequence;
pub mod step;
pub mod want;
