//! A request's body: inflated under a cap, then cut into raw events.

mod inflate;
mod split;

pub(crate) use inflate::{InflateError, inflate};
pub(crate) use split::split;
