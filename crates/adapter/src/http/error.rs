//! What can be wrong with a request, and the HTTP code and words it is answered with. The only place of its kind here.

use crate::{auth::AuthError, desk::DoorError, settings::SettingError};
use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use cebe_catalog::limits::{BATCH_EVENTS_MAX, BODY_BYTES_MAX};
use cebe_central::StoreError;
use cebe_queue::AppendError;
use serde::Serialize;
use std::time::Duration;
use tracing::Level;

/// Why a request is not served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("{0}")]
    Auth(#[from] AuthError),
    #[error("the key's role does not allow this")]
    RoleNotAllowed,
    #[error("no company was named")]
    CompanyRequired,
    /// Events of several companies lie in several queues of a cluster, and a chunk of a backfill in one.
    #[error("in a cluster a backfill is of one company, and none was named")]
    CompanyOfBackfill,
    #[error("the key does not serve this company")]
    CompanyNotAllowed,
    #[error("the company was never created")]
    UnknownCompany,
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error("the body holds no JSON value that can be read")]
    Unreadable,
    #[error("the body cannot be unpacked: {0}")]
    Packing(&'static str),
    #[error("the body is too large")]
    BodyTooLarge,
    #[error("the body holds too many events")]
    TooManyEvents,
    #[error("the body took too long to arrive")]
    Slow,
    #[error("the key makes more requests than it may")]
    TooFast { retry_after: Duration },
    #[error("too much is being worked on")]
    Busy { retry_after: Duration },
    #[error("{0}")]
    Setting(#[from] SettingError),
    #[error("{message}")]
    Conflict { code: &'static str, message: String, hint: &'static str },
    #[error("{0}")]
    Door(DoorError),
    #[error("the store cannot be read: {0}")]
    Store(#[from] StoreError),
    #[error("the work on the request failed")]
    Failed,
}

impl From<DoorError> for Refusal {
    fn from(error: DoorError) -> Self {
        match error {
            DoorError::Append(error) => error.into(),
            other => Self::Door(other),
        }
    }
}

impl From<AppendError> for Refusal {
    fn from(error: AppendError) -> Self {
        match error.retry_after() {
            Some(retry_after) => Self::Busy { retry_after },
            None => Self::Door(DoorError::Append(error)),
        }
    }
}

/// The one shape of errors.
#[derive(Serialize, utoipa::ToSchema)]
pub(crate) struct ErrorBody {
    error: ErrorText,
}

#[derive(Serialize, utoipa::ToSchema)]
struct ErrorText {
    /// Stable name.
    code: String,
    /// What happened.
    message: String,
    /// Where in the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Auth(_) => StatusCode::UNAUTHORIZED,
            Self::RoleNotAllowed | Self::CompanyNotAllowed => StatusCode::FORBIDDEN,
            Self::CompanyRequired
            | Self::CompanyOfBackfill
            | Self::Unreadable
            | Self::Packing(_)
            | Self::Setting(_) => StatusCode::BAD_REQUEST,
            Self::UnknownCompany | Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::BodyTooLarge | Self::TooManyEvents => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::TooFast { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::Door(DoorError::NotYetApplied(_)) => StatusCode::ACCEPTED,
            Self::Busy { .. } | Self::Store(_) | Self::Door(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Auth(AuthError::Missing) => "key_required",
            Self::Auth(AuthError::Unknown) => "unknown_key",
            Self::RoleNotAllowed => "role_not_allowed",
            Self::CompanyRequired | Self::CompanyOfBackfill => "company_required",
            Self::CompanyNotAllowed => "company_not_allowed",
            Self::UnknownCompany => "unknown_company",
            Self::NotFound(_) => "not_found",
            Self::Unreadable => "malformed_json",
            Self::Packing(_) => "malformed_body",
            Self::BodyTooLarge => "too_large",
            Self::TooManyEvents => "too_many",
            Self::Slow => "body_timeout",
            Self::TooFast { .. } => "too_fast",
            Self::Busy { .. } => "busy",
            Self::Setting(error) => error.code,
            Self::Conflict { code, .. } => code,
            Self::Door(DoorError::NotYetApplied(_)) => "not_yet_applied",
            Self::Door(_) | Self::Store(_) => "unavailable",
            Self::Failed => "internal",
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Auth(AuthError::Missing) => "send the header Authorization: Bearer <key>".into(),
            Self::Auth(AuthError::Unknown) => "check the key; it may have been withdrawn".into(),
            Self::RoleNotAllowed => {
                "publishers send events, operators change sources and companies, admins do all".into()
            }
            Self::CompanyRequired => "name one with the header X-Company-Id".into(),
            Self::CompanyOfBackfill => {
                "name it with the header X-Company-Id, and send a file of its own for each company".into()
            }
            Self::CompanyNotAllowed => "use a key that serves this company".into(),
            Self::UnknownCompany => "create it with PUT /v1/companies/{id}".into(),
            Self::Unreadable => "send one JSON object, an array of them, or one a line".into(),
            Self::Packing(_) => "send gzip, zstd or no content-encoding, and whole bodies".into(),
            Self::BodyTooLarge => format!(
                "split it: at most {BODY_BYTES_MAX} bytes a request, after inflation; nothing of this one was stored"
            ),
            Self::TooManyEvents => {
                format!("split it: at most {BATCH_EVENTS_MAX} events a request; nothing of this one was stored")
            }
            Self::Slow | Self::Busy { .. } => "nothing was stored; send it again".into(),
            Self::TooFast { .. } => {
                "nothing was stored; send it again later, and put more events into one request".into()
            }
            Self::Setting(error) => return error.hint.clone(),
            Self::Conflict { hint, .. } => (*hint).into(),
            Self::Door(DoorError::NotYetApplied(_)) => {
                "it is durable; ask again in a while instead of sending it again".into()
            }
            Self::Door(_) | Self::Store(_) => "try again; if it lasts, see the server's log".into(),
            Self::NotFound(_) | Self::Failed => return None,
        })
    }
}

impl Refusal {
    /// Whether the log tells of it, and how loudly: what waits its turn behind much else is no fault.
    fn told(&self) -> Option<Level> {
        match self {
            Self::Door(DoorError::NotYetApplied(_)) => Some(Level::WARN),
            Self::Failed | Self::Store(_) | Self::Door(_) => Some(Level::ERROR),
            _ => None,
        }
    }

    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Busy { retry_after } | Self::TooFast { retry_after } => Some(retry_after.as_secs().max(1)),
            _ => (self.status() == StatusCode::SERVICE_UNAVAILABLE).then_some(1),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self.told() {
            Some(Level::ERROR) => tracing::error!(error = %self, "a request could not be served"),
            Some(_) => tracing::warn!("{self}"),
            None => {}
        }
        let path = match &self {
            Self::Setting(error) => error.path.clone(),
            _ => None,
        };
        let text = ErrorText { code: self.code().into(), message: self.to_string(), path, hint: self.hint() };
        metrics::counter!("cebe_door_refused_total", "code" => self.code()).increment(1);
        let mut response = (self.status(), Json(ErrorBody { error: text })).into_response();
        if let Some(seconds) = self.retry_after_s() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_waits_its_turn_is_no_error() {
        let waits = Refusal::from(DoorError::NotYetApplied(Duration::from_secs(30)));
        assert_eq!((waits.told(), waits.status()), (Some(Level::WARN), StatusCode::ACCEPTED));
        assert_eq!(waits.to_string(), "a change is stored and waits its turn: more than 30 s of work lay before it");
        let stopped = Refusal::from(AppendError::Stopped { reason: "disk".into() });
        assert_eq!(stopped.told(), Some(Level::ERROR));
        assert_eq!(Refusal::Busy { retry_after: Duration::ZERO }.told(), None);
    }
}
