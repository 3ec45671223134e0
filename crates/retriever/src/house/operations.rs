//! Operating events and audits, newest first. Who revealed, erased or changed what is for those who may read audits.

use super::audits::{Entry, is_audit};
use crate::{
    http::{Asked, Parameters, Read, ReadError, limit, page, read},
    reads::Shared,
};
use axum::{extract::State, response::Response};
use cebe_catalog::control::ControlRecord;
use cebe_central::Order;
use cebe_engine::change::{ControlKind, ControlRow};
use cebe_privacy::access::{Action, Grant, Scope};
use serde_json::{Value as Json, json};
use std::ops::ControlFlow;

const LIMIT_DEFAULT: usize = 100;

/// Operating events: breaches, rejections, reconciliations, progress, audits.
#[utoipa::path(get, path = "/v1/operations", tag = "operations",
    params(
        ("kind" = Option<String>, Query, description = "Only this kind"),
        ("before" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<usize>, Query, description = "At most 1,000"),
    ),
    responses((status = 200, description = "Newest first", body = Object)))]
pub(crate) async fn operations(State(house): State<Shared>, asked: Asked) -> Response {
    read(house, asked, Action::ReadOperations, answer).await
}

struct Filter {
    kind: Option<String>,
    company: Option<String>,
    before: Option<String>,
}

impl Filter {
    fn parse(parameters: &mut Parameters, company: Option<String>) -> Result<Self, ReadError> {
        Ok(Self { kind: parameters.take("kind")?, company, before: parameters.take("before")? })
    }

    fn shows(&self, grant: &Grant, entry: &Entry) -> bool {
        let company = entry.company.as_ref().map(cebe_catalog::CompanyId::as_str);
        let allowed = match company {
            Some(company) => grant.allows_company(company),
            None => grant.companies == Scope::All,
        };
        allowed
            && (!is_audit(&entry.kind) || grant.may(Action::ReadAudit))
            && self.kind.as_ref().is_none_or(|kind| entry.kind == *kind)
            && self.company.as_ref().is_none_or(|wanted| company == Some(wanted.as_str()))
    }
}

fn answer(read: &mut Read) -> Result<Json, ReadError> {
    let limit = limit(&mut read.parameters, LIMIT_DEFAULT)?;
    let company = read.named_company()?;
    let filter = Filter::parse(&mut read.parameters, company)?;
    read.parameters.finish("kind, before, limit, company_id")?;
    if filter.kind.as_deref().is_some_and(is_audit) && !read.grant.may(Action::ReadAudit) {
        return Err(ReadError::Forbidden(Action::ReadAudit));
    }
    let (mut items, mut next) = (Vec::new(), None);
    let grant = &read.grant;
    read.snapshot.control_all(ControlKind::Operation, "", Order::Backward, &mut |id, row| {
        let ControlRow::Operation(record) = row else { return ControlFlow::Continue(()) };
        let Some(entry) = Entry::of(&record.change) else { return ControlFlow::Continue(()) };
        if filter.before.as_deref().is_some_and(|before| id >= before) || !filter.shows(grant, &entry) {
            return ControlFlow::Continue(());
        }
        if items.len() == limit {
            next = items.last().map(|(id, _): &(String, Json)| id.clone());
            return ControlFlow::Break(());
        }
        items.push((id.to_owned(), entry_json(id, &record, entry)));
        ControlFlow::Continue(())
    })?;
    read.in_time()?;
    Ok(page("operations", items.into_iter().map(|(_, item)| item).collect(), next, read.freshness))
}

fn entry_json(id: &str, record: &ControlRecord, entry: Entry) -> Json {
    json!({
        "id": id,
        "kind": entry.kind,
        "company_id": entry.company,
        "at": record.received_at.to_rfc3339(),
        "by": record.by,
        "properties": entry.properties,
    })
}
