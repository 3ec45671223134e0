//! The one place where a request gets its rights: the key is looked up, and what it was given travels with the request.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use cebe_adapter::Desk;

use super::count::Route;

/// Puts the key's grant on the request, or answers 401 or 403.
pub(super) async fn identify(State(desk): State<Desk>, mut request: Request, next: Next) -> Response {
    let route = Route::of(&request);
    let mut response = match desk.authenticate(request.headers()) {
        Ok(grant) => {
            request.extensions_mut().insert(grant);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    };
    if let Some(route) = route {
        response.extensions_mut().insert(route);
    }
    response
}
