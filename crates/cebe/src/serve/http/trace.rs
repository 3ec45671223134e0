//! A request id for every request: the caller's own when it is harmless, else a new one. It is in the answer and in
//! every log line; addresses are logged by route, because they may hold identifiers.

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;

const HEADER: &str = "x-request-id";
const ID_CHARS_MAX: usize = 64;

/// Names the request.
pub(super) async fn trace(request: Request, next: Next) -> Response {
    let id = given(&request).unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
    let span = tracing::info_span!("request", id = %id, method = %request.method());
    let mut response = next.run(request).instrument(span).await;
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
