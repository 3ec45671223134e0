//! The door's part of the OpenAPI description, generated from its handlers.

use super::{
    backfills, catalog, companies, customers, events, fields, keys, quarantine, reconciliations, sources, teams,
};
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    paths(
        events::post, backfills::post, catalog::put, companies::put, fields::put, sources::put, keys::post, keys::delete, teams::put,
        quarantine::replay, reconciliations::post, customers::unlink, customers::delete,
    ),
    tags((name = "events", description = "the front door")),
)]
struct Description;

/// The description of every route of the door.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Description::openapi()
}
