//! `PUT /v1/companies/{id}`: creates a company or changes its settings.

use super::{Refusal, allow, body::Sent};
use crate::{
    desk::Desk,
    settings::{check_id, merge, object},
};
use axum::{
    Extension, Json,
    extract::{Path, State},
};
use cebe_catalog::{CompanyId, CompanySettings, control::Change};
use cebe_central::change::{CompanyRow, ControlKind, ControlRow};
use cebe_privacy::{
    access::{Action, Grant},
    keys::CompanyKeys,
};
use serde_json::{Value, json};

/// Create a company, or change its settings; absent fields keep their value.
#[utoipa::path(put, path = "/v1/companies/{id}", tag = "companies",
    params(("id" = String, Path, description = "the company")),
    request_body(description = "settings: name, sso_id, time_zone, phone_region, currency, retention_months, …"),
    responses((status = 200, description = "all its settings"), (status = 400, body = super::error::ErrorBody),
        (status = 403, body = super::error::ErrorBody), (status = 409, body = super::error::ErrorBody)))]
pub(super) async fn put(
    State(desk): State<Desk>,
    Extension(grant): Extension<Grant>,
    Path(id): Path<String>,
    Sent(body): Sent,
) -> Result<Json<Value>, Refusal> {
    allow(&grant, Action::WriteCompanies)?;
    if !grant.allows_company(&id) {
        return Err(Refusal::CompanyNotAllowed);
    }
    check_id("id", &id)?;
    let old = stored(&desk, &id)?;
    let before = old.as_ref().map_or_else(
        || CompanySettings { name: id.as_str().into(), ..CompanySettings::default() },
        |row| row.settings.clone(),
    );
    let settings = merge(&before, object(&body, &[])?)?;
    refuse_taken_sso(&desk, &id, &settings)?;
    let secrets = if old.is_none() { Some(fresh_secrets(&desk)?) } else { None };
    let created = old.is_none();
    let rebuilding = !created && before.needs_rebuild(&settings);
    let answer = answer(&id, &settings, created, rebuilding);
    desk.change(&grant.key_id, Change::Company { id: CompanyId::new(&id), settings, secrets }).await?;
    Ok(Json(answer))
}

/// The row as it is, even when its secrets do not open: they must never be made a second time.
fn stored(desk: &Desk, id: &str) -> Result<Option<CompanyRow>, Refusal> {
    match desk.snapshot()?.control(ControlKind::Company, id)? {
        Some(ControlRow::Company(row)) => Ok(Some(row)),
        _ => Ok(None),
    }
}

fn refuse_taken_sso(desk: &Desk, id: &str, settings: &CompanySettings) -> Result<(), Refusal> {
    let view = desk.view();
    let taken =
        |company: &crate::view::CompanyView| company.id.as_str() != id && company.settings.sso_id == settings.sso_id;
    if settings.sso_id.is_empty() || !view.companies.values().any(|company| taken(company)) {
        return Ok(());
    }
    Err(Refusal::Conflict {
        code: "sso_id_taken",
        message: "another company has this sso_id".into(),
        hint: "each company has a company_sso_id of its own",
    })
}

fn fresh_secrets(desk: &Desk) -> Result<Vec<u8>, Refusal> {
    Ok(CompanyKeys::from_random(desk.random()?).wrap(&desk.0.door.master))
}

fn answer(id: &str, settings: &CompanySettings, created: bool, rebuilding: bool) -> Value {
    let mut answer = serde_json::to_value(settings).unwrap_or_default();
    if let Value::Object(fields) = &mut answer {
        fields.insert("id".into(), json!(id));
        fields.insert("created".into(), json!(created));
        fields.insert("rebuilding".into(), json!(rebuilding));
    }
    answer
}
