//! `POST /v1/keys`, `DELETE /v1/keys/{id}`: keys are shown once, and stored as a hash.

use super::{Refusal, allow, body::Sent, sources::names};
use crate::{
    desk::Desk,
    settings::{SettingError, object, take},
    view::{ControlView, role_named},
};
use axum::{
    Extension, Json,
    extract::{Path, State},
};
use base64::Engine as _;
use cebe_catalog::control::{Change, KeyRow};
use cebe_privacy::{
    access::{Action, Grant, Scope},
    keys::api_key_hash,
};
use serde_json::{Map, Value, json};
use smol_str::SmolStr;

const PREFIX: &str = "cebe_";
/// Random bytes of a key: 40 characters of base64.
const KEY_BYTES: usize = 30;
const FIELDS: [&str; 6] = ["name", "role", "companies", "modules", "teams", "reveal"];

/// Make a key. It is shown in this answer and never again.
#[utoipa::path(post, path = "/v1/keys", tag = "keys",
    request_body(description = "{name, role, companies, modules, teams, reveal}"),
    responses((status = 200, description = "its id and the key itself"), (status = 400, body = super::error::ErrorBody),
        (status = 403, body = super::error::ErrorBody)))]
pub(super) async fn post(
    State(desk): State<Desk>,
    Extension(grant): Extension<Grant>,
    Sent(body): Sent,
) -> Result<Json<Value>, Refusal> {
    allow(&grant, Action::WriteKeys)?;
    let random: [u8; KEY_BYTES + 8] = desk.random()?;
    let (secret, id) = random.split_at(KEY_BYTES);
    let key = format!("{PREFIX}{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(secret));
    let mut row = row(&desk.view(), object(&body, &FIELDS)?)?;
    if row.companies.iter().any(|name| !may_give(&grant, name)) {
        return Err(Refusal::CompanyNotAllowed);
    }
    row.id = hex::encode(id).into();
    row.hash = api_key_hash(&key);
    row.created_at = desk.now();
    let answer = json!({"id": row.id, "key": key, "name": row.name, "role": row.role, "companies": row.companies,
        "modules": row.modules, "teams": row.teams, "reveal": row.reveal});
    desk.change(&grant.key_id, Change::Key(row)).await?;
    Ok(Json(answer))
}

/// A key gives no more companies than it serves itself.
fn may_give(grant: &Grant, company: &str) -> bool {
    grant.companies == Scope::All || (company != "*" && grant.allows_company(company))
}

fn row(view: &ControlView, mut fields: Map<String, Value>) -> Result<KeyRow, SettingError> {
    let role: Option<SmolStr> = take(&mut fields, "role", ROLES)?;
    let role = role.filter(|role| role_named(role).is_some()).ok_or_else(|| SettingError::invalid("role", ROLES))?;
    let mut list = |name: &str| -> Result<Vec<SmolStr>, SettingError> {
        let scope: Option<Scope> = take(&mut fields, name, "a list of names, or \"*\"")?;
        Ok(names(scope.unwrap_or(Scope::All)))
    };
    let (companies, modules, teams) = (list("companies")?, list("modules")?, list("teams")?);
    let module = |name: &SmolStr| match name.as_str() {
        "*" => Some(name.clone()),
        _ => view.module(name, None).or_else(|| view.companies.values().find_map(|c| view.module(name, Some(c)))),
    };
    let modules = modules
        .iter()
        .map(|name| module(name).ok_or_else(|| SettingError::invalid("modules", "GET /v1/catalog lists the modules")));
    let modules = modules.collect::<Result<Vec<_>, _>>()?;
    if teams.iter().any(|team| team != "*" && !view.teams.contains_key(team)) {
        return Err(SettingError::invalid("teams", "create the team with PUT /v1/teams/{id} first"));
    }
    let name = take(&mut fields, "name", "a text")?.unwrap_or_default();
    let reveal = take(&mut fields, "reveal", "true or false")?.unwrap_or(false);
    Ok(KeyRow {
        name,
        role,
        companies,
        modules,
        teams,
        reveal,
        id: SmolStr::default(),
        hash: [0; 32],
        created_at: Default::default(),
    })
}

const ROLES: &str = "one of publisher, reader, analyst, operator, admin";

/// Withdraw a key.
#[utoipa::path(delete, path = "/v1/keys/{id}", tag = "keys", params(("id" = String, Path, description = "the key's id")),
    responses((status = 200, description = "withdrawn"), (status = 403, body = super::error::ErrorBody),
        (status = 404, body = super::error::ErrorBody)))]
pub(super) async fn delete(
    State(desk): State<Desk>,
    Extension(grant): Extension<Grant>,
    Path(id): Path<SmolStr>,
) -> Result<Json<Value>, Refusal> {
    allow(&grant, Action::WriteKeys)?;
    let view = desk.view();
    let key = view.keys.values().find(|key| key.row.id == id).ok_or(Refusal::NotFound("key"))?;
    if key.row.companies.iter().any(|name| !may_give(&grant, name)) {
        return Err(Refusal::CompanyNotAllowed);
    }
    desk.change(&grant.key_id, Change::KeyRemoved { id: id.clone() }).await?;
    Ok(Json(json!({"id": id, "removed": true})))
}
