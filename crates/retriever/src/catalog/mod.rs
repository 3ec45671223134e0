//! The registry: which events there are, what each looks like, and its JSON Schema.

use crate::{
    http::{Asked, ErrorBody, Read, ReadError, read},
    reads::Shared,
    scope,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use cebe_catalog::definition::{EventDefinition, schema::json_schema};
use cebe_privacy::access::Action;
use serde_json::{Value as Json, json};

/// Every event that the company may send, and the modules they belong to.
#[utoipa::path(get, path = "/v1/catalog", tag = "catalog",
    responses((status = 200, description = "Modules and events", body = Object)))]
pub(crate) async fn catalog(State(house): State<Shared>, asked: Asked) -> Response {
    read(house, asked, Action::Read, |read| {
        let company = read.company()?;
        read.parameters.finish("company_id")?;
        let catalog = company.catalog(&read.snapshot)?;
        let events = catalog.events().map(|event| {
            json!({
                "name": event.name,
                "module": event.module,
                "schema_version": event.schema_version,
                "trigger": event.trigger,
                "required": required(event),
                "registered": !company.definitions.events.contains_key(&event.name),
            })
        });
        Ok(json!({
            "modules": company.definitions.modules.values().collect::<Vec<_>>(),
            "events": events.collect::<Vec<_>>(),
            "freshness": read.freshness.to_json(),
        }))
    })
    .await
}

fn required(event: &EventDefinition) -> Vec<&str> {
    event.attributes.iter().filter(|(_, attribute)| attribute.required).map(|(name, _)| name.as_str()).collect()
}

/// One event's definition.
#[utoipa::path(get, path = "/v1/catalog/events/{name}", tag = "catalog",
    params(("name" = String, Path, description = "Event name")),
    responses(
        (status = 200, description = "The definition", body = Object),
        (status = 404, description = "No such event", body = ErrorBody),
    ))]
pub(crate) async fn event(State(house): State<Shared>, Path(name): Path<String>, asked: Asked) -> Response {
    read(house, asked, Action::Read, move |read| {
        of_event(read, &name, |event| serde_json::to_value(event).map_err(|_| ReadError::Damaged("event definition")))
    })
    .await
}

/// One event's JSON Schema (2020-12).
#[utoipa::path(get, path = "/v1/catalog/events/{name}/schema", tag = "catalog",
    params(("name" = String, Path, description = "Event name")),
    responses(
        (status = 200, description = "The schema of the whole envelope", body = Object),
        (status = 404, description = "No such event", body = ErrorBody),
    ))]
pub(crate) async fn schema(State(house): State<Shared>, Path(name): Path<String>, asked: Asked) -> Response {
    read(house, asked, Action::Read, move |read| of_event(read, &name, |event| Ok(json_schema(event)))).await
}

fn of_event(
    read: &mut Read,
    name: &str,
    show: impl Fn(&EventDefinition) -> Result<Json, ReadError>,
) -> Result<Json, ReadError> {
    let company = read.company()?;
    read.parameters.finish("company_id")?;
    let catalog = company.catalog(&read.snapshot)?;
    scope::require(&read.grant, Action::Read)?;
    show(catalog.event(name).ok_or(ReadError::NotFound("event"))?)
}
