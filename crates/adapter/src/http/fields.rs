//! `PUT /v1/companies/{id}/fields`: PII classes of a company's own fields.

use super::{Refusal, allow, body::Sent, serve};
use crate::{
    desk::Desk,
    settings::{SettingError, object},
    view::class_named,
};
use axum::{
    Extension, Json,
    extract::{Path, State},
};
use cebe_catalog::{CompanyId, control::Change};
use cebe_privacy::access::{Action, Grant};
use serde_json::{Value, json};
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// The classes a field may have.
pub(super) const CLASSES: &str =
    "classes are none, pseudonym, contact, name, profile, free_text, secret_link, url_params, staff, unclassified";
/// Most fields one company may name.
const FIELDS_MAX: usize = 2_000;

/// Say what a company's own fields are; null takes an entry away, fields that are not named stay.
#[utoipa::path(put, path = "/v1/companies/{id}/fields", tag = "companies",
    params(("id" = String, Path, description = "the company")), request_body(description = "{name: pii_class}"),
    responses((status = 200, description = "all its fields"), (status = 400, body = super::error::ErrorBody),
        (status = 403, body = super::error::ErrorBody), (status = 404, body = super::error::ErrorBody)))]
pub(super) async fn put(
    State(desk): State<Desk>,
    Extension(grant): Extension<Grant>,
    Path(id): Path<String>,
    Sent(body): Sent,
) -> Result<Json<Value>, Refusal> {
    allow(&grant, Action::WriteFields)?;
    let company = serve(&desk.view(), &grant, &id)?;
    let as_text = |class: &cebe_catalog::PiiClass| SmolStr::new_static(class.as_str());
    let mut classes: BTreeMap<SmolStr, SmolStr> =
        company.fields.iter().map(|(name, class)| (name.clone(), as_text(class))).collect();
    for (name, class) in object(&body, &[])? {
        match class {
            Value::Null => drop(classes.remove(name.as_str())),
            Value::String(class) if class_named(&class).is_some() => drop(classes.insert(name.into(), class.into())),
            _ => return Err(SettingError::invalid(&crate::fault::shown_key(&name), CLASSES).into()),
        }
    }
    if classes.len() > FIELDS_MAX {
        return Err(SettingError::invalid("fields", format!("at most {FIELDS_MAX} fields")).into());
    }
    let answer = json!(classes);
    desk.change(&grant.key_id, Change::Fields { company: CompanyId::new(&id), classes }).await?;
    Ok(Json(answer))
}
