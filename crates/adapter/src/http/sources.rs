//! `PUT /v1/sources/{module}`: the flag `cebe_event_ingestion` of one source, and the companies it is on for.

use super::{Refusal, allow, body::Sent};
use crate::{
    desk::Desk,
    settings::{check_id, object, take},
};
use axum::{
    Extension, Json,
    extract::{Path, State},
};
use cebe_catalog::control::{Change, SourceFlag};
use cebe_privacy::access::{Action, Grant, Scope};
use serde_json::{Value, json};
use smol_str::SmolStr;

/// Switch a source on or off.
#[utoipa::path(put, path = "/v1/sources/{module}", tag = "sources",
    params(("module" = String, Path, description = "the module or one of its aliases")),
    request_body(description = "{enabled, companies}: absent companies or `*` are all"),
    responses((status = 200, description = "the flag"), (status = 400, body = super::error::ErrorBody),
        (status = 403, body = super::error::ErrorBody), (status = 404, body = super::error::ErrorBody)))]
pub(super) async fn put(
    State(desk): State<Desk>,
    Extension(grant): Extension<Grant>,
    Path(name): Path<String>,
    Sent(body): Sent,
) -> Result<Json<Value>, Refusal> {
    allow(&grant, Action::WriteSources)?;
    let view = desk.view();
    let registered = || view.companies.values().find_map(|company| view.module(&name, Some(company)));
    let module = view.module(&name, None).or_else(registered).ok_or(Refusal::NotFound("module"))?;
    if !grant.allows_module(&module) {
        return Err(Refusal::RoleNotAllowed);
    }
    let mut fields = object(&body, &["enabled", "companies"])?;
    let old = view.flags.get(&module).map(|flag| flag.row.clone()).unwrap_or_default();
    let enabled = take(&mut fields, "enabled", "true or false")?.unwrap_or(old.enabled);
    let companies: Option<Scope> = take(&mut fields, "companies", "a list of companies, or \"*\"")?;
    let companies = names(companies.unwrap_or(Scope::All));
    for company in companies.iter().filter(|name| *name != "*") {
        check_id("companies", company)?;
    }
    let flag = bounded(&grant, &old, SourceFlag { module, enabled, companies })?;
    let answer = json!({"module": flag.module, "enabled": flag.enabled, "companies": flag.companies});
    desk.change(&grant.key_id, Change::Source(flag)).await?;
    Ok(Json(answer))
}

/// The names of a scope as they are stored.
pub(super) fn names(scope: Scope) -> Vec<SmolStr> {
    match scope {
        Scope::All => vec!["*".into()],
        Scope::Only(names) => names.into_iter().map(SmolStr::from).collect(),
    }
}

/// A key that serves some companies only changes the flag for those; the others stay as they are.
fn bounded(grant: &Grant, old: &SourceFlag, new: SourceFlag) -> Result<SourceFlag, Refusal> {
    if grant.companies == Scope::All {
        return Ok(new);
    }
    let foreign = |name: &&SmolStr| !grant.allows_company(name);
    if new.companies.iter().any(|name| foreign(&name)) || old.companies.iter().any(|name| name == "*") {
        return Err(Refusal::CompanyNotAllowed);
    }
    let others: Vec<SmolStr> = old.companies.iter().filter(foreign).filter(|_| old.enabled).cloned().collect();
    let own = new.companies.into_iter().filter(|_| new.enabled);
    let companies: Vec<SmolStr> = others.into_iter().chain(own).collect();
    Ok(SourceFlag { module: new.module, enabled: !companies.is_empty(), companies })
}
