//! `/openapi.json`: what adapter, retriever and this binary say of their own routes, in one description.

use axum::Json;
use utoipa::OpenApi;
use utoipa::openapi::{InfoBuilder, OpenApi as Description};

#[derive(OpenApi)]
#[openapi(paths(
    super::probes::livez,
    super::probes::readyz,
    super::probes::measurements,
    super::cluster::look,
    super::cluster::drain,
    super::verify::start,
    super::verify::look,
))]
struct Own;

/// The whole description.
pub(super) async fn openapi() -> Json<Description> {
    let mut all = cebe_adapter::openapi().merge_from(cebe_retriever::openapi()).merge_from(Own::openapi());
    let about = "Customer events in; who the customer is, what happened and how you are doing out.";
    all.info = InfoBuilder::new().title("CEBE").version(env!("CARGO_PKG_VERSION")).description(Some(about)).build();
    Json(all)
}
