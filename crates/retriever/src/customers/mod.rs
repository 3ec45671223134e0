//! One customer: who they are (`person`), profile, look-up, timeline, metrics, identity. A customer is found by any of
//! its nodes; what is shown is masked unless a revealed profile was asked for and audited.

mod event_json;
mod facts;
mod identifiers;
mod identity;
mod lookup;
mod metrics;
mod person;
mod profile;
mod reveal;
mod timeline;

pub(crate) use identity::{__path_identity, identity};
pub(crate) use lookup::{__path_lookup, lookup};
pub(crate) use metrics::{__path_customer_metrics, customer_metrics};
pub(crate) use profile::{__path_profile, profile};
pub(crate) use timeline::{__path_timeline, timeline};
