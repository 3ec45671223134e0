//! `serve`: the rooms put together in one process. Settings come in, a listening server goes out; stopping it loses
//! nothing and leaves nothing to replay. Read `start` for the order of things.

mod alerts;
mod applier;
mod cluster;
mod connections;
mod first_key;
mod http;
mod lag;
mod master_key;
mod open_files;
mod roles;
mod store;
mod telemetry;
mod tls;
mod upkeep;

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use cebe_adapter::{Backfills, Desk, Door, DoorSettings, Log, Reconciliations};
use cebe_catalog::{Definitions, Micros, limits};
use cebe_central::Central;
use cebe_engine::rows::Place;
use cebe_queue::{Lane, PerLane, Queue};
use cebe_retriever::{Freshness, Reads};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

pub(crate) use first_key::made as made_key;
pub(crate) use http::{applied_events, logs_of, verify_all};
pub(crate) use store::{Store, open_both, position_of};
pub(crate) use telemetry::log;

use crate::backup::Source;
use crate::failure::Failure;
use crate::settings::Settings;
use applier::{Applier, PAUSE_MAX, Work};
use connections::{Bounds, Connections};
use lag::Lag;
use telemetry::Telemetry;
use upkeep::{Running, Upkeep};

/// How long a start waits for what a crash took to be applied again, before it serves.
const REPLAY_MAX: Duration = Duration::from_secs(3);

/// Most threads that step; more would wait for the one that commits.
const STEP_THREADS_MAX: usize = 4;

/// A server that listens.
pub(crate) struct Server {
    address: SocketAddr,
    /// The admin key, when this start made it.
    pub(crate) made_key: Option<String>,
    /// The master key's file, when this start made it.
    pub(crate) made_master_key: Option<PathBuf>,
    connections: Connections,
    chores: JoinSet<()>,
    drain_max: Duration,
    /// Brings what is behind the door to rest, once nothing new comes.
    finish: Pin<Box<dyn Future<Output = Result<()>> + Send>>,
}

/// Tells how fresh answers are.
type Fresh = Arc<dyn Fn() -> Freshness + Send + Sync>;

/// The wall clock.
pub(crate) fn clock() -> Arc<dyn Fn() -> Micros + Send + Sync> {
    Arc::new(|| Micros(jiff::Timestamp::now().as_microsecond()))
}

/// Opens the store and starts everything; the server listens, and serves once [`Server::run`] is awaited.
pub(crate) async fn start(settings: &Settings) -> Result<Server, Failure> {
    let (is_cluster, roles) = (cluster::is_wanted(settings)?, roles::Roles::named(&settings.role)?);
    if !is_cluster && roles != roles::Roles::ALL {
        return Err(Failure::Usage("a store of its own takes the role `all`; the others are for clusters".into()));
    }
    open_files::raise();
    let tls = tls::acceptor(&settings.tls_cert_file, &settings.tls_key_file)
        .map_err(|error| Failure::Usage(format!("{error:#}")))?;
    let store = if is_cluster { None } else { Some(Store::open(settings)?) };
    let listener = TcpListener::bind(&settings.listen).await.map_err(|error| {
        Failure::Usage(format!("cannot listen at {}: {error} (--listen, CEBE_LISTEN)", settings.listen))
    })?;
    match store {
        Some(store) => Ok(assemble(settings, store, listener, tls).await?),
        None => cluster::start(settings, listener, tls).await,
    }
}

/// The one worker of a store of its own.
fn work(
    queue: &Arc<dyn Queue>,
    central: &Arc<dyn Central>,
    definitions: &Arc<Definitions>,
    clock: &Arc<dyn Fn() -> Micros + Send + Sync>,
) -> Result<Applier> {
    let opened = Arc::clone(central);
    Applier::start(Work {
        name: "worker".to_owned(),
        queue: Arc::clone(queue),
        open: Arc::new(move || Ok(Arc::clone(&opened))),
        told: Arc::new(watch::channel([0, 0]).0),
        pause_max: PAUSE_MAX,
        step_threads: thread::available_parallelism().map_or(1, usize::from).min(STEP_THREADS_MAX),
        rows_bytes_max: limits::ROWS_BYTES_MAX,
        definitions: Arc::clone(definitions),
        clock: Arc::clone(clock),
    })
}

async fn assemble(
    settings: &Settings,
    store: Store,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
) -> Result<Server> {
    let telemetry = Telemetry::start()?;
    let clock = clock();
    let definitions = Arc::new(Definitions::standard().clone());
    let made_master_key = store.made_master_key;
    let backups =
        Source { queue: Arc::clone(&store.queue), central: store.central.clone(), data: PathBuf::from(&settings.data) };
    let (queue, central): (Arc<dyn Queue>, Arc<dyn Central>) = (store.queue, store.central);
    let positions = central.snapshot()?.positions()?;
    let applier = work(&queue, &central, &definitions, &clock)?;
    let lags = lags(&queue, &positions, &applier, &clock);
    let lag = Arc::clone(&lags.live);
    let worker_alive: Arc<dyn Fn() -> bool + Send + Sync> = Arc::new(applier.liveness());
    let desk = Desk::new(Door {
        log: Log::whole(Arc::clone(&queue), applier.applied()),
        central: Arc::clone(&central),
        definitions: Arc::clone(&definitions),
        master: Arc::clone(&store.master),
        clock: Arc::clone(&clock),
        random: cebe_adapter::system_random(),
        settings: door_settings(settings),
    })?;
    know_settings(&desk, &queue, &applier).await;
    let made_key = first_key::ensure(&desk, &settings.admin_key).await?;
    let upkeep = Upkeep {
        queue: Arc::clone(&queue),
        central: Arc::clone(&central),
        lags,
        applied: applier.applied(),
        worker_alive: Arc::clone(&worker_alive),
        telemetry: telemetry.clone(),
        clock: Arc::clone(&clock),
        runtime: tokio::runtime::Handle::current(),
    };
    let upkeep = upkeep.start(settings)?;
    let chores = chores(&desk);
    alerts::start(settings, telemetry.clone())?;
    let freshness: Fresh = Arc::new(move || lag.freshness());
    let reads = reads(&desk, &central, &definitions, &store.master, Arc::clone(&freshness));
    let app = http::router(http::Front {
        desk,
        reads,
        roles: roles::Roles::ALL,
        verify: http::logs_of(&queue, &central),
        central,
        definitions,
        freshness,
        takes_events: None,
        worker_alive,
        telemetry,
        nodes: http::Nodes::Alone,
        backups: Some(backups),
        request_bytes_max: usize::try_from(settings.request_bytes_max).unwrap_or(usize::MAX),
    });
    let drain_max = Duration::from_secs(settings.drain_max_s);
    let address = listener.local_addr().context("the listener has no address")?;
    let connections = Connections { listener, app, tls, bounds: bounds(settings) };
    let finish = Box::pin(finish(queue, applier, upkeep, drain_max));
    Ok(Server { address, made_key, made_master_key, connections, chores, drain_max, finish })
}

fn lags(
    queue: &Arc<dyn Queue>,
    positions: &[Place],
    applier: &Applier,
    clock: &Arc<dyn Fn() -> Micros + Send + Sync>,
) -> PerLane<Arc<Lag>> {
    PerLane::from_fn(|lane| {
        let first = store::position_of(positions, lane);
        Arc::new(Lag::new(lane, Arc::clone(queue), applier.applied(), Arc::clone(clock), first))
    })
}

/// Waits a while for what a crash took to be applied again, so that the door knows its settings.
async fn know_settings(desk: &Desk, queue: &Arc<dyn Queue>, applier: &Applier) {
    caught_up(queue, applier.applied(), REPLAY_MAX).await;
    desk.refresh();
    if desk.view().keys.is_empty() {
        // Keys may lie in what is still to be replayed: none is made before all of it is known.
        caught_up(queue, applier.applied(), Duration::MAX).await;
        desk.refresh();
    }
}

fn bounds(settings: &Settings) -> Bounds {
    Bounds {
        connections_max: usize::try_from(settings.connections_max).unwrap_or(usize::MAX),
        idle: Duration::from_secs(settings.idle_max_s.max(1)),
    }
}

fn door_settings(settings: &Settings) -> DoorSettings {
    DoorSettings {
        bytes_in_flight_max: usize::try_from(settings.bodies_bytes_max).unwrap_or(usize::MAX),
        bytes_waiting_max: usize::try_from(settings.queue_waiting_bytes_max).unwrap_or(usize::MAX),
        body_timeout: Duration::from_secs(settings.body_max_s.max(1)),
        key_requests_per_s_max: u32::try_from(settings.key_requests_per_s_max).unwrap_or(u32::MAX),
        backfills: Some(Path::new(&settings.data).join("backfills")),
        ..DoorSettings::default()
    }
}

/// What the door does without being asked: loading history, comparing with sources.
fn chores(desk: &Desk) -> JoinSet<()> {
    let mut chores = JoinSet::new();
    if let Some(backfills) = Backfills::new(desk.clone()) {
        chores.spawn(backfills.run());
    }
    chores.spawn(Reconciliations::new(desk.clone()).run());
    chores
}

fn reads(
    desk: &Desk,
    central: &Arc<dyn Central>,
    definitions: &Arc<Definitions>,
    master: &Arc<cebe_privacy::keys::MasterKey>,
    freshness: Fresh,
) -> Reads {
    let auditor = desk.clone();
    Reads {
        central: Arc::clone(central),
        definitions: Arc::clone(definitions),
        master: Arc::clone(master),
        clock: clock(),
        freshness,
        audit: Arc::new(move |operation, by| {
            let desk = auditor.clone();
            Box::pin(async move {
                let reveals = u64::from(operation.kind == "pii_revealed");
                let audited = desk.append_operation(&by, operation).await;
                metrics::counter!("cebe_pii_revealed_total").increment(if audited.is_ok() { reveals } else { 0 });
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
        let scheme = if self.connections.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Serves until `stop` resolves; then takes no more, applies what was accepted and makes it durable.
    pub(crate) async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        let Self { connections, mut chores, drain_max, finish, .. } = self;
        let (tell, told) = watch::channel(false);
        let stopping = async move {
            stop.await;
            tracing::info!("stopping: nothing new is taken, what was accepted is applied");
            tell.send_replace(true);
        };
        tokio::select! {
            () = connections.serve(stopping) => {}
            // A client that holds its connection open does not hold the stop up.
            () = long_after(told, drain_max) => tracing::warn!("some connections were cut"),
        }
        // History that is not yet in the queue goes on at the next start.
        chores.shutdown().await;
        finish.await
    }
}

/// Applies what was accepted, at most so long, and makes it durable.
async fn finish(queue: Arc<dyn Queue>, applier: Applier, upkeep: Running, drain_max: Duration) -> Result<()> {
    if !caught_up(&queue, applier.applied(), drain_max).await {
        tracing::warn!("not everything was applied in time; the queue keeps it for the next start");
    }
    let ended = tokio::task::spawn_blocking(move || {
        applier.stop();
        upkeep.stop();
    });
    ended.await.context("the threads did not end")
}

async fn long_after(mut told: watch::Receiver<bool>, pause: Duration) {
    // The sender lives as long as the server; if it went, there is nothing to cut.
    if told.wait_for(|stopping| *stopping).await.is_err() {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(pause).await;
}

/// From now on a request to stop is heard: it resolves what this gives, instead of ending the process.
#[cfg(unix)]
pub(crate) fn hear_stop() -> Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// From now on a request to stop is heard: it resolves what this gives, instead of ending the process.
#[cfg(not(unix))]
pub(crate) fn hear_stop() -> Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
}
