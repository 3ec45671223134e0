//! Connections: accepted up to a bound, with TLS when there is a certificate, and let go when they only idle. Stopping
//! answers every request that was begun.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;

/// How long a client may take to agree on keys, at most.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
/// How long a client that is one too many may take to hear it, and how many may hear it at one time.
const REFUSAL_MAX: Duration = Duration::from_secs(1);
const REFUSALS_MAX: usize = 256;
/// How long to wait when the system gives no more connections.
const PAUSE: Duration = Duration::from_millis(100);

/// What a client that is one too many reads.
const FULL: &str =
    r#"{"error":{"code":"busy","message":"too many connections","hint":"reuse connections; try again"}}"#;

/// Bounds of what connections may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Most open connections.
    pub(crate) connections_max: usize,
    /// How long a client may take for the head of a request, leave its connection idle, or read nothing of its answer.
    pub(crate) idle: Duration,
}

/// A listener and what it serves.
pub(crate) struct Connections {
    /// Where clients come in.
    pub(crate) listener: TcpListener,
    /// What answers them.
    pub(crate) app: Router,
    /// Encrypts, when there is a certificate.
    pub(crate) tls: Option<TlsAcceptor>,
    /// What they may take.
    pub(crate) bounds: Bounds,
}

impl Connections {
    /// Serves until `stop` resolves, then until every request that was begun is answered.
    pub(crate) async fn serve(self, stop: impl Future<Output = ()>) {
        for reason in ["full", "handshake"] {
            refused(reason, 0);
        }
        let (places, refusals) = (semaphore(self.bounds.connections_max), semaphore(REFUSALS_MAX));
        // Each connection holds a receiver, so that the sender knows when the last one is gone.
        let (tell, told) = watch::channel(false);
        let mut stop = std::pin::pin!(stop);
        loop {
            let stream = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = &mut stop => break,
            };
            match stream {
                Ok((stream, _)) => match Arc::clone(&places).try_acquire_owned() {
                    Ok(place) => self.take(stream, place, told.clone()),
                    Err(_) => refuse(stream, self.tls.is_some(), &refusals),
                },
                Err(error) => pause(&error).await,
            }
        }
        drop((self.listener, told));
        tell.send_replace(true);
        tell.closed().await;
    }

    fn take(&self, stream: TcpStream, place: OwnedSemaphorePermit, told: watch::Receiver<bool>) {
        let (app, tls, idle) = (self.app.clone(), self.tls.clone(), self.bounds.idle);
        tokio::spawn(async move {
            let open = metrics::gauge!("cebe_http_connections");
            open.increment(1.0);
            // Small answers go out at once; where that cannot be set, they go out later.
            let _ = stream.set_nodelay(true);
            match tls {
                None => answer(stream, app, idle, told).await,
                Some(tls) => match timeout(idle.min(HANDSHAKE_MAX), tls.accept(stream)).await {
                    Ok(Ok(stream)) => Box::pin(answer(stream, app, idle, told)).await,
                    Ok(Err(_)) | Err(_) => refused("handshake", 1),
                },
            }
            open.decrement(1.0);
            drop(place);
        });
    }
}

/// Answers the requests of one connection.
async fn answer<S>(stream: S, app: Router, idle: Duration, mut told: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(idle);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(idle));
    let stream = TokioIo::new(Box::pin(stream));
    let mut connection = Box::pin(builder.serve_connection(stream, TowerToHyperService::new(app)));
    let stopping = tokio::select! {
        // How a client ends its connection is its own affair.
        _ = connection.as_mut() => false,
        _ = told.wait_for(|stopping| *stopping) => true,
    };
    if stopping {
        connection.as_mut().graceful_shutdown();
        let _ = connection.await;
    }
}

fn full() -> String {
    let length = FULL.len();
    format!(
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n{FULL}"
    )
}

/// Tells a client that there is no place for it, and waits a moment for it to read that.
fn refuse(mut stream: TcpStream, encrypted: bool, refusals: &Arc<Semaphore>) {
    refused("full", 1);
    let Ok(place) = Arc::clone(refusals).try_acquire_owned() else { return };
    if encrypted {
        return;
    }
    tokio::spawn(async move {
        let told = async {
            stream.write_all(full().as_bytes()).await?;
            stream.shutdown().await?;
            let mut rest = [0; 1_024];
            while stream.read(&mut rest).await? > 0 {}
            io::Result::Ok(())
        };
        // It was told as well as could be.
        let _ = timeout(REFUSAL_MAX, told).await;
        drop(place);
    });
}

async fn pause(error: &io::Error) {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    if !matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) {
        tracing::error!(%error, "no connection can be accepted for now; are there enough open files (ulimit -n)?");
        tokio::time::sleep(PAUSE).await;
    }
}

fn refused(reason: &'static str, count: u64) {
    metrics::counter!("cebe_http_connections_refused_total", "reason" => reason).increment(count);
}

fn semaphore(places: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(places.clamp(1, Semaphore::MAX_PERMITS)))
}
