//! What every read takes from its request: the grant, the named company, the parameters.

use super::{Parameters, ReadError};
use axum::{
    extract::{FromRequestParts, Query},
    http::request::Parts,
};
use cebe_privacy::access::Grant;

/// The header that names a company.
const COMPANY_HEADER: &str = "x-company-id";

/// A request, taken apart.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// What the key may do; put there by the middleware.
    pub(crate) grant: Grant,
    /// The company that the header or `company_id` names.
    pub(crate) company: Option<String>,
    /// Path and query, as the name of a remembered answer.
    pub(crate) address: String,
    /// The query without `company_id`.
    pub(crate) parameters: Parameters,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = ReadError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ReadError> {
        let grant = parts.extensions.get::<Grant>().cloned().ok_or(ReadError::Damaged("no grant"))?;
        let pairs = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri).map_err(|_| {
            ReadError::invalid("invalid_parameter", "", "the query cannot be read", "percent-encode it as UTF-8")
        })?;
        let mut parameters = Parameters::new(pairs.0);
        let header = parts.headers.get(COMPANY_HEADER).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let company = parameters.take("company_id")?.or(header);
        Ok(Self { grant, company, address: parts.uri.to_string(), parameters })
    }
}
