//! A request id for every request: the caller's own when it is harmless, else a new one. It is in the answer and in
//! every log line; addresses are logged by route, because they may hold identifiers. Whoever collects traces gets the
//! request as a span, under the trace that its sender names (`traceparent`).

use axum::extract::{MatchedPath, Request};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Instrument;
use tracing::field::Empty;
use tracing_opentelemetry::OpenTelemetrySpanExt;

const HEADER: &str = "x-request-id";
const PARENT: &str = "traceparent";
const ID_CHARS_MAX: usize = 64;

/// Names the request.
pub(super) async fn trace(request: Request, next: Next) -> Response {
    let id = given(&request).unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str);
    let span = tracing::info_span!("request", id = %id, method = %request.method(), http.route = Empty, status = Empty, otel.kind = "server");
    if request.headers().contains_key(PARENT) {
        // Nobody collects: then there is no span to put under another.
        let _ = span.set_parent(TraceContextPropagator::new().extract(&HeaderExtractor(request.headers())));
    }
    span.record("http.route", route);
    let mut response = next.run(request).instrument(span.clone()).await;
    span.record("status", response.status().as_u16());
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

fn given(request: &Request) -> Option<String> {
    let text = request.headers().get(HEADER)?.to_str().ok()?;
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let fits = !text.is_empty() && text.len() <= ID_CHARS_MAX && text.bytes().all(harmless);
    // A phone number is no id: it would stand in every log line of the request.
    (fits && cebe_privacy::detect::classify(text).is_none()).then(|| text.to_owned())
}
