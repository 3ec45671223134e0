//! The path of an event from the door to the store, on one thread, with queue and store in memory or in a folder. Bodies
//! come in; what they cost is counted from outside. Nothing here is part of the product.

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use bytes::Bytes;
use cebe_adapter::{Desk, Door, DoorSettings};
use cebe_catalog::{
    CompanyId, CompanySettings, Definitions, Micros,
    control::{Change, SourceFlag},
};
use cebe_central::{Central, Embedded, EmbeddedSettings, Memory as Store};
use cebe_privacy::keys::{CompanyKeys, MasterKey};
use cebe_queue::{Embedded as FileLog, Lane, Memory as Log, Position, Queue, ReadLimit, Settings};
use cebe_traffic::{Company, Shape, Stream};
use cebe_worker::{Positions, Worker, WorkerSettings};
use http_body_util::BodyExt;
use tokio::{runtime::Runtime, sync::watch, task::yield_now};
use tower::ServiceExt;

const KEY: &str = "cebe_key-of-the-measured-path";
/// 2026-09-21T00:00:00Z, where the clock of the path stands and the traffic ends.
const NOW_S: u64 = 1_789_948_800;
/// Events before the first that counts.
const WARM_EVENTS: usize = 200;

/// Traffic that is the same on every machine: three companies, two thousand customers, the day before the path's now.
pub fn traffic() -> Stream {
    Stream::new(Shape { seed: 11, companies: 3, customers: 2_000, begin_s: NOW_S - 86_400, lives_per_hour: 18_000 })
}

/// Door, queue, worker and store.
pub struct House {
    runtime: Runtime,
    door: Router,
    queue: Arc<dyn Queue>,
    central: Arc<dyn Central>,
    worker: Worker,
}

impl House {
    /// Everything in memory.
    pub fn in_memory(companies: &[Company]) -> Self {
        Self::over(Arc::new(Log::default()), Arc::new(Store::new()), companies)
    }

    /// Queue and store in a folder, as `cebe serve` has them.
    pub fn in_folder(folder: &Path, companies: &[Company]) -> Self {
        let queue = FileLog::open(&folder.join("queue"), Settings::default()).expect("a new queue opens");
        let central = Embedded::open(&folder.join("central"), EmbeddedSettings::default()).expect("a new store opens");
        Self::over(Arc::new(queue), Arc::new(central), companies)
    }

    fn over(queue: Arc<dyn Queue>, central: Arc<dyn Central>, companies: &[Company]) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        let (definitions, master) = (Arc::new(Definitions::standard().clone()), Arc::new(MasterKey::new([7; 64])));
        let (tell, applied) = watch::channel([0, 0]);
        let clock: Arc<dyn Fn() -> Micros + Send + Sync> = Arc::new(|| Micros(NOW_S as i64 * 1_000_000));
        let told = Arc::new(move |at: Positions| {
            tell.send_replace([at.live.0, at.backfill.0]);
        });
        let settings = WorkerSettings::new(Arc::clone(&clock), told);
        let worker = Worker::new(Arc::clone(&queue), Arc::clone(&central), Arc::clone(&definitions), settings);
        let desk = Desk::new(Door {
            log: cebe_adapter::Log::whole(Arc::clone(&queue), applied),
            central: Arc::clone(&central),
            definitions,
            master: Arc::clone(&master),
            clock,
            // The same on every run.
            random: Arc::new(|bytes| {
                bytes.fill(5);
                Ok(())
            }),
            settings: DoorSettings::default(),
        });
        let desk = desk.expect("an empty store reads");
        let guard = axum::middleware::from_fn_with_state(desk.clone(), cebe_adapter::guard);
        let door = desk.router().layer(guard);
        let mut house = Self { runtime, door, queue, central, worker: worker.expect("an empty store reads") };
        house.furnish(&desk, &master, companies);
        house.warm(companies);
        house
    }

    /// Lets everything happen once that happens once: tables that are made at first use are nobody's cost.
    fn warm(&mut self, companies: &[Company]) {
        let companies = companies.len() as u64;
        let begin_s = NOW_S - 3 * 86_400;
        let mut before = Stream::new(Shape { seed: 7, companies, customers: 2_000, begin_s, lives_per_hour: 18_000 });
        self.take(before.body(WARM_EVENTS));
        self.apply_all();
    }

    /// A key, the companies and every source switched on.
    fn furnish(&mut self, desk: &Desk, master: &MasterKey, companies: &[Company]) {
        self.settle(desk.bootstrap_admin(KEY)).expect("a key is made");
        for company in companies {
            // The same secrets on every run, so that tokens sort the same way.
            let secrets = Some(CompanyKeys::from_random([9; 128]).wrap(master));
            let settings = CompanySettings {
                sso_id: format!("sso-{}", company.id).into(),
                time_zone: company.time_zone.into(),
                phone_region: company.phone_region.into(),
                currency: company.currency.into(),
                ..CompanySettings::default()
            };
            let change = Change::Company { id: CompanyId::new(company.id), settings, secrets };
            self.settle(desk.change("bench", change)).expect("a company is made");
        }
        for module in Definitions::standard().modules.keys() {
            let flag = SourceFlag { module: module.clone(), enabled: true, companies: vec!["*".into()] };
            self.settle(desk.change("bench", Change::Source(flag))).expect("a source is switched on");
        }
    }

    /// Awaits something that the worker has to do its part for.
    fn settle<T>(&mut self, what: impl Future<Output = T>) -> T {
        let (runtime, worker) = (&self.runtime, &mut self.worker);
        runtime.block_on(async {
            let mut what = pin!(what);
            loop {
                tokio::select! {
                    biased;
                    done = &mut what => return done,
                    () = yield_now() => worker.drain().expect("the worker works"),
                }
            }
        })
    }

    /// Takes a body in: read, checked, concealed, appended. It must be small enough to be worked on in place.
    #[inline(never)]
    pub fn receive(&self, body: Vec<u8>) {
        self.take(body);
    }

    fn take(&self, body: Vec<u8>) {
        let request = Request::post("/v1/events").header("authorization", format!("Bearer {KEY}"));
        let request = request.header("content-type", "application/x-ndjson").header("content-length", body.len());
        let request = request.body(Body::from(body)).expect("a request is made");
        let status = self.runtime.block_on(async {
            let answer = self.door.clone().oneshot(request).await.expect("the door answers");
            let status = answer.status();
            let body = answer.into_body().collect().await.expect("an answer has a body").to_bytes();
            assert!(!body.starts_with(b"{\"accepted\":0"), "{}", String::from_utf8_lossy(&body));
            status
        });
        assert_eq!(status, StatusCode::OK);
    }

    /// Applies everything that was taken in: loaded, stepped, committed.
    #[inline(never)]
    pub fn apply(&mut self) {
        self.apply_all();
    }

    fn apply_all(&mut self) {
        self.worker.drain().expect("the worker works");
    }

    /// Everything that was appended.
    pub fn records(&self) -> Vec<Bytes> {
        let limit = ReadLimit { records_max: usize::MAX, bytes_max: usize::MAX };
        let read = self.queue.read(Lane::Live, Position::START, limit).expect("a queue reads");
        read.into_iter().map(|(_, bytes)| bytes).collect()
    }

    /// How many events were applied, and how many were refused.
    pub fn outcomes(&self) -> (i64, i64) {
        let (mut applied, mut refused) = (0, 0);
        let snapshot = self.central.snapshot().expect("a store reads");
        let counted = snapshot.outcomes(&mut |_, counts| {
            applied += counts.applied;
            refused += counts.quarantined;
            std::ops::ControlFlow::Continue(())
        });
        counted.expect("a store reads");
        (applied, refused)
    }
}
