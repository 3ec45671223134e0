//! Which address is answered by which file, and the OpenAPI description of all of them.

use crate::{
    metrics,
    reads::{House, ReadSettings, Reads},
};
use axum::{Router, routing::get};
use utoipa::OpenApi;

/// The routes of the room; handlers expect the caller's grant as a request extension.
pub fn router(reads: Reads) -> Router {
    router_with(reads, ReadSettings::default())
}

/// As [`router`], with bounds of one's own.
pub fn router_with(reads: Reads, settings: ReadSettings) -> Router {
    Router::new()
        .route("/v1/metrics", get(metrics::list))
        .route("/v1/metrics/{name}", get(metrics::metric))
        .with_state(House::new(reads, settings))
}

/// The OpenAPI description of the room's routes.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

#[derive(OpenApi)]
#[openapi(paths(metrics::list, metrics::metric))]
struct Description;
