//! `POST /v1/backfills`: a file of history, however large, is written down as it arrives; its events are loaded behind
//! the caller's back. Nothing is kept of an upload that breaks off.

use super::{Refusal, allow, body::Asked, company_of};
use crate::{
    backfill::{self, Upload},
    desk::Desk,
    settings::SettingError,
};
use axum::{
    Extension, Json,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use bytes::BytesMut;
use cebe_catalog::{
    CompanyId,
    backfill::{BackfillRow, BackfillState},
};
use cebe_privacy::access::{Action, Grant, Scope};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::{Value, json};
use smol_str::SmolStr;
use std::{io, time::Duration};

/// Bytes written at a time.
const WRITE_BYTES: usize = 1024 * 1024;
/// Bytes after which the disk is looked at again.
const LOOK_BYTES: u64 = 64 * 1024 * 1024;
/// Fullness of the disk at which no more is taken.
const USED_SHARE_MAX: f64 = 0.85;
/// Longest name.
const NAME_CHARS_MAX: usize = 128;

/// What the file is.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Naming {
    /// What people call it.
    name: Option<String>,
    /// Company of events that name none.
    company_id: Option<String>,
    /// Module of events that name none.
    module: Option<String>,
}

/// Load history from a file.
#[utoipa::path(post, path = "/v1/backfills", tag = "backfills", params(Naming),
    request_body(description = "one event a line, plain, gzip or zstd; of any size"),
    responses((status = 202, description = "stored; ask for it by its id"),
        (status = 400, body = super::error::ErrorBody), (status = 403, body = super::error::ErrorBody),
        (status = 503, body = super::error::ErrorBody)))]
pub(super) async fn post(
    State(desk): State<Desk>,
    Extension(grant): Extension<Grant>,
    Asked(naming): Asked<Naming>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    allow(&grant, Action::Backfill)?;
    let row = row(&desk, &grant, naming, &headers)?;
    let artifacts = backfill::artifacts(&desk).ok_or_else(no_folder)?;
    let upload = artifacts.receive(&row.id).map_err(|error| unwritten(&error))?;
    let bytes = receive(&desk, upload, body).await?;
    let row = BackfillRow { bytes, created_at: desk.now(), ..row };
    let answer = json!({"id": row.id, "name": row.name, "state": row.state.as_str(), "percent_complete": 0.0,
        "bytes": row.bytes, "company_id": row.company, "module": row.module});
    backfill::create(&desk, row).await?;
    Ok((StatusCode::ACCEPTED, Json(answer)))
}

fn no_folder() -> Refusal {
    Refusal::Conflict {
        code: "backfill_unavailable",
        message: "this server keeps no files of history".into(),
        hint: "start it with a data folder",
    }
}

/// The row of a new backfill.
fn row(desk: &Desk, grant: &Grant, naming: Naming, headers: &HeaderMap) -> Result<BackfillRow, Refusal> {
    let view = desk.view();
    let company = match company_of(&view, grant, headers, naming.company_id.as_deref()) {
        Ok(company) => Some(company),
        // Every event of the file names its own; in a cluster they would lie in several queues, and a chunk in none.
        Err(Refusal::CompanyRequired) if desk.log().is_sharded() => return Err(Refusal::CompanyOfBackfill),
        Err(Refusal::CompanyRequired) if grant.companies == Scope::All => None,
        Err(refusal) => return Err(refusal),
    };
    let module = naming.module.map(|name| {
        let known = view.module(&name.trim().to_lowercase(), company.as_deref());
        known.ok_or_else(|| SettingError::invalid("module", "GET /v1/catalog lists the modules"))
    });
    let name = naming.name.unwrap_or_default();
    if name.chars().count() > NAME_CHARS_MAX || cebe_privacy::normalise::looks_like_contact(&name) {
        return Err(SettingError::invalid("name", "at most 128 characters, no contact data").into());
    }
    Ok(BackfillRow {
        id: new_id(desk)?,
        name: name.into(),
        company: company.map(|company| CompanyId(SmolStr::new(company.id.as_str()))),
        module: module.transpose()?,
        key_id: grant.key_id.as_str().into(),
        state: BackfillState::Running,
        ..BackfillRow::default()
    })
}

/// Time-ordered, and nobody else's even when the clock was set back.
pub(super) fn new_id(desk: &Desk) -> Result<SmolStr, Refusal> {
    let random: [u8; 4] = desk.random()?;
    Ok(format!("{:015x}-{}", desk.receipts(1).0, hex::encode(random)).into())
}

/// Writes a body down as it arrives.
async fn receive(desk: &Desk, mut upload: Upload, mut body: Body) -> Result<u64, Refusal> {
    let (mut gathered, mut looked) = (BytesMut::new(), 0);
    loop {
        let next = tokio::time::timeout(desk.0.door.settings.body_timeout, body.frame()).await;
        let Some(frame) = next.map_err(|_| Refusal::Slow)? else { break };
        let frame = frame.map_err(|_| Refusal::Packing("it ended early; nothing of it was kept"))?;
        let Ok(data) = frame.into_data() else { continue };
        gathered.extend_from_slice(&data);
        if gathered.len() >= WRITE_BYTES {
            upload = written(desk, upload, gathered.split()).await?;
        }
        if upload.bytes() >= looked + LOOK_BYTES {
            looked = upload.bytes();
            has_room(desk)?;
        }
    }
    let upload = written(desk, upload, gathered).await?;
    if upload.bytes() == 0 {
        return Err(Refusal::Unreadable);
    }
    let kept = desk.aside(move || upload.keep()).await.ok_or(Refusal::Failed)?;
    kept.map_err(|error| unwritten(&error))
}

async fn written(desk: &Desk, mut upload: Upload, bytes: BytesMut) -> Result<Upload, Refusal> {
    let work = move || upload.write(&bytes).map(|()| upload);
    let written = desk.aside(work).await.ok_or(Refusal::Failed)?;
    written.map_err(|error| unwritten(&error))
}

fn has_room(desk: &Desk) -> Result<(), Refusal> {
    let fullest = desk.log().branches().map(|(_, branch)| branch.queue.facts().used_share).fold(0.0, f64::max);
    if fullest < USED_SHARE_MAX {
        return Ok(());
    }
    Err(Refusal::Busy { retry_after: Duration::from_secs(60) })
}

fn unwritten(error: &io::Error) -> Refusal {
    tracing::error!(%error, "a file of history cannot be written down");
    Refusal::Busy { retry_after: Duration::from_secs(60) }
}
