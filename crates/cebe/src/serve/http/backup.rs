//! `/v1/backup`: a backup of the whole store as a stream, taken while it works. Who took one is written down first.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use cebe_adapter::Desk;
use cebe_catalog::control::Operation;
use cebe_privacy::access::{Action, Grant, Scope};
use hyper::body::Frame;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::fault::fault;
use crate::backup::{Source, take as write};

/// The kind of the audit.
pub(crate) const TAKEN: &str = "backup_taken";
/// Pieces on their way to the client.
const PIECES: usize = 8;

#[derive(Clone)]
pub(super) struct Backups {
    source: Source,
    desk: Desk,
}

/// The route.
pub(super) fn router(source: Source, desk: Desk) -> Router {
    Router::new().route("/v1/backup", get(take)).with_state(Backups { source, desk })
}

/// The whole store as it is now, for `cebe restore`. It is whole only with its last chunk: `cebe backup` checks that.
#[utoipa::path(get, path = "/v1/backup", tag = "operate", responses(
    (status = 200, description = "the backup", body = Vec<u8>, content_type = "application/octet-stream"),
    (status = 403, description = "the key is not an admin's for every company"),
    (status = 503, description = "it could not be written down who takes it")))]
pub(super) async fn take(State(backups): State<Backups>, Extension(grant): Extension<Grant>) -> Response {
    if !grant.may(Action::Backup) || grant.companies != Scope::All {
        let hint = "use an admin key that serves every company";
        return fault(StatusCode::FORBIDDEN, "role_not_allowed", "this key may not take backups", hint);
    }
    let audit = Operation { kind: TAKEN.into(), company: None, json: "{}".into() };
    if let Err(error) = backups.desk.append_operation(&grant.key_id, audit).await {
        tracing::error!(%error, "a backup was not begun, for it could not be written down");
        let mut refused =
            fault(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "no backup can be taken now", "try again");
        refused.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from(1));
        return refused;
    }
    let (sender, receiver) = channel(PIECES);
    tokio::task::spawn_blocking(move || stream(&backups.source, sender));
    ([(header::CONTENT_TYPE, "application/octet-stream")], Body::new(Pieces(receiver))).into_response()
}

fn stream(source: &Source, sender: Sender<io::Result<Bytes>>) {
    match write(source, Sending(&sender)) {
        Ok((_, end)) => tracing::info!(rows = end.rows, bytes = end.file_bytes, "a backup was taken"),
        Err(error) => {
            tracing::warn!(%error, "a backup was not taken to its end");
            // Cuts the answer, so that nobody takes it for whole; who went away needs no telling.
            let _ = sender.blocking_send(Err(io::Error::other("the backup ended early")));
        }
    }
}

/// Writes what a client reads.
struct Sending<'a>(&'a Sender<io::Result<Bytes>>);

impl io::Write for Sending<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "the client went away");
        self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes))).map_err(gone)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The body of the answer.
struct Pieces(Receiver<io::Result<Bytes>>);

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
