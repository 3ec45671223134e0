//! All reads: profile, timeline, metrics, identity, catalog, settings and operations, each answer with its freshness.
//! HTTP requests with a resolved grant come in, JSON goes out; one snapshot of the Central DB serves one request. The room
//! never writes: the audit of a reveal goes through a callback, and a revealed value is shown only once that audit is
//! durable. Read `router.rs` first, then `http/run.rs` (how a read runs), then `customers/` and `metrics/`.

mod catalog;
mod company;
mod customers;
mod freshness;
mod house;
mod http;
mod metrics;
mod reads;
mod router;
mod scope;

pub use freshness::Freshness;
pub use reads::{Audit, ReadSettings, Reads};
pub use router::{openapi, router, router_with};
