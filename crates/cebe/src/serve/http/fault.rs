//! Errors that no room answers: unknown routes, wrong methods, panics. The one shape of errors.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use axum::Json;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An error in the one shape.
pub(super) fn fault(status: StatusCode, code: &str, message: &str, hint: &str) -> Response {
    let error = match hint {
        "" => json!({"code": code, "message": message}),
        hint => json!({"code": code, "message": message, "hint": hint}),
    };
    (status, Json(json!({ "error": error }))).into_response()
}

/// No such address.
pub(super) async fn no_such_route() -> Response {
    fault(StatusCode::NOT_FOUND, "not_found", "there is no such address", "see /openapi.json for what there is")
}

/// The address is there, for other methods.
pub(super) async fn no_such_method() -> Response {
    let hint = "see /openapi.json for what there is";
    fault(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this address does not take this method", hint)
}

/// A defect in one request is an answer, not the end of the process.
pub(super) async fn catch_panics(request: Request, next: Next) -> Response {
    let mut answer = pin!(next.run(request));
    let caught = poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(response)) => Poll::Ready(Some(response)),
        Err(_) => Poll::Ready(None),
    });
    caught.await.unwrap_or_else(|| {
        tracing::error!("a handler panicked");
        metrics::counter!("cebe_http_panics_total").increment(1);
        fault(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the request met a defect", "report it with x-request-id")
    })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::{Router, middleware::from_fn, routing::get};
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        async fn broken() -> &'static str {
            panic!("a defect")
        }
        let app = Router::new().route("/", get(broken)).layer(from_fn(catch_panics));
        let answer = app.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::body::to_bytes(answer.into_body(), 4_096).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["error"]["code"], "internal");
    }
}
