//! Is the process there, does it serve, and what does it measure.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use cebe_catalog::limits::STALE_AFTER_MILLIS;
use cebe_retriever::Freshness;
use serde_json::json;

use crate::serve::telemetry::Telemetry;

/// What readiness looks at.
#[derive(Clone)]
pub(super) struct Readiness {
    /// How far behind the store is.
    pub(super) freshness: Arc<dyn Fn() -> Freshness + Send + Sync>,
    /// Whether the door takes events though answers are behind: then it is ready.
    pub(super) takes_events: Option<Arc<dyn Fn() -> bool + Send + Sync>>,
    /// Whether the worker runs.
    pub(super) worker_alive: Arc<dyn Fn() -> bool + Send + Sync>,
}

/// The process answers.
#[utoipa::path(get, path = "/livez", tag = "operate", responses((status = 200, description = "the process answers")))]
pub(super) async fn livez() -> &'static str {
    "ok\n"
}

/// The worker runs and is not far behind; in a cluster, a node with a door takes events.
#[utoipa::path(get, path = "/readyz", tag = "operate", responses(
    (status = 200, description = "the worker runs and is not far behind"),
    (status = 503, description = "it does not, or is far behind")))]
pub(super) async fn readyz(State(readiness): State<Readiness>) -> Response {
    let worker = (readiness.worker_alive)();
    let lag_ms = (readiness.freshness)().lag_ms;
    let ready = match &readiness.takes_events {
        Some(takes_events) => takes_events(),
        None => worker && lag_ms <= STALE_AFTER_MILLIS,
    };
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({"ready": ready, "worker_alive": worker, "lag_ms": lag_ms}))).into_response()
}

/// What is measured, as Prometheus reads it.
#[utoipa::path(get, path = "/metrics", tag = "operate", responses((status = 200, description = "Prometheus text")))]
pub(super) async fn measurements(telemetry: Telemetry) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], telemetry.render()).into_response()
}
