//! Reads a request's body: within the limit, within the time, and within the bytes that may be worked on at once.

use super::Refusal;
use crate::{
    body::{InflateError, inflate},
    desk::Desk,
    settings::SettingError,
};
use axum::{
    body::{Body, HttpBody},
    extract::{FromRequest, FromRequestParts, Query, Request},
    http::{HeaderMap, header, request::Parts},
};
use bytes::{Bytes, BytesMut};
use cebe_catalog::limits::BODY_BYTES_MAX;
use http_body_util::BodyExt;
use serde::de::DeserializeOwned;
use std::{sync::Arc, time::Duration};
use tokio::sync::OwnedSemaphorePermit;

/// The body of a request that changes settings.
pub(super) struct Sent(pub(super) Bytes);

impl FromRequest<Desk> for Sent {
    type Rejection = Refusal;

    async fn from_request(request: Request, desk: &Desk) -> Result<Self, Refusal> {
        let (parts, body) = request.into_parts();
        read(desk, &parts.headers, body).await.map(|held| Self(held.bytes))
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
    _room: OwnedSemaphorePermit,
}

/// Reads and inflates a body.
pub(super) async fn read(desk: &Desk, headers: &HeaderMap, body: Body) -> Result<Held, Refusal> {
    let encoding = headers.get(header::CONTENT_ENCODING).map(|value| value.to_str().unwrap_or("?").to_owned());
    let announced = body.size_hint().exact().and_then(|size| usize::try_from(size).ok());
    if announced.is_some_and(|size| size > BODY_BYTES_MAX) {
        return Err(Refusal::BodyTooLarge);
    }
    // What is packed, or comes in pieces, may get as large as is allowed.
    let room = announced.filter(|_| encoding.is_none()).unwrap_or(BODY_BYTES_MAX);
    let room = u32::try_from(room / 1024 + 1).unwrap_or(u32::MAX);
    let room = Arc::clone(&desk.0.in_flight).try_acquire_many_owned(room);
    let _room = room.map_err(|_| Refusal::Busy { retry_after: Duration::from_secs(1) })?;
    let gathered = tokio::time::timeout(desk.0.door.settings.body_timeout, gather(body));
    let packed = gathered.await.map_err(|_| Refusal::Slow)??;
    let bytes = inflate(packed, encoding.as_deref()).map_err(|error| match error {
        InflateError::TooLarge => Refusal::BodyTooLarge,
        InflateError::Damaged => Refusal::Packing("it is damaged"),
        InflateError::Unknown => Refusal::Packing("its content-encoding is not known"),
    })?;
    Ok(Held { bytes, _room })
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
