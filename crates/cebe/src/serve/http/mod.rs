//! The routes of adapter and retriever joined behind one middleware, with probes, measurements, verification and the
//! description of them all. The order of the layers is the order a request meets them: trace, count, catch, who is it.

mod backup;
mod count;
mod describe;
mod fault;
mod probes;
mod trace;
mod verify;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use cebe_adapter::Desk;
use cebe_catalog::Definitions;
use cebe_central::Central;
use cebe_queue::Queue;
use cebe_retriever::Reads;

pub(crate) use verify::{applied_events, verify_all};

use super::lag::Lag;
use super::telemetry::Telemetry;
use crate::backup::Source;

/// What the front is put together from.
pub(crate) struct Front {
    /// The door.
    pub(crate) desk: Desk,
    /// The reads.
    pub(crate) reads: Reads,
    /// The queue, to verify.
    pub(crate) queue: Arc<dyn Queue>,
    /// The Central DB, to verify.
    pub(crate) central: Arc<dyn Central>,
    /// What events mean, to verify.
    pub(crate) definitions: Arc<Definitions>,
    /// How far behind the store is.
    pub(crate) lag: Arc<Lag>,
    /// Whether the worker runs.
    pub(crate) worker_alive: Arc<dyn Fn() -> bool + Send + Sync>,
    /// The measurements.
    pub(crate) telemetry: Telemetry,
    /// What backups are taken of.
    pub(crate) backups: Source,
    /// Largest request body as it arrives.
    pub(crate) request_bytes_max: usize,
}

/// Every route, ready to be served.
pub(crate) fn router(front: Front) -> Router {
    let Front { desk, reads, queue, central, definitions, lag, worker_alive, telemetry, backups, request_bytes_max } =
        front;
    let open = Router::new()
        .route("/livez", get(probes::livez))
        .route("/readyz", get(probes::readyz))
        .with_state(probes::Readiness { lag, worker_alive })
        .route("/metrics", get(move || probes::measurements(telemetry.clone())))
        .route("/openapi.json", get(describe::openapi))
        .method_not_allowed_fallback(fault::no_such_method);
    desk.router()
        .merge(cebe_retriever::router(reads))
        .merge(verify::router(queue, central, definitions))
        .merge(backup::router(backups, desk.clone()))
        .fallback(fault::no_such_route)
        .method_not_allowed_fallback(fault::no_such_method)
        .layer(from_fn_with_state(desk, cebe_adapter::guard))
        .merge(open)
        .layer(DefaultBodyLimit::max(request_bytes_max))
        .layer(from_fn(fault::catch_panics))
        .layer(from_fn(count::count))
        .layer(from_fn(trace::trace))
}
