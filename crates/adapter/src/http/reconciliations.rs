//! `POST /v1/reconciliations`: what a source says it sent, compared with what arrived, kept, and compared again hourly.

use super::{
    Refusal, allow,
    backfills::new_id,
    body::{Asked, Sent},
    company_of,
    customers::Whose,
};
use crate::{
    desk::Desk,
    reconcile::{self, Claim},
    settings::SettingError,
};
use axum::{Extension, Json, extract::State, http::HeaderMap};
use cebe_catalog::{Lane, reconciliation::ReconciliationRow};
use cebe_privacy::access::{Action, Grant};
use serde_json::{Value, json};
use std::time::Duration;

/// Ids that are kept to be compared again.
const IDS_KEPT_MAX: usize = 20_000;
/// How long what was received until now may take to be applied.
const PATIENCE: Duration = Duration::from_secs(10);

/// Compare a source's own counts, ids or digests with what arrived.
#[utoipa::path(post, path = "/v1/reconciliations", tag = "reconciliations", params(Whose),
    request_body(description = "{source_module, from, to, by, counts | ids | digests}"),
    responses((status = 200, description = "missing, extra and altered, by event name"),
        (status = 400, body = super::error::ErrorBody), (status = 403, body = super::error::ErrorBody)))]
pub(super) async fn post(
    State(desk): State<Desk>,
    Extension(grant): Extension<Grant>,
    Asked(whose): Asked<Whose>,
    headers: HeaderMap,
    Sent(body): Sent,
) -> Result<Json<Value>, Refusal> {
    allow(&grant, Action::Reconcile)?;
    let view = desk.view();
    let posted = Claim::parse(&body)?;
    let company = company_of(&view, &grant, &headers, whose.query().or(posted.company.as_deref()))?;
    let named = posted.module.ok_or_else(|| SettingError::invalid("source_module", "name the module that sent"))?;
    let module = view.module(&named.to_lowercase(), Some(&company)).filter(|module| grant.allows_module(module));
    let module = module.ok_or_else(|| SettingError::invalid("source_module", "GET /v1/catalog lists the modules"))?;
    // What is on its way is not missing.
    desk.log().until_all_applied(&[Lane::Live, Lane::Backfill], PATIENCE).await;
    let (store, claim) = (desk.snapshot()?, posted.claim);
    let (whose, about) = (company.id.clone(), module.clone());
    let compared = desk.aside(move || {
        let finding = reconcile::compare(&store, &whose, &about, &claim)?;
        Ok::<_, Refusal>((finding, claim))
    });
    let (finding, claim) = compared.await.ok_or(Refusal::Failed)??;
    let (result, now) = (finding.to_json(), desk.now());
    let row = ReconciliationRow {
        id: new_id(&desk)?,
        company: company.id.clone(),
        module,
        key_id: grant.key_id.as_str().into(),
        posted_at: now,
        checked_at: now,
        matches: finding.matches(),
        claim: serde_json::to_string(&claim.kept(IDS_KEPT_MAX)).unwrap_or_default(),
        result: result.to_string(),
    };
    let mut answer = json!({"id": row.id, "company_id": row.company, "source_module": row.module,
        "from": claim.from.to_rfc3339(), "to": claim.to.to_rfc3339(), "by": claim.by});
    reconcile::record(&desk, row, &finding).await?;
    if let (Some(answer), Value::Object(result)) = (answer.as_object_mut(), result) {
        answer.extend(result);
    }
    Ok(Json(answer))
}
