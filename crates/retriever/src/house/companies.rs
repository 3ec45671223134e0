//! Companies: their settings and the PII classes of their own fields.

use crate::{
    http::{Asked, ErrorBody, Read, ReadError, read},
    reads::Shared,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use cebe_engine::change::{CompanyRow, ControlKind, ControlRow};
use cebe_privacy::access::Action;
use serde_json::{Map, Value as Json, json};
use std::ops::ControlFlow;

/// The companies that the key serves.
#[utoipa::path(get, path = "/v1/companies", tag = "settings",
    responses((status = 200, description = "Companies with their settings", body = Object)))]
pub(crate) async fn companies(State(house): State<Shared>, asked: Asked) -> Response {
    read(house, asked, Action::Read, |read| {
        read.parameters.finish("company_id")?;
        let mut companies = Vec::new();
        let grant = &read.grant;
        read.snapshot.control_all(ControlKind::Company, "", cebe_central::Order::Forward, &mut |id, row| {
            if let ControlRow::Company(row) = row
                && grant.allows_company(id)
            {
                companies.push(company_json(id, &row));
            }
            ControlFlow::Continue(())
        })?;
        Ok(json!({ "companies": companies, "freshness": read.freshness.to_json() }))
    })
    .await
}

/// One company's settings.
#[utoipa::path(get, path = "/v1/companies/{id}", tag = "settings",
    params(("id" = String, Path, description = "Company id")),
    responses(
        (status = 200, description = "Its settings", body = Object),
        (status = 403, description = "Not for this key", body = ErrorBody),
        (status = 404, description = "Never created", body = ErrorBody),
    ))]
pub(crate) async fn company(State(house): State<Shared>, Path(id): Path<String>, asked: Asked) -> Response {
    read(house, asked, Action::Read, move |read| {
        read.parameters.finish("company_id")?;
        let mut company = company_json(&id, &row(read, &id)?);
        company["freshness"] = read.freshness.to_json();
        Ok(company)
    })
    .await
}

/// The PII classes of a company's own fields.
#[utoipa::path(get, path = "/v1/companies/{id}/fields", tag = "settings",
    params(("id" = String, Path, description = "Company id")),
    responses(
        (status = 200, description = "Field name to PII class", body = Object),
        (status = 404, description = "Never created", body = ErrorBody),
    ))]
pub(crate) async fn fields(State(house): State<Shared>, Path(id): Path<String>, asked: Asked) -> Response {
    read(house, asked, Action::Read, move |read| {
        read.parameters.finish("company_id")?;
        row(read, &id)?;
        let classes = match read.snapshot.control(ControlKind::Fields, &id)? {
            Some(ControlRow::Fields(classes)) => classes,
            _ => Vec::new(),
        };
        let fields: Map<String, Json> =
            classes.into_iter().map(|(name, class)| (name.to_string(), class.as_str().into())).collect();
        Ok(json!({ "fields": fields, "freshness": read.freshness.to_json() }))
    })
    .await
}

fn row(read: &Read, id: &str) -> Result<CompanyRow, ReadError> {
    if !read.grant.allows_company(id) {
        return Err(ReadError::CompanyNotAllowed);
    }
    match read.snapshot.control(ControlKind::Company, id)? {
        Some(ControlRow::Company(row)) => Ok(row),
        _ => Err(ReadError::UnknownCompany),
    }
}

/// Settings lie flat, as they are put; secrets never leave.
fn company_json(id: &str, row: &CompanyRow) -> Json {
    let mut json = json!({ "id": id, "created_at": row.created_at.to_rfc3339(), "rebuilding": row.rebuilding });
    if let (Ok(Json::Object(settings)), Some(fields)) = (serde_json::to_value(&row.settings), json.as_object_mut()) {
        fields.extend(settings);
    }
    json
}
