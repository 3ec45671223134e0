//! The only place where what can go wrong in a read becomes an HTTP reply.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use cebe_central::StoreError;
use cebe_privacy::access::Action;
use serde::Serialize;

/// Why a read gives no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("this key serves several companies: name one")]
    CompanyRequired,
    #[error("this key does not serve this company")]
    CompanyNotAllowed,
    #[error("this company was never created")]
    UnknownCompany,
    #[error("this key may not do this")]
    Forbidden(Action),
    #[error("the teams of this key do not read module {0}")]
    ModuleHidden(String),
    #[error("the teams of this key do not see agents")]
    StaffHidden,
    #[error("no such {0}")]
    NotFound(&'static str),
    #[error("this customer was erased")]
    Erased { receipt: Option<serde_json::Value> },
    #[error("{message}")]
    Invalid { code: &'static str, path: String, message: String, hint: String },
    #[error("the read did not end within its deadline")]
    Timeout,
    #[error("the audit of this reveal could not be written")]
    AuditFailed,
    #[error("the store could not be read")]
    Store(#[from] StoreError),
    #[error("stored data could not be read: {0}")]
    Damaged(&'static str),
}

impl ReadError {
    /// A request that cannot be answered as it was asked.
    pub(crate) fn invalid(
        code: &'static str,
        path: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        // Names of parameters come from outside: one that is contact data is not repeated (law 6).
        let path = cebe_privacy::detect::scrub(&path.into()).text;
        Self::Invalid { code, path, message: message.into(), hint: hint.into() }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::CompanyRequired | Self::Invalid { .. } => StatusCode::BAD_REQUEST,
            Self::CompanyNotAllowed | Self::Forbidden(_) | Self::ModuleHidden(_) | Self::StaffHidden => {
                StatusCode::FORBIDDEN
            }
            Self::UnknownCompany | Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::Erased { .. } => StatusCode::GONE,
            Self::Timeout | Self::AuditFailed => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(error) if error.is_passing() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(_) | Self::Damaged(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::CompanyRequired => "company_required",
            Self::CompanyNotAllowed => "company_not_allowed",
            Self::UnknownCompany => "unknown_company",
            Self::Forbidden(_) => "forbidden",
            Self::ModuleHidden(_) => "module_not_allowed",
            Self::StaffHidden => "staff_hidden",
            Self::NotFound(_) => "not_found",
            Self::Erased { .. } => "erased",
            Self::Invalid { code, .. } => code,
            Self::Timeout => "timeout",
            Self::AuditFailed => "audit_failed",
            Self::Store(error) if error.is_passing() => "unavailable",
            Self::Store(_) | Self::Damaged(_) => "internal",
        }
    }

    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::CompanyRequired => "set the X-Company-Id header or company_id",
            Self::CompanyNotAllowed => "use a key that serves this company",
            Self::UnknownCompany => "create the company with PUT /v1/companies/{id} first",
            Self::Forbidden(Action::Reveal) => "reveal is a right of its own: use a key that was given it",
            Self::Forbidden(_) => "use a key whose role allows this call",
            Self::ModuleHidden(_) => "use a key whose teams read this module",
            Self::StaffHidden => "use a key whose teams see the class staff",
            Self::Timeout => "ask for a shorter window or fewer groups, or try again",
            Self::AuditFailed => "nothing was revealed; try again",
            Self::Store(error) if error.is_passing() => {
                "the database is away; events are taken meanwhile and will be in the answers; try again"
            }
            Self::Invalid { hint, .. } => return Some(hint.clone()).filter(|hint| !hint.is_empty()),
            Self::NotFound(_) | Self::Erased { .. } | Self::Store(_) | Self::Damaged(_) => return None,
        };
        Some(text.into())
    }
}

/// The one shape of errors.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct ErrorBody {
    /// What went wrong.
    error: ErrorDetail,
}

/// What went wrong, where, and what to do.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct ErrorDetail {
    /// Closed list, snake case.
    code: &'static str,
    /// In words.
    message: String,
    /// Where in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// Receipt of the erasure.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    receipt: Option<serde_json::Value>,
}

impl IntoResponse for ReadError {
    fn into_response(self) -> Response {
        let status = self.status();
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(error = %self, "a read failed");
        }
        let (code, hint, message) = (self.code(), self.hint(), self.to_string());
        let (path, receipt) = match self {
            Self::Invalid { path, .. } if !path.is_empty() => (Some(path), None),
            Self::Erased { receipt } => (None, receipt),
            _ => (None, None),
        };
        let body = ErrorBody { error: ErrorDetail { code, message, path, hint, receipt } };
        let mut reply = (status, Json(body)).into_response();
        if status == StatusCode::SERVICE_UNAVAILABLE {
            reply.headers_mut().insert("retry-after", axum::http::HeaderValue::from_static("1"));
        }
        reply
    }
}
