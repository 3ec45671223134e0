//! Black-box proofs over the real binary: everything the catalog names, personal data, bad input, who may see what, and
//! settings. One binary, so that it is linked once. Read `rig.rs` first for how requests are made.

#[path = "../support/mod.rs"]
mod support;

mod bad_input;
mod enumeration;
mod envelope;
mod every_event;
mod every_metric;
mod every_route;
mod in_time;
mod lanes;
mod life;
mod pii;
mod pii_plants;
mod pii_search;
mod rig;
mod scope;
mod settings;
