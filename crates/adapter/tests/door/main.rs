//! The door over its router, with a queue and a store in memory: records are decoded from the queue and looked at.
#![allow(clippy::unwrap_used)]

mod bad_inputs;
mod content;
mod control;
mod examples;
mod fuzz;
mod house;
mod identity;
mod overload;
mod personal_data;
mod replies;
mod shards;
