//! Requests counted and timed by route, never by address.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::Response;

/// Counts a request and how long it took.
pub(super) async fn count(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().as_str().to_owned();
    let response = next.run(request).await;
    // The matched route is known to the inner router only; it leaves it in the answer.
    let route = response.extensions().get::<Route>().map_or("other".to_owned(), |route| route.0.clone());
    let status = response.status().as_u16().to_string();
    let seconds = started.elapsed().as_secs_f64();
    metrics::histogram!("cebe_http_seconds", "method" => method, "route" => route, "status" => status).record(seconds);
    response
}

/// The route a request matched.
#[derive(Clone)]
pub(super) struct Route(String);

impl Route {
    /// The route of a request that was matched.
    pub(super) fn of(request: &Request) -> Option<Self> {
        request.extensions().get::<MatchedPath>().map(|path| Self(path.as_str().to_owned()))
    }
}
