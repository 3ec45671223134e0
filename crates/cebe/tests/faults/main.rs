//! Faults on purpose, in the real binary and its real files. For each: what was acknowledged is there, once. Taking the
//! protection out turns the test red; `docs/threat-model.md` lists which is which. `faults.c` brings the faults about.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod clock;
mod damage;
mod disk;
mod fault;
mod power;
