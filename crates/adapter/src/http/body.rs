//! Reads a request's body: within the limit, within the time, and within the bytes that may be worked on at once.

use super::{Refusal, named_company};
use crate::{
    body::{InflateError, inflate},
    desk::Desk,
    room::Taken,
    settings::SettingError,
};
use axum::{
    body::{Body, HttpBody},
    extract::{FromRequest, FromRequestParts, Query, Request},
    http::{HeaderMap, header, request::Parts},
};
use bytes::{Bytes, BytesMut};
use cebe_catalog::limits::BODY_BYTES_MAX;
use cebe_privacy::access::{Grant, Scope};
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// How much larger than it arrives a packed body is taken to be.
const PACKED_GROWTH: usize = 20;

/// The body of a request that changes settings.
pub(super) struct Sent(pub(super) Bytes);

impl FromRequest<Desk> for Sent {
    type Rejection = Refusal;

    async fn from_request(request: Request, desk: &Desk) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        let by = parts.extensions.get::<Grant>().map(|grant| holder(grant, &parts.headers)).unwrap_or_default();
        read(desk, &by, &parts.headers, body).await.map(|held| Self(held.bytes))
    }
}

/// The parameters behind the `?`.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<Desk> for Asked<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _desk: &Desk) -> Result<Self, Refusal> {
        let hint = "see /openapi.json for what may stand behind the ?";
        let query = Query::try_from_uri(&parts.uri).map_err(|_| SettingError::invalid("query", hint))?;
        Ok(Self(query.0))
    }
}

/// A whole body, inflated, and the room it takes until it is dropped.
pub(super) struct Held {
    pub(super) bytes: Bytes,
    _room: Taken,
}

/// Whose share of the room a request takes: its company's, where one can be told before the body is read.
pub(super) fn holder(grant: &Grant, headers: &HeaderMap) -> String {
    let only = match &grant.companies {
        Scope::Only(names) if names.len() == 1 => names.first().cloned(),
        _ => None,
    };
    let named = || named_company(headers, None).filter(|name| grant.allows_company(name));
    only.or_else(named).unwrap_or_else(|| format!("key {}", grant.key_id))
}

/// Reads and inflates a body in the room of `by`.
pub(super) async fn read(desk: &Desk, by: &str, headers: &HeaderMap, body: Body) -> Result<Held, Refusal> {
    let encoding = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?").to_owned());
    let announced = body.size_hint().exact().and_then(|size| usize::try_from(size).ok());
    if announced.is_some_and(|size| size > BODY_BYTES_MAX) {
        return Err(Refusal::BodyTooLarge);
    }
    // What comes in pieces may get as large as is allowed; what is packed is expected to grow, and asks again if it does.
    let growth = if encoding.is_some() { PACKED_GROWTH } else { 1 };
    let expected = announced.map_or(BODY_BYTES_MAX, |size| (size * growth).min(BODY_BYTES_MAX));
    let busy = || Refusal::Busy { retry_after: Duration::from_secs(1) };
    let mut room = desk.0.room.take(by, expected).ok_or_else(busy)?;
    let gathered = tokio::time::timeout(desk.0.door.settings.body_timeout, gather(body));
    let packed = gathered.await.map_err(|_| Refusal::Slow)??;
    let mut inflated = inflate(packed.clone(), encoding.as_deref(), expected);
    if expected < BODY_BYTES_MAX && matches!(inflated, Err(InflateError::TooLarge)) {
        room.grow(BODY_BYTES_MAX).then_some(()).ok_or_else(busy)?;
        inflated = inflate(packed, encoding.as_deref(), BODY_BYTES_MAX);
    }
    let bytes = inflated.map_err(|error| match error {
        InflateError::TooLarge => Refusal::BodyTooLarge,
        InflateError::Damaged => Refusal::Packing("it is damaged"),
        InflateError::Unknown => Refusal::Packing("its content-encoding is not known"),
    })?;
    Ok(Held { bytes, _room: room })
}

async fn gather(mut body: Body) -> Result<Bytes, Refusal> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::Packing("it ended early"))?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > BODY_BYTES_MAX {
            return Err(Refusal::BodyTooLarge);
        }
        if whole.is_empty() && body.is_end_stream() {
            return Ok(data);
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}
