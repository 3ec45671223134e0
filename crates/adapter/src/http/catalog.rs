//! `PUT /v1/catalog/events/{name}`: a squad registers an event of its own, or widens it.

use super::{
    Refusal, allow,
    body::{Asked, Sent},
    company_of,
    customers::Whose,
};
use crate::{
    desk::Desk,
    settings::SettingError,
    view::{CompanyView, ControlView},
};
use axum::{
    Extension, Json,
    extract::{Path, State},
    http::HeaderMap,
};
use cebe_catalog::{
    control::Change,
    definition::{EventDefinition, register::CompanyCatalog},
};
use cebe_privacy::access::{Action, Grant};
use serde_json::Value;

/// Register an event for a company, or widen it; a change must be additive.
#[utoipa::path(put, path = "/v1/catalog/events/{name}", tag = "catalog",
    params(("name" = String, Path, description = "the event's name"), Whose), request_body(description = "the definition, as GET gives it"),
    responses((status = 200, description = "the definition"), (status = 400, body = super::error::ErrorBody),
        (status = 403, body = super::error::ErrorBody), (status = 409, body = super::error::ErrorBody)))]
pub(super) async fn put(
    State(desk): State<Desk>,
    Extension(grant): Extension<Grant>,
    Path(name): Path<String>,
    Asked(whose): Asked<Whose>,
    headers: HeaderMap,
    Sent(body): Sent,
) -> Result<Json<Value>, Refusal> {
    allow(&grant, Action::WriteCatalog)?;
    let view = desk.view();
    let company = company_of(&view, &grant, &headers, whose.query())?;
    let event = check(&view, &company, &name, &body)?;
    if !grant.allows_module(&event.module) {
        return Err(Refusal::RoleNotAllowed);
    }
    let answer = serde_json::to_value(&event).map_err(|_| Refusal::Failed)?;
    let change = Change::EventDefinition { company: company.id.clone(), name: event.name, json: answer.to_string() };
    desk.change(&grant.key_id, change).await?;
    Ok(Json(answer))
}

fn check(view: &ControlView, company: &CompanyView, name: &str, body: &[u8]) -> Result<EventDefinition, Refusal> {
    let mut catalog = CompanyCatalog::new(&view.definitions);
    company.events.values().for_each(|event| catalog.add(event.clone()));
    let body = std::str::from_utf8(body).map_err(|_| SettingError::invalid("body", "send UTF-8"))?;
    let known = catalog.event(name).is_some();
    catalog.check(name, body).map_err(|error| match known {
        true => Refusal::Conflict {
            code: "not_additive",
            message: error.to_string(),
            hint: "a change may add optional attributes and widen lists; register another name for anything else",
        },
        false => Refusal::Setting(SettingError {
            code: "invalid_definition",
            message: error.to_string(),
            path: None,
            hint: None,
        }),
    })
}
