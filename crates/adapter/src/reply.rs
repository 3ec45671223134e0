//! The answer to `POST /v1/events`: counts, and what became of each event that was not simply accepted.

use crate::fault::Fault;
use cebe_central::engine_rows::SeenKey;
use serde::Serialize;
use smol_str::SmolStr;

/// What became of one event, as far as is known when answering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// Durable; it will be applied, or be found to be a duplicate or conflict.
    Accepted,
    /// Applied (`wait=true`).
    Applied,
    /// The same event was there already (`wait=true`).
    Duplicate,
    /// The same id was there with other content (`wait=true`).
    Conflict,
    /// Its source is switched off.
    Ignored,
    /// Refused and kept, to be corrected.
    Quarantined,
}

/// One event of the request.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct EventResult {
    /// Its place in the request, from 0.
    pub index: usize,
    /// Its id, or the one derived for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub event_id: Option<SmolStr>,
    /// What became of it.
    pub status: Status,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// Where in the event.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub path: Option<SmolStr>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub message: Option<SmolStr>,
    /// Number under which it can be looked up and replayed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub receipt: Option<SmolStr>,
    #[serde(skip)]
    pub(crate) claim: Option<Claim>,
    #[serde(skip)]
    pub(crate) source: Source,
}

/// What is counted and logged of an event, whatever became of it. Never contact data.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source {
    pub(crate) module: SmolStr,
    pub(crate) customer: Option<SmolStr>,
}

/// By what an accepted event is found again.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) key: SeenKey,
    pub(crate) content: [u8; 16],
}

impl EventResult {
    pub(crate) fn plain(index: usize, event_id: Option<SmolStr>, status: Status) -> Self {
        let source = Source::default();
        Self { index, event_id, status, code: None, path: None, message: None, receipt: None, claim: None, source }
    }

    pub(crate) fn refused(index: usize, event_id: Option<SmolStr>, fault: &Fault, receipt: SmolStr) -> Self {
        Self {
            code: Some(fault.code.as_str()),
            path: fault.path.clone(),
            message: Some(fault.hint_text()),
            receipt: Some(receipt),
            ..Self::plain(index, event_id, Status::Quarantined)
        }
    }
}

/// Counts and results.
#[derive(Clone, Debug, Default, Serialize, utoipa::ToSchema)]
pub(crate) struct Reply {
    /// Durable; with `wait=true` those of them that were not yet applied when the time ran out.
    pub accepted: usize,
    /// Applied (`wait=true`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub applied: Option<usize>,
    /// There already (`wait=true`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<usize>,
    /// There with other content (`wait=true`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conflict: Option<usize>,
    /// Their source is switched off.
    pub ignored: usize,
    /// Refused and kept.
    pub quarantined: usize,
    /// What was not accepted, or everything with `verbose=true` or `wait=true`.
    pub results: Vec<EventResult>,
}

impl Reply {
    /// Counts results. `waited` adds the outcomes that only the worker knows; `all` lists accepted events too.
    pub(crate) fn of(mut results: Vec<EventResult>, waited: bool, all: bool) -> Self {
        let count = |status| results.iter().filter(|result| result.status == status).count();
        let outcome = |status| waited.then(|| count(status));
        let mut reply = Self {
            accepted: count(Status::Accepted),
            applied: outcome(Status::Applied),
            duplicate: outcome(Status::Duplicate),
            conflict: outcome(Status::Conflict),
            ignored: count(Status::Ignored),
            quarantined: count(Status::Quarantined),
            results: Vec::new(),
        };
        results.retain(|result| all || waited || result.status != Status::Accepted);
        reply.results = results;
        reply
    }
}
