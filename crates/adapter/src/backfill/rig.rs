//! A door with a real queue, worker and store in memory, for tests of what spans all of them.

use crate::desk::{Desk, Door, DoorSettings};
use axum::{Router, body::Body, http::Request};
use cebe_catalog::{Definitions, Micros, control::Change};
use cebe_central::{
    Central, Memory as Store, Order,
    change::{ControlKind, ControlRow},
};
use cebe_privacy::keys::MasterKey;
use cebe_queue::Memory as Log;
use cebe_worker::{Worker, WorkerSettings};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::{
    ops::ControlFlow,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
};
use tempfile::TempDir;
use tokio::sync::watch;
use tower::ServiceExt;

/// 2025-11-03T03:00:00Z.
pub(crate) const NOW: Micros = Micros(1_762_138_800_000_000);
pub(crate) const ADMIN: &str = "cebe_admin-key-of-the-tests";

pub(crate) struct House {
    pub(crate) queue: Arc<Log>,
    pub(crate) store: Arc<Store>,
    pub(crate) folder: TempDir,
    pub(crate) applied: watch::Sender<[u64; 2]>,
    pub(crate) desk: Desk,
}

pub(crate) struct Running {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        self.thread.take().unwrap().join().unwrap();
    }
}

impl House {
    pub(crate) fn desk(
        queue: &Arc<Log>,
        store: &Arc<Store>,
        folder: PathBuf,
        applied: &watch::Sender<[u64; 2]>,
    ) -> Desk {
        let door = Door {
            log: crate::log::Log::whole(queue.clone(), applied.subscribe()),
            central: store.clone(),
            definitions: Arc::new(Definitions::standard().clone()),
            master: Arc::new(MasterKey::new([7; 64])),
            clock: Arc::new(|| NOW),
            random: crate::desk::system_random(),
            settings: DoorSettings { backfills: Some(folder), ..DoorSettings::default() },
        };
        Desk::new(door).unwrap()
    }

    /// A door whose one company has the modules cdp and conversion switched on.
    pub(crate) async fn open() -> Self {
        Self::open_on(Log::default()).await
    }

    /// The same on this queue.
    pub(crate) async fn open_on(queue: Log) -> Self {
        let (queue, store, folder) = (Arc::new(queue), Arc::new(Store::new()), tempfile::tempdir().unwrap());
        let (applied, _) = watch::channel([0, 0]);
        let desk = Self::desk(&queue, &store, folder.path().to_owned(), &applied);
        let house = Self { queue, store, folder, applied, desk };
        let worker = house.work();
        house.desk.bootstrap_admin(ADMIN).await.unwrap();
        let demo = json!({"name": "Demo", "currency": "IDR", "phone_region": "ID", "retention_months": 0});
        house.ask("PUT", "/v1/companies/demo", demo.to_string()).await;
        for module in ["cdp", "conversion"] {
            house.ask("PUT", &format!("/v1/sources/{module}"), json!({"enabled": true}).to_string()).await;
        }
        drop(worker);
        house
    }

    /// The same store after a crash: nothing that only a process knew is left.
    pub(crate) fn crash(self) -> Self {
        let (applied, _) = watch::channel([0, 0]);
        let desk = Self::desk(&self.queue, &self.store, self.folder.path().to_owned(), &applied);
        Self { applied, desk, ..self }
    }

    pub(crate) fn worker(&self) -> Worker {
        let tell = self.applied.clone();
        let applied = Arc::new(move |at: cebe_worker::Positions| {
            tell.send_replace([at.live.0, at.backfill.0]);
        });
        let settings = WorkerSettings::new(Arc::new(|| NOW), applied);
        let definitions = Arc::new(Definitions::standard().clone());
        Worker::new(self.queue.clone(), self.store.clone(), definitions, settings).unwrap()
    }

    /// A worker on a thread of its own, until it is dropped.
    pub(crate) fn work(&self) -> Running {
        let (mut worker, stop) = (self.worker(), Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop);
        Running { stop, thread: Some(std::thread::spawn(move || worker.run(&stopped).unwrap())) }
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, body: impl Into<Body>) -> Value {
        let router: Router =
            self.desk.router().layer(axum::middleware::from_fn_with_state(self.desk.clone(), crate::guard));
        let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {ADMIN}"));
        let response = router.oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        assert!(status.is_success(), "{path}: {status} {body}");
        body
    }

    /// Kinds and properties of all operating events.
    pub(crate) fn operations(&self) -> Vec<(String, Value)> {
        let mut found = Vec::new();
        let snapshot = self.store.snapshot().unwrap();
        let visit = &mut |_: &str, row: ControlRow| {
            if let ControlRow::Operation(record) = row
                && let Change::Operation(operation) = record.change
            {
                found.push((operation.kind.to_string(), serde_json::from_str(&operation.json).unwrap()));
            }
            ControlFlow::Continue(())
        };
        snapshot.control_all(ControlKind::Operation, "", Order::Forward, visit).unwrap();
        found
    }
}
