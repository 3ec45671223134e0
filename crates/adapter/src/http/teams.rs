//! `PUT /v1/teams/{id}`: what a team reads and may see revealed.

use super::{Refusal, allow, body::Sent, sources::names};
use crate::{
    desk::Desk,
    settings::{SettingError, check_id, object, take},
    view::class_named,
};
use axum::{
    Extension, Json,
    extract::{Path, State},
};
use cebe_catalog::control::{Change, TeamRow};
use cebe_privacy::access::{Action, Grant, Scope};
use serde_json::{Value, json};
use smol_str::SmolStr;

/// Set what a team may see.
#[utoipa::path(put, path = "/v1/teams/{id}", tag = "teams", params(("id" = String, Path, description = "the team")),
    request_body(description = "{modules, pii_classes}"),
    responses((status = 200, description = "the team"), (status = 400, body = super::error::ErrorBody),
        (status = 403, body = super::error::ErrorBody)))]
pub(super) async fn put(
    State(desk): State<Desk>,
    Extension(grant): Extension<Grant>,
    Path(id): Path<SmolStr>,
    Sent(body): Sent,
) -> Result<Json<Value>, Refusal> {
    allow(&grant, Action::WriteTeams)?;
    check_id("id", &id)?;
    let view = desk.view();
    let mut fields = object(&body, &["modules", "pii_classes"])?;
    let mut list = |name: &str| -> Result<Option<Vec<SmolStr>>, SettingError> {
        Ok(take::<Scope>(&mut fields, name, "a list of names, or \"*\"")?.map(names))
    };
    let (modules, classes) = (list("modules")?.unwrap_or_default(), list("pii_classes")?.unwrap_or_default());
    let module = |name: &SmolStr| match name.as_str() {
        "*" => Some(name.clone()),
        _ => view.module(name, None).or_else(|| view.companies.values().find_map(|c| view.module(name, Some(c)))),
    };
    let modules = modules
        .iter()
        .map(|name| module(name).ok_or_else(|| SettingError::invalid("modules", "GET /v1/catalog lists the modules")));
    let modules = modules.collect::<Result<Vec<_>, _>>()?;
    if classes.iter().any(|class| class != "*" && class_named(class).is_none()) {
        return Err(SettingError::invalid("pii_classes", super::fields::CLASSES).into());
    }
    let answer = json!({"id": id, "modules": modules, "pii_classes": classes});
    desk.change(&grant.key_id, Change::Team(TeamRow { id, modules, pii_classes: classes })).await?;
    Ok(Json(answer))
}
