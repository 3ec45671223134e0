//! The door's HTTP: one file per resource, and `error.rs`, the only place where something becomes an HTTP code.

mod backfills;
mod body;
mod catalog;
mod companies;
mod customers;
mod error;
mod events;
mod fields;
mod guard;
mod keys;
mod openapi;
mod quarantine;
mod reconciliations;
mod sources;
mod teams;

pub(crate) use error::Refusal;
pub use guard::guard;
pub use openapi::openapi;

use crate::{
    desk::Desk,
    view::{CompanyView, ControlView},
};
use axum::{
    Router,
    http::HeaderMap,
    routing::{delete, post, put},
};
use cebe_privacy::access::{Action, Grant, Scope};
use std::sync::Arc;

impl Desk {
    /// The door's routes. They need [`guard`] (or something like it) around them, which puts the grant into each request.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/v1/events", post(events::post))
            .route("/v1/backfills", post(backfills::post))
            .route("/v1/catalog/events/{name}", put(catalog::put))
            .route("/v1/companies/{id}", put(companies::put))
            .route("/v1/companies/{id}/fields", put(fields::put))
            .route("/v1/sources/{module}", put(sources::put))
            .route("/v1/keys", post(keys::post))
            .route("/v1/keys/{id}", delete(keys::delete))
            .route("/v1/reconciliations", post(reconciliations::post))
            .route("/v1/teams/{id}", put(teams::put))
            .route("/v1/quarantine/{id}/replay", post(quarantine::replay))
            .route("/v1/customers/{id}/unlink", post(customers::unlink))
            .route("/v1/customers/{id}", delete(customers::delete))
            .with_state(self.clone())
    }
}

/// Refuses what the key may not do.
fn allow(grant: &Grant, action: Action) -> Result<(), Refusal> {
    if grant.may(action) { Ok(()) } else { Err(Refusal::RoleNotAllowed) }
}

/// The company that a request names: `X-Company-Id`, else `company_id=`.
fn named_company(headers: &HeaderMap, query: Option<&str>) -> Option<String> {
    let header = headers.get("x-company-id").and_then(|value| value.to_str().ok()).map(str::trim);
    header.filter(|name| !name.is_empty()).or(query).map(str::to_owned)
}

/// The company a call is about: the one it names, else the only one that its key serves.
fn company_of(
    view: &ControlView,
    grant: &Grant,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Result<Arc<CompanyView>, Refusal> {
    let only = match &grant.companies {
        Scope::Only(names) if names.len() == 1 => names.first().cloned(),
        _ => None,
    };
    let name = named_company(headers, query).or(only).ok_or(Refusal::CompanyRequired)?;
    serve(view, grant, &name)
}

/// A company by name, if the key serves it.
fn serve(view: &ControlView, grant: &Grant, name: &str) -> Result<Arc<CompanyView>, Refusal> {
    if !grant.allows_company(name) {
        return Err(Refusal::CompanyNotAllowed);
    }
    view.companies.get(name).cloned().ok_or(Refusal::UnknownCompany)
}
