//! `/v1/verify`: recompute a live store from its log and compare, as a job that is asked about.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use cebe_adapter::tag::{Tag, TagRow};
use cebe_catalog::{CompanyId, Definitions};
use cebe_central::{Central, Snapshot, StoreError};
use cebe_engine::rows::OutcomeKey;
use cebe_privacy::access::{Action, Grant, Scope};
use cebe_queue::Queue;
use cebe_worker::{Applied, ReceivedCheck, VerifyReport, WorkerError};
use serde_json::{Value, json};

use super::fault::fault;

/// Gives the store at one moment and how far it had applied each queue then; no queues when that is not to be had.
pub(crate) type Logs = Arc<dyn Fn() -> Result<(Snapshot, Vec<Applied>), StoreError> + Send + Sync>;

/// Jobs that are remembered.
const JOBS_MAX: usize = 16;

#[derive(Clone)]
pub(super) struct Desk {
    logs: Logs,
    central: Arc<dyn Central>,
    definitions: Arc<Definitions>,
    jobs: Arc<Mutex<BTreeMap<String, Arc<Job>>>>,
}

/// One verification. Jobs are named by time-ordered ids, so the first of the map is the oldest.
#[derive(Default)]
struct Job {
    company: Option<CompanyId>,
    events_total: u64,
    events: AtomicU64,
    end: Mutex<Option<Result<VerifyReport, String>>>,
}

/// The two routes.
pub(super) fn router(logs: Logs, central: Arc<dyn Central>, definitions: Arc<Definitions>) -> Router {
    Router::new().route("/v1/verify", post(start)).route("/v1/verify/{id}", get(look)).with_state(Desk {
        logs,
        central,
        definitions,
        jobs: Arc::default(),
    })
}

/// Starts a verification of the named company, or of everything.
#[utoipa::path(post, path = "/v1/verify", tag = "operate", request_body(description = "may be empty"), responses(
    (status = 202, description = "started: ask for it by its id"),
    (status = 409, description = "one is running already")))]
pub(super) async fn start(
    State(desk): State<Desk>,
    Extension(grant): Extension<Grant>,
    headers: HeaderMap,
    // Nothing is asked in it, but a body that nobody reads ends the connection of who sent it.
    _body: Bytes,
) -> Response {
    let company = match chosen(&grant, &headers) {
        Ok(company) => company,
        Err(refused) => return refused.into_response(),
    };
    let id = uuid::Uuid::now_v7().to_string();
    let Some(job) = desk.admit(&id, company) else {
        return fault(StatusCode::CONFLICT, "verify_running", "a verification is running", "wait until it has ended");
    };
    let running = Arc::clone(&job);
    tokio::task::spawn_blocking(move || desk.run(&running));
    (StatusCode::ACCEPTED, Json(job.to_json(&id))).into_response()
}

/// How a verification is doing, or what it found.
#[utoipa::path(get, path = "/v1/verify/{id}", tag = "operate", params(("id" = String, Path)), responses(
    (status = 200, description = "state, progress, differences"),
    (status = 404, description = "no such verification")))]
pub(super) async fn look(
    State(desk): State<Desk>,
    Extension(grant): Extension<Grant>,
    Path(id): Path<String>,
) -> Response {
    if !grant.may(Action::Verify) {
        return Refused::Role.into_response();
    }
    let job = desk.jobs.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
    match job.filter(|job| may_see(&grant, job.company.as_ref())) {
        Some(job) => Json(job.to_json(&id)).into_response(),
        None => fault(StatusCode::NOT_FOUND, "not_found", "there is no such verification", "start one"),
    }
}

/// The company that the request names; `None` is all, for keys that serve all.
fn chosen(grant: &Grant, headers: &HeaderMap) -> Result<Option<CompanyId>, Refused> {
    if !grant.may(Action::Verify) {
        return Err(Refused::Role);
    }
    let named = headers.get("x-company-id").and_then(|value| value.to_str().ok()).filter(|name| !name.is_empty());
    let only = match &grant.companies {
        Scope::Only(names) if names.len() == 1 => names.first().map(String::as_str),
        _ => None,
    };
    let company = named.or(only).map(|name| CompanyId(name.into()));
    match may_see(grant, company.as_ref()) {
        true => Ok(company),
        false if company.is_none() => Err(Refused::NoCompany),
        false => Err(Refused::OtherCompany),
    }
}

fn may_see(grant: &Grant, company: Option<&CompanyId>) -> bool {
    match company {
        Some(company) => grant.allows_company(company.as_str()),
        None => grant.companies == Scope::All,
    }
}

/// Why a verification is not started or shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    /// The role does not allow it.
    Role,
    /// The key serves several companies and none is named.
    NoCompany,
    /// The key does not serve the company.
    OtherCompany,
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, code, message, hint) = match self {
            Self::Role => {
                (StatusCode::FORBIDDEN, "forbidden", "this key may not verify", "use a key whose role allows this call")
            }
            Self::NoCompany => (
                StatusCode::BAD_REQUEST,
                "company_required",
                "this key serves several companies: name one",
                "set the X-Company-Id header",
            ),
            Self::OtherCompany => {
                (StatusCode::FORBIDDEN, "company_not_allowed", "this key does not serve this company", "")
            }
        };
        fault(status, code, message, hint)
    }
}

impl Desk {
    /// Takes a job in, unless one is running.
    fn admit(&self, id: &str, company: Option<CompanyId>) -> Option<Arc<Job>> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        if jobs.values().any(|job| job.is_running()) {
            return None;
        }
        while jobs.len() >= JOBS_MAX {
            jobs.pop_first();
        }
        let events_total = applied_events(self.central.as_ref(), company.as_ref());
        let job = Arc::new(Job { company, events_total, ..Job::default() });
        jobs.insert(id.to_owned(), Arc::clone(&job));
        Some(job)
    }

    fn run(&self, job: &Job) {
        let progress = |events| job.events.store(events, Ordering::Relaxed);
        let company = job.company.as_ref();
        let report = verify_all(&self.logs, self.central.as_ref(), &self.definitions, company, &progress);
        let report = report.map_err(|error| error.to_string());
        *job.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(report);
    }
}

impl Job {
    fn is_running(&self) -> bool {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).is_none()
    }

    fn to_json(&self, id: &str) -> Value {
        match &*self.end.lock().unwrap_or_else(PoisonError::into_inner) {
            None => json!({"id": id, "state": "running", "events": self.events.load(Ordering::Relaxed),
                "percent_complete": self.percent()}),
            Some(Err(message)) => json!({"id": id, "state": "failed", "message": message}),
            Some(Ok(report)) => done(id, report),
        }
    }

    fn percent(&self) -> f64 {
        let events = self.events.load(Ordering::Relaxed) as f64;
        (events * 100.0 / (self.events_total.max(1) as f64)).min(99.0)
    }
}

fn done(id: &str, report: &VerifyReport) -> Value {
    let mut shown = json!(report);
    shown["id"] = id.into();
    shown["state"] = "done".into();
    shown["percent_complete"] = 100.0.into();
    shown["clean"] = (report.different == 0).into();
    shown
}

/// Recomputes the store from its log, and counts what the queue took against the outcomes.
pub(crate) fn verify_all(
    logs: &Logs,
    central: &dyn Central,
    definitions: &Definitions,
    company: Option<&CompanyId>,
    progress: &dyn Fn(u64),
) -> Result<VerifyReport, WorkerError> {
    let mut report = cebe_worker::verify(central, definitions, company, progress)?;
    let read_tag = |bytes: &[u8]| {
        let rows = Tag::from_bytes(bytes)?.0.into_iter();
        let key = |row: TagRow| {
            (OutcomeKey { company: row.company, module: row.module, hour: row.hour }, u64::from(row.received))
        };
        Some(rows.map(key).collect())
    };
    let (snapshot, queues) = logs()?;
    match queues.is_empty() {
        true => report.received = Some(unsettled()),
        false => cebe_worker::verify_received(&queues, &snapshot, company, &read_tag, &mut report)?,
    }
    Ok(report)
}

/// Queues that could not be looked at together with the store.
fn unsettled() -> ReceivedCheck {
    let said =
        "too much was being committed to compare the queues with the outcomes; verify again when less is going on";
    ReceivedCheck { said: said.into(), ..ReceivedCheck::default() }
}

/// The one queue of a store.
pub(crate) fn logs_of(queue: &Arc<dyn Queue>, central: &Arc<dyn Central>) -> Logs {
    let (queue, central) = (Arc::clone(queue), Arc::clone(central));
    Arc::new(move || {
        let snapshot = central.snapshot()?;
        let applied = Applied { queue: Arc::clone(&queue), positions: snapshot.positions()? };
        Ok((snapshot, vec![applied]))
    })
}

/// How many events there are to replay, at least roughly.
pub(crate) fn applied_events(central: &dyn Central, company: Option<&CompanyId>) -> u64 {
    let mut applied = 0;
    let counted = central.snapshot().and_then(|snapshot| {
        snapshot.outcomes(&mut |key, outcomes| {
            if company.is_none_or(|company| *company == key.company) {
                applied += outcomes.applied;
            }
            std::ops::ControlFlow::Continue(())
        })
    });
    counted.map_or(0, |()| u64::try_from(applied).unwrap_or(0))
}
