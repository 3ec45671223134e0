//! How a read runs: on a blocking thread, over one snapshot, within a deadline.

use super::{Asked, Parameters, ReadError};
use crate::{company::Company, freshness::Freshness, reads::Shared, scope};
use axum::{
    Json,
    response::{IntoResponse, Response},
};
use cebe_catalog::Micros;
use cebe_central::Snapshot;
use cebe_privacy::access::{Action, Grant};
use serde_json::Value;
use std::time::Instant;

/// One read: a snapshot, who asks, and what is left of the query.
pub(crate) struct Read {
    pub(crate) house: Shared,
    pub(crate) snapshot: Snapshot,
    pub(crate) grant: Grant,
    pub(crate) parameters: Parameters,
    pub(crate) now: Micros,
    pub(crate) freshness: Freshness,
    named_company: Option<String>,
    ends: Instant,
}

impl Read {
    /// The read of a request, over a fresh snapshot.
    fn begin(house: Shared, asked: Asked) -> Result<Self, ReadError> {
        // Freshness is taken first, so that the snapshot is never older than it says.
        let freshness = (house.reads.freshness)();
        let snapshot = house.reads.central.snapshot()?;
        let now = (house.reads.clock)();
        let ends = Instant::now() + house.settings.deadline;
        let Asked { grant, company, parameters, .. } = asked;
        Ok(Self { house, snapshot, grant, parameters, now, freshness, named_company: company, ends })
    }

    /// The company of the request, which must exist.
    pub(crate) fn company(&mut self) -> Result<Company, ReadError> {
        let id = scope::company_of(&self.grant, self.named_company.as_deref())?;
        let company = Company::load(self, id)?;
        self.freshness.stale |= company.row.rebuilding;
        Ok(company)
    }

    /// The company that the request names, if it names one, which the key must serve.
    pub(crate) fn named_company(&self) -> Result<Option<String>, ReadError> {
        match &self.named_company {
            Some(id) if !self.grant.allows_company(id) => Err(ReadError::CompanyNotAllowed),
            named => Ok(named.clone()),
        }
    }

    /// Stops work that nobody waits for any more.
    pub(crate) fn in_time(&self) -> Result<(), ReadError> {
        if Instant::now() < self.ends { Ok(()) } else { Err(ReadError::Timeout) }
    }
}

/// Runs a read that the key's role must allow.
pub(crate) async fn read<F>(house: Shared, asked: Asked, action: Action, answer: F) -> Response
where
    F: FnOnce(&mut Read) -> Result<Value, ReadError> + Send + 'static,
{
    match run(house, asked, action, answer).await {
        Ok(answer) => Json(answer).into_response(),
        Err(error) => error.into_response(),
    }
}

/// As [`read`]; remembers the answer, and gives the remembered one, labelled stale, when the read does not end in time.
pub(crate) async fn read_remembered<F>(house: Shared, asked: Asked, action: Action, answer: F) -> Response
where
    F: FnOnce(&mut Read) -> Result<Value, ReadError> + Send + 'static,
{
    // Under the whole grant, so that nobody gets an answer that was made for wider rights.
    let name = format!("{:?} {:?} {}", asked.grant, asked.company, asked.address);
    match run(house.clone(), asked, action, answer).await {
        Ok(answer) => {
            house.last.put(name, &answer);
            Json(answer).into_response()
        }
        Err(ReadError::Timeout) => match house.last.stale(&name) {
            Some(answer) => {
                count("remembered");
                Json(answer).into_response()
            }
            None => ReadError::Timeout.into_response(),
        },
        Err(error) => error.into_response(),
    }
}

/// Runs a read on a blocking thread until it ends or its time is up.
pub(crate) async fn run<T, F>(house: Shared, asked: Asked, action: Action, answer: F) -> Result<T, ReadError>
where
    T: Send + 'static,
    F: FnOnce(&mut Read) -> Result<T, ReadError> + Send + 'static,
{
    scope::require(&asked.grant, action)?;
    let (deadline, one_thread) = (house.settings.deadline, house.settings.one_thread);
    let work = move || {
        let mut read = Read::begin(house, asked)?;
        let answer = answer(&mut read)?;
        Ok((answer, if read.freshness.stale { "stale" } else { "fresh" }))
    };
    let read = async { if one_thread { Ok(work()) } else { tokio::task::spawn_blocking(work).await } };
    match tokio::time::timeout(deadline, read).await {
        Ok(Ok(Ok((answer, freshness)))) => {
            count(freshness);
            Ok(answer)
        }
        Ok(Ok(Err(error))) => Err(error),
        Ok(Err(_)) => Err(ReadError::Damaged("a read stopped")),
        Err(_) => {
            count("late");
            Err(ReadError::Timeout)
        }
    }
}

/// Counts an answer by how fresh it is.
fn count(freshness: &'static str) {
    metrics::counter!("cebe_retriever_answers_total", "freshness" => freshness).increment(1);
}
