//! Feeds any bytes to the target `tags` of `crates/sim/src/outside`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| cebe_sim::outside::run("tags", bytes));
