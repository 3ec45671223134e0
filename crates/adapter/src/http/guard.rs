//! The middleware that turns a key into a grant, or a request away.

use super::Refusal;
use crate::desk::Desk;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};

/// Puts the grant of the request's key where the handlers find it. For `axum::middleware::from_fn_with_state`.
pub async fn guard(State(desk): State<Desk>, mut request: Request, next: Next) -> Response {
    match desk.authenticate(request.headers()) {
        Ok(grant) => match desk.admit(&grant) {
            Ok(()) => {
                request.extensions_mut().insert(grant);
                next.run(request).await
            }
            Err(retry_after) => Refusal::TooFast { retry_after }.into_response(),
        },
        Err(error) => Refusal::Auth(error).into_response(),
    }
}
