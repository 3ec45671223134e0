//! The routes of adapter and retriever joined behind one middleware, with probes, measurements, verification and the
//! description of them all. The order of the layers is the order a request meets them: trace, count, catch, who is it.

mod backup;
mod cluster;
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
use cebe_retriever::{Freshness, Reads};

pub(crate) use cluster::Nodes;
pub(crate) use verify::{Logs, applied_events, logs_of, verify_all};

use super::roles::Roles;
use super::telemetry::Telemetry;
use crate::backup::Source;

/// What the front is put together from.
pub(crate) struct Front {
    /// The door.
    pub(crate) desk: Desk,
    /// The reads.
    pub(crate) reads: Reads,
    /// Which of them are served.
    pub(crate) roles: Roles,
    /// Store and queues at one moment, to verify.
    pub(crate) verify: Logs,
    /// The Central DB, to verify.
    pub(crate) central: Arc<dyn Central>,
    /// What events mean, to verify.
    pub(crate) definitions: Arc<Definitions>,
    /// How far behind the store is.
    pub(crate) freshness: Arc<dyn Fn() -> Freshness + Send + Sync>,
    /// In a cluster: whether the door takes events.
    pub(crate) takes_events: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
    /// Whether the worker runs.
    pub(crate) worker_alive: Arc<dyn Fn() -> bool + Send + Sync>,
    /// The measurements.
    pub(crate) telemetry: Telemetry,
    /// Who else there is.
    pub(crate) nodes: Nodes,
    /// What backups are taken of; none: there are none here.
    pub(crate) backups: Option<Source>,
    /// Largest request body as it arrives.
    pub(crate) request_bytes_max: usize,
}

/// Every route, ready to be served.
pub(crate) fn router(front: Front) -> Router {
    let Front { desk, reads, roles, verify, central, definitions, freshness, .. } = front;
    let Front { takes_events, worker_alive, telemetry, nodes, backups, request_bytes_max, .. } = front;
    let open = Router::new()
        .route("/livez", get(probes::livez))
        .route("/readyz", get(probes::readyz))
        .with_state(probes::Readiness { freshness, takes_events, worker_alive })
        .route("/metrics", get(move || probes::measurements(telemetry.clone())))
        .route("/openapi.json", get(describe::openapi))
        .method_not_allowed_fallback(fault::no_such_method);
    let door = if roles.adapter { desk.router() } else { Router::new() };
    let answers = if roles.retriever {
        cebe_retriever::router(reads).merge(verify::router(verify, central, definitions))
    } else {
        Router::new()
    };
    let backups = backups.map_or_else(Router::new, |backups| backup::router(backups, desk.clone()));
    door.merge(answers)
        .merge(backups)
        .merge(cluster::router(nodes))
        .fallback(fault::no_such_route)
        .method_not_allowed_fallback(fault::no_such_method)
        .layer(from_fn_with_state(desk, cebe_adapter::guard))
        .merge(open)
        .layer(DefaultBodyLimit::max(request_bytes_max))
        .layer(from_fn(fault::catch_panics))
        .layer(from_fn(count::count))
        .layer(from_fn(trace::trace))
}
