//! Which address is answered by which file, and the OpenAPI description of all of them.

use crate::{
    catalog, customers, house, metrics,
    reads::{House, ReadSettings, Reads, Shared},
};
use axum::{Router, routing::get};
use utoipa::OpenApi;

/// The routes of the room; handlers expect the caller's grant as a request extension.
pub fn router(reads: Reads) -> Router {
    router_with(reads, ReadSettings::default())
}

/// As [`router`], with bounds of one's own.
pub fn router_with(reads: Reads, settings: ReadSettings) -> Router {
    let house = House::new(reads, settings);
    customer_routes().merge(metric_routes()).merge(house_routes()).with_state(house)
}

fn customer_routes() -> Router<Shared> {
    Router::new()
        .route("/v1/customers", get(customers::lookup))
        .route("/v1/customers/{id}", get(customers::profile))
        .route("/v1/customers/{id}/timeline", get(customers::timeline))
        .route("/v1/customers/{id}/metrics", get(customers::customer_metrics))
        .route("/v1/customers/{id}/identity", get(customers::identity))
}

fn metric_routes() -> Router<Shared> {
    Router::new()
        .route("/v1/metrics", get(metrics::list))
        .route("/v1/metrics/{name}", get(metrics::metric))
        .route("/v1/catalog", get(catalog::catalog))
        .route("/v1/catalog/events/{name}", get(catalog::event))
        .route("/v1/catalog/events/{name}/schema", get(catalog::schema))
}

fn house_routes() -> Router<Shared> {
    Router::new()
        .route("/v1/quarantine", get(house::quarantine))
        .route("/v1/quarantine/{id}", get(house::quarantined))
        .route("/v1/conflicts", get(house::conflicts))
        .route("/v1/sources", get(house::sources))
        .route("/v1/sources/{module}", get(house::source))
        .route("/v1/companies", get(house::companies))
        .route("/v1/companies/{id}", get(house::company))
        .route("/v1/companies/{id}/fields", get(house::fields))
        .route("/v1/keys", get(house::keys))
        .route("/v1/teams", get(house::teams))
        .route("/v1/teams/{id}", get(house::team))
        .route("/v1/operations", get(house::operations))
        .route("/v1/backfills", get(house::backfills))
        .route("/v1/backfills/{id}", get(house::backfill))
        .route("/v1/reconciliations", get(house::reconciliations))
        .route("/v1/reconciliations/{id}", get(house::reconciliation))
}

/// The OpenAPI description of the room's routes.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

#[derive(OpenApi)]
#[openapi(paths(
    customers::lookup,
    customers::profile,
    customers::timeline,
    customers::customer_metrics,
    customers::identity,
    metrics::list,
    metrics::metric,
    catalog::catalog,
    catalog::event,
    catalog::schema,
    house::quarantine,
    house::quarantined,
    house::conflicts,
    house::sources,
    house::source,
    house::companies,
    house::company,
    house::fields,
    house::keys,
    house::teams,
    house::team,
    house::operations,
    house::backfills,
    house::backfill,
    house::reconciliations,
    house::reconciliation,
))]
struct Description;
