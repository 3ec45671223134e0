//! `serve`: the rooms put together in one process. Settings come in, a listening server goes out; stopping it loses
//! nothing and leaves nothing to replay. Read `start` for the order of things.

mod applier;
mod first_key;
mod http;
mod lag;
mod master_key;
mod store;
mod telemetry;
mod upkeep;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use cebe_adapter::{Desk, Door, DoorSettings};
use cebe_catalog::{Definitions, Micros};
use cebe_central::Central;
use cebe_queue::{Lane, Queue};
use cebe_retriever::Reads;
use tokio::net::TcpListener;
use tokio::sync::watch;

pub(crate) use http::{applied_events, verify_all};
pub(crate) use store::Store;
pub(crate) use telemetry::log;

use crate::failure::Failure;
use crate::settings::Settings;
use applier::{Applier, Work};
use lag::Lag;
use telemetry::Telemetry;
use upkeep::{Running, Upkeep};

/// How long a start waits for what a crash took to be applied again, before it serves.
const REPLAY_MAX: Duration = Duration::from_secs(3);

/// A server that listens.
pub(crate) struct Server {
    address: SocketAddr,
    /// The admin key, when this start made it.
    pub(crate) made_key: Option<String>,
    listener: TcpListener,
    app: axum::Router,
    applier: Applier,
    upkeep: Running,
    queue: Arc<dyn Queue>,
    drain_max: Duration,
}

/// The wall clock.
pub(crate) fn clock() -> Arc<dyn Fn() -> Micros + Send + Sync> {
    Arc::new(|| Micros(jiff::Timestamp::now().as_microsecond()))
}

/// Opens the store and starts everything; the server listens, and serves once [`Server::run`] is awaited.
pub(crate) async fn start(settings: &Settings) -> Result<Server, Failure> {
    if settings.role != "all" {
        return Err(Failure::Usage(format!("role {:?} is unknown; this release knows `all`", settings.role)));
    }
    let store = Store::open(settings)?;
    let listener = TcpListener::bind(&settings.listen).await.map_err(|error| {
        Failure::Usage(format!("cannot listen at {}: {error} (--listen, CEBE_LISTEN)", settings.listen))
    })?;
    Ok(assemble(settings, store, listener).await?)
}

async fn assemble(settings: &Settings, store: Store, listener: TcpListener) -> Result<Server> {
    let telemetry = Telemetry::start()?;
    let clock = clock();
    let definitions = Arc::new(Definitions::standard().clone());
    let (queue, central): (Arc<dyn Queue>, Arc<dyn Central>) = (store.queue, store.central);
    let positions = central.snapshot()?.positions()?;
    let work = Work {
        queue: Arc::clone(&queue),
        central: Arc::clone(&central),
        definitions: Arc::clone(&definitions),
        clock: Arc::clone(&clock),
    };
    let first = store::position_of(&positions, Lane::Live);
    let applier = Applier::start(work)?;
    let lag = Arc::new(Lag::new(Arc::clone(&queue), applier.applied(), Arc::clone(&clock), first));
    let desk = Desk::new(Door {
        queue: Arc::clone(&queue),
        central: Arc::clone(&central),
        definitions: Arc::clone(&definitions),
        master: Arc::clone(&store.master),
        clock: Arc::clone(&clock),
        applied: applier.applied(),
        settings: DoorSettings::default(),
    })?;
    caught_up(&queue, applier.applied(), REPLAY_MAX).await;
    desk.refresh();
    if desk.view().keys.is_empty() {
        // Keys may lie in what is still to be replayed: none is made before all of it is known.
        caught_up(&queue, applier.applied(), Duration::MAX).await;
        desk.refresh();
    }
    let made_key = first_key::ensure(&desk, &settings.admin_key).await?;
    let upkeep = Upkeep {
        queue: Arc::clone(&queue),
        central: Arc::clone(&central),
        lag: Arc::clone(&lag),
        telemetry: telemetry.clone(),
        clock: Arc::clone(&clock),
        runtime: tokio::runtime::Handle::current(),
    };
    let upkeep = upkeep.start(settings)?;
    let reads = reads(&desk, &central, &definitions, &store.master, &lag);
    let app = http::router(http::Front {
        desk,
        reads,
        queue: Arc::clone(&queue),
        central,
        definitions,
        lag,
        worker_alive: Arc::new(applier.liveness()),
        telemetry,
        request_bytes_max: usize::try_from(settings.request_bytes_max).unwrap_or(usize::MAX),
    });
    let drain_max = Duration::from_secs(settings.drain_max_s);
    let address = listener.local_addr().context("the listener has no address")?;
    Ok(Server { address, made_key, listener, app, applier, upkeep, queue, drain_max })
}

fn reads(
    desk: &Desk,
    central: &Arc<dyn Central>,
    definitions: &Arc<Definitions>,
    master: &Arc<cebe_privacy::keys::MasterKey>,
    lag: &Arc<Lag>,
) -> Reads {
    let (auditor, lag) = (desk.clone(), Arc::clone(lag));
    Reads {
        central: Arc::clone(central),
        definitions: Arc::clone(definitions),
        master: Arc::clone(master),
        clock: clock(),
        freshness: Arc::new(move || lag.freshness()),
        audit: Arc::new(move |operation, by| {
            let desk = auditor.clone();
            Box::pin(async move {
                let audited = desk.append_operation(&by, operation).await;
                audited.map(drop).map_err(|error| error.to_string())
            })
        }),
    }
}

/// Waits until everything that is in the queue now is applied, at most this long.
async fn caught_up(queue: &Arc<dyn Queue>, mut applied: watch::Receiver<[u64; 2]>, longest: Duration) -> bool {
    let ends = [queue.end(Lane::Live).0, queue.end(Lane::Backfill).0];
    let reached = applied.wait_for(|applied| applied[0] >= ends[0] && applied[1] >= ends[1]);
    matches!(tokio::time::timeout(longest, reached).await, Ok(Ok(_)))
}

impl Server {
    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Serves until `stop` resolves; then takes no more, applies what was accepted and makes it durable.
    pub(crate) async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        let Self { listener, app, applier, upkeep, queue, drain_max, .. } = self;
        let (tell, told) = watch::channel(false);
        let stopping = async move {
            stop.await;
            tracing::info!("stopping: nothing new is taken, what was accepted is applied");
            tell.send_replace(true);
        };
        let serving = axum::serve(listener, app).with_graceful_shutdown(stopping);
        tokio::select! {
            ended = serving => ended.context("serving failed")?,
            // A client that holds its connection open does not hold the stop up.
            () = long_after(told, drain_max) => tracing::warn!("some connections were cut"),
        }
        if !caught_up(&queue, applier.applied(), drain_max).await {
            tracing::warn!("not everything was applied in time; the queue keeps it for the next start");
        }
        tokio::task::spawn_blocking(move || {
            applier.stop();
            upkeep.stop();
        })
        .await
        .context("the threads did not end")
    }
}

async fn long_after(mut told: watch::Receiver<bool>, pause: Duration) {
    // The sender lives as long as the server; if it went, there is nothing to cut.
    if told.wait_for(|stopping| *stopping).await.is_err() {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(pause).await;
}

/// Resolves when the process is asked to stop.
pub(crate) async fn asked_to_stop() {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    tokio::select! {
        () = interrupted => {}
        () = terminated => {}
    }
}
