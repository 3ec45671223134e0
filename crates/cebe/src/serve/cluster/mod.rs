//! A node of a cluster: the same rooms on NATS JetStream and PostgreSQL. Which shards its workers write is decided by
//! leases in the database; its door and its answers are about all of them. Read `holding.rs` for the leases, `shards.rs`
//! for how far each shard is, `watching.rs` for what goes on besides.

mod holding;
mod reader;
mod shards;
mod watching;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use cebe_adapter::{Backfills, Desk, Door, DoorSettings, Reconciliations};
use cebe_catalog::{Definitions, Micros};
use cebe_central::postgres::{Database, Leases, PgSettings, SCHEMA_VERSION};
use cebe_central::{Central, OpenError, Snapshot, StoreError};
use cebe_privacy::keys::MasterKey;
use cebe_queue::{JetStream, JetStreamSettings, Lane};
use cebe_worker::Applied;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use self::holding::{Held, Holding};
use self::reader::Reader;
pub(super) use self::shards::{HEARD_MAX, Shards};
use self::watching::Watching;
use super::http::{self, Front, Nodes};
use super::roles::Roles;
use super::telemetry::Telemetry;
use super::{Server, alerts, connections::Connections, first_key, master_key};
use crate::failure::Failure;
use crate::settings::Settings;

/// A message must hold what a door appends at once: servers take 1 MiB unless they are told otherwise.
const MESSAGE_BYTES_MIN: usize = 8 * 1024 * 1024;
/// How often a consistent look at queues and store is tried while commits go on.
const LOOKS_MAX: usize = 50;

/// What a node works with.
struct Opened {
    master: Arc<MasterKey>,
    made_master_key: Option<PathBuf>,
    database: Arc<Database>,
    shards: Arc<Shards>,
    clock: Arc<dyn Fn() -> Micros + Send + Sync>,
}

/// Whether the settings ask for a cluster.
pub(super) fn is_wanted(settings: &Settings) -> Result<bool, Failure> {
    match (settings.nats_url.is_empty(), settings.postgres_url.is_empty()) {
        (true, true) => Ok(false),
        (false, false) => Ok(true),
        _ => Err(Failure::Usage("a cluster needs both nats_url and postgres_url (see docs/guide/cluster.md)".into())),
    }
}

/// Opens everything and starts; the server listens, and serves once it is run.
pub(super) async fn start(
    settings: &Settings,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
) -> Result<Server, Failure> {
    let roles = Roles::named(&settings.role)?;
    if settings.nats_cert_file.is_empty() != settings.nats_key_file.is_empty() {
        return Err(Failure::Usage("a certificate for NATS needs its key: nats_cert_file and nats_key_file".into()));
    }
    let wanted = settings.clone();
    let opened = tokio::task::spawn_blocking(move || open(&wanted)).await.context("opening failed")??;
    Ok(assemble(settings, roles, opened, listener, tls).await?)
}

fn open(settings: &Settings) -> Result<Opened, Failure> {
    let data = Path::new(&settings.data);
    let refused = |error: &dyn std::fmt::Display| Failure::Store(error.to_string());
    std::fs::create_dir_all(data)
        .map_err(|error| Failure::Store(format!("cannot make the data folder {}: {error}", data.display())))?;
    let (master, made_master_key) =
        master_key::load_or_make(&settings.master_key_file, data).map_err(|error| refused(&format!("{error:#}")))?;
    let queue = JetStream::open(queue_settings(settings)).map_err(|error| refused(&error))?;
    if queue.message_bytes_max() < MESSAGE_BYTES_MIN {
        return Err(Failure::Store(format!(
            "the NATS servers take messages of {} bytes; set max_payload: 8MB in their configuration",
            queue.message_bytes_max()
        )));
    }
    let database = database(settings, queue.store().0)?;
    let clock = super::clock();
    let shards = Shards::open(&queue, &clock).map_err(|error| refused(&error))?;
    let (master, database, shards) = (Arc::new(master), Arc::new(database), Arc::new(shards));
    Ok(Opened { master, made_master_key, database, shards, clock })
}

fn queue_settings(settings: &Settings) -> JetStreamSettings {
    let file = |name: &String| (!name.is_empty()).then(|| PathBuf::from(name));
    JetStreamSettings {
        url: settings.nats_url.clone(),
        credentials_file: file(&settings.nats_credentials_file),
        ca_file: file(&settings.nats_ca_file),
        client_certificate: file(&settings.nats_cert_file).zip(file(&settings.nats_key_file)),
        prefix: settings.nats_prefix.clone(),
        replicas: usize::try_from(settings.nats_replicas).unwrap_or(usize::MAX),
        lane_bytes_max: settings.nats_lane_bytes_max,
        waiting_bytes_max: usize::try_from(settings.queue_waiting_bytes_max).unwrap_or(usize::MAX),
        trim_age_ms: settings.queue_keep_s.saturating_mul(1_000),
        ..JetStreamSettings::default()
    }
}

/// The database, which may be away: then everything but what needs it goes on.
fn database(settings: &Settings, store_id: [u8; 16]) -> Result<Database, Failure> {
    let refused = |error: OpenError| Failure::Store(error.to_string());
    let wanted = PgSettings {
        store_id: Some(store_id),
        connections_max: usize::try_from(settings.postgres_connections_max).unwrap_or(usize::MAX),
        migrate: false,
        ..PgSettings::default()
    };
    let database = Database::connect(&settings.postgres_url, wanted).map_err(refused)?;
    match fitting(&database, settings.postgres_migrate) {
        Ok(()) => {}
        Err(OpenError::Store(StoreError::Postgres(error))) if error.as_db_error().is_none() => {
            tracing::warn!("the database is away; what needs it waits");
        }
        Err(error) => return Err(refused(error)),
    }
    Ok(database)
}

/// Has, or gives, the database the tables of this release.
fn fitting(database: &Database, may_migrate: bool) -> Result<(), OpenError> {
    if may_migrate {
        return database.migrate().map(drop);
    }
    match database.version()? {
        SCHEMA_VERSION => Ok(()),
        found => Err(OpenError::Schema { found, known: SCHEMA_VERSION }),
    }
}

/// A node's name in the leases: its own, and which of its lives it is.
fn node_name(settings: &Settings) -> String {
    let host = || std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_else(|_| "node".to_owned());
    let name = if settings.node.is_empty() { host().trim().to_owned() } else { settings.node.clone() };
    let life = uuid::Uuid::now_v7().simple().to_string();
    format!("{name}/{}", &life[..12])
}

/// What the parts of a node share.
struct Node {
    opened: Opened,
    telemetry: Telemetry,
    definitions: Arc<Definitions>,
    central: Arc<dyn Central>,
    leases: Leases,
    lease: Duration,
    held: Arc<Held>,
}

impl Node {
    fn of(settings: &Settings, opened: Opened) -> anyhow::Result<Self> {
        let lease = Duration::from_millis(settings.lease_ms.max(1_000));
        Ok(Self {
            telemetry: Telemetry::start()?,
            definitions: Arc::new(Definitions::standard().clone()),
            central: Arc::new(Reader::new(&opened.database)),
            leases: opened.database.leases(&node_name(settings), lease),
            lease,
            held: Arc::default(),
            opened,
        })
    }

    fn holding(&self) -> Holding {
        Holding {
            leases: self.leases.clone(),
            lease: self.lease,
            database: Arc::clone(&self.opened.database),
            shards: Arc::clone(&self.opened.shards),
            definitions: Arc::clone(&self.definitions),
            clock: Arc::clone(&self.opened.clock),
            held: Arc::clone(&self.held),
        }
    }

    fn door(&self, settings: &Settings) -> Door {
        Door {
            log: self.opened.shards.log(),
            central: Arc::clone(&self.central),
            definitions: Arc::clone(&self.definitions),
            master: Arc::clone(&self.opened.master),
            clock: Arc::clone(&self.opened.clock),
            random: cebe_adapter::system_random(),
            settings: door_settings(settings),
        }
    }

    fn watching(&self, settings: &Settings, desk: &Desk) -> Watching {
        Watching {
            leases: self.leases.clone(),
            shards: Arc::clone(&self.opened.shards),
            held: Arc::clone(&self.held),
            central: Arc::clone(&self.central),
            desk: desk.clone(),
            telemetry: self.telemetry.clone(),
            clock: Arc::clone(&self.opened.clock),
            tick_every: Duration::from_secs(settings.tick_every_s.max(1)),
            runtime: tokio::runtime::Handle::current(),
        }
    }

    fn front(self, settings: &Settings, roles: Roles, desk: Desk) -> Front {
        let Self { opened: Opened { master, shards, .. }, telemetry, definitions, central, leases, held, .. } = self;
        let (fresh, open) = (Arc::clone(&shards), Arc::clone(&shards));
        let freshness: super::Fresh = Arc::new(move || fresh.freshness(Lane::Live));
        let takes_events: Arc<dyn Fn() -> bool + Send + Sync> = Arc::new(move || open.is_open());
        Front {
            reads: super::reads(&desk, &central, &definitions, &master, Arc::clone(&freshness)),
            desk,
            roles,
            verify: logs(&shards, &leases, &central),
            central,
            definitions,
            freshness,
            takes_events: roles.adapter.then_some(takes_events),
            worker_alive: Arc::new(move || held.is_alive()),
            telemetry,
            nodes: Nodes::Cluster { shards, leases },
            // The database and the streams have backups of their own.
            backups: None,
            request_bytes_max: usize::try_from(settings.request_bytes_max).unwrap_or(usize::MAX),
        }
    }
}

async fn assemble(
    settings: &Settings,
    roles: Roles,
    mut opened: Opened,
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
) -> anyhow::Result<Server> {
    let made_master_key = opened.made_master_key.take();
    let node = Node::of(settings, opened)?;
    let holding = if roles.worker { Some(node.holding().start()?) } else { None };
    let door = node.door(settings);
    let desk = tokio::task::spawn_blocking(move || Desk::new(door)).await.context("the door did not open")??;
    let watching = node.watching(settings, &desk).start()?;
    let made_key = if roles.adapter { first_key::of_cluster(&desk, &settings.admin_key).await? } else { None };
    alerts::start(settings, node.telemetry.clone())?;
    let chores = chores(&desk, roles, node.held.leads());
    let address = listener.local_addr().context("the listener has no address")?;
    let app = http::router(node.front(settings, roles, desk));
    let connections = Connections { listener, app, tls, bounds: super::bounds(settings) };
    let drain_max = Duration::from_secs(settings.drain_max_s);
    let finish = async move {
        let ended = tokio::task::spawn_blocking(move || {
            if let Some(holding) = holding {
                holding.stop();
            }
            watching.stop();
        });
        ended.await.context("the threads did not end")
    };
    Ok(Server { address, made_key, made_master_key, connections, chores, drain_max, finish: Box::pin(finish) })
}

fn door_settings(settings: &Settings) -> DoorSettings {
    DoorSettings {
        // A thread of its own looks at the store, so that no request waits for it.
        view_age_max: Duration::MAX,
        remembered: Some(Path::new(&settings.data).join("settings.remembered")),
        ..super::door_settings(settings)
    }
}

/// Loading history where it was sent; comparing with sources where the installation's shard is held.
fn chores(desk: &Desk, roles: Roles, mut leads: watch::Receiver<bool>) -> JoinSet<()> {
    let mut chores = JoinSet::new();
    if let Some(backfills) = Backfills::new(desk.clone()).filter(|_| roles.adapter) {
        chores.spawn(backfills.run());
    }
    let desk = desk.clone();
    chores.spawn(async move {
        while leads.wait_for(|leads| *leads).await.is_ok() {
            tokio::select! {
                () = Reconciliations::new(desk.clone()).run() => {}
                _ = leads.wait_for(|leads| !*leads) => {}
            }
        }
    });
    chores
}

/// Store and queues at one moment: nothing was committed between two looks at where the shards stand.
fn logs(shards: &Arc<Shards>, leases: &Leases, central: &Arc<dyn Central>) -> http::Logs {
    let (shards, leases, central) = (Arc::clone(shards), leases.clone(), Arc::clone(central));
    Arc::new(move || {
        let mut before = leases.list()?;
        for _ in 0..LOOKS_MAX {
            let snapshot: Snapshot = central.snapshot()?;
            let after = leases.list()?;
            let same = before.iter().zip(&after).all(|(before, after)| before.commits == after.commits);
            if same {
                let applied: Vec<Applied> = shards.applied(&after);
                return Ok((snapshot, applied));
            }
            before = after;
        }
        // Too much is being committed: the queues are not compared.
        Ok((central.snapshot()?, Vec::new()))
    })
}
