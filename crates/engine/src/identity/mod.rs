//! People are links: from a set of links, corrections and limits to customers. A pure function of its input; arrival
//! plays no part. Read `assemble.rs` first; `closure.rs` says which rows it needs, `apply.rs` changes them.
//!
//! What the rules leave open is decided here:
//! - A *value* is any identifier token, at whichever end of a link it stands; a shared value is inert at both.
//! - Who counts towards a limit: distinct ends directly linked, by a link that is not rejected, to a node that is not
//!   blocked. A placeholder id on the block list so takes nobody's room away.
//! - An explicit link between two `qontak_customer_id`s has no kind: strongest, never link-only, under no limit.
//! - The *anchors* of a group are its `qontak_customer_id`s and every node that is the anchor end of some link.

mod apply;
mod assemble;
mod canonical;
mod closure;
mod edge;
mod inert;
mod parts;
mod report;
mod rows;

pub use apply::{add_link, keep_apart, reject, rejoin, remove_evidence, unreject, write_together};
pub use assemble::{Input, assemble};
pub use closure::{Closure, affected, closure};
pub use edge::{Edge, edges_of};
pub use report::{Assembly, CustomerParts, Inert, LinkReport, NotJoined, Verdict};
pub use rows::Rows;
