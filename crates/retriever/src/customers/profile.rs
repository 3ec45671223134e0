//! The profile: who the customer is, masked; in clear only for a key that may see it, after the audit is durable.

use super::{facts::CustomerFacts, identifiers, metrics, person::Person, reveal::Revealing};
use crate::{
    company::Company,
    http::{Asked, ErrorBody, Read, ReadError, run},
    reads::Shared,
};
use axum::{
    Json as JsonReply,
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use cebe_catalog::{Node, Value, control::Operation, value};
use cebe_privacy::access::Action;
use serde_json::{Map, Value as Json, json};
use smol_str::SmolStr;

/// The kind of fact that profile fields are.
const FIELD: &str = "field";

/// A customer's profile.
#[utoipa::path(get, path = "/v1/customers/{id}", tag = "customers",
    params(
        ("id" = String, Path, description = "A customer id, an alias, or kind:token"),
        ("reveal" = Option<bool>, Query, description = "Show values in clear; a right of its own, and audited"),
    ),
    responses(
        (status = 200, description = "Fields, identifiers, aliases, aggregates, segments, consent", body = Object),
        (status = 403, description = "Not for this key", body = ErrorBody),
        (status = 404, description = "No such customer", body = ErrorBody),
        (status = 410, description = "Erased, with the receipt", body = ErrorBody),
        (status = 503, description = "Not in time, or the audit could not be written", body = ErrorBody),
    ))]
pub(crate) async fn profile(State(house): State<Shared>, Path(id): Path<String>, asked: Asked) -> Response {
    let (audit, by) = (house.reads.audit.clone(), asked.grant.key_id.clone());
    let (answer, entry) = match run(house, asked, Action::Read, move |read| answer(read, &id)).await {
        Ok(answered) => answered,
        Err(error) => return error.into_response(),
    };
    // Law 9: nothing is shown before its audit is durable.
    if let Some(entry) = entry
        && let Err(reason) = audit(entry, by).await
    {
        tracing::error!(reason, "the audit of a reveal was not written");
        return ReadError::AuditFailed.into_response();
    }
    JsonReply(answer).into_response()
}

fn answer(read: &mut Read, id: &str) -> Result<(Json, Option<Operation>), ReadError> {
    let company = read.company()?;
    let mut revealing = Revealing::parse(read)?;
    read.parameters.finish("reveal, company_id")?;
    let person = Person::at(read, &company, id)?;
    let profile = build(read, &company, &person, &mut revealing)?;
    Ok((profile, revealing.audit(read, &company, &person)))
}

/// The profile with nothing in clear.
pub(super) fn masked(read: &Read, company: &Company, person: &Person) -> Result<Json, ReadError> {
    build(read, company, person, &mut Revealing::nothing())
}

fn build(read: &Read, company: &Company, person: &Person, revealing: &mut Revealing) -> Result<Json, ReadError> {
    let times = |first: &dyn Fn(&cebe_engine::rows::NodeRow) -> Option<cebe_catalog::Micros>| {
        person.nodes.iter().filter_map(|(_, row)| first(row)).min().map(cebe_catalog::Micros::to_rfc3339)
    };
    let facts = CustomerFacts::read(read, company, person)?;
    let aggregates = metrics::all(read, company, &facts, None);
    let part = |name: &str| aggregates.get(name).and_then(|metric| metric.get("value")).cloned().unwrap_or(Json::Null);
    let (segments, consent, memberships) = (part("segments"), part("consent"), part("memberships"));
    Ok(json!({
        "id": person.id.to_text(),
        "qontak_customer_id": person.resolved.then(|| person.id.to_text()),
        "resolved": person.resolved,
        "aliases": person.aliases.iter().map(Node::to_text).collect::<Vec<_>>(),
        "created_at": times(&|row| row.created.first_at()),
        "first_seen": times(&|row| row.seen.first_at()),
        "events": person.nodes.iter().map(|(_, row)| row.seen.count).sum::<u64>(),
        "fields": fields(read, company, &facts, revealing)?,
        "identifiers": identifiers::identifiers(read, company, person, revealing)?,
        "aggregates": aggregates,
        "segments": segments,
        "consent": consent,
        "memberships": memberships,
        "freshness": read.freshness.to_json(),
    }))
}

/// The latest value of each profile field; a cleared field is not there.
fn fields(
    read: &Read,
    company: &Company,
    facts: &CustomerFacts<'_>,
    revealing: &mut Revealing,
) -> Result<Json, ReadError> {
    let mut shown = Map::new();
    for fact in facts.folded().iter().filter(|fact| fact.definition.name == FIELD) {
        let module = fact.definition.module.as_str();
        if let (true, Value::Map(view)) = (read.grant.may_read_module(module), &fact.folded.view) {
            shown.insert(fact.key.to_owned(), field(read, company, module, (fact.key, view), revealing)?);
        }
    }
    Ok(Json::Object(shown))
}

fn field(
    read: &Read,
    company: &Company,
    module: &str,
    (name, view): (&str, &[(SmolStr, Value)]),
    revealing: &mut Revealing,
) -> Result<Json, ReadError> {
    let part = |name: &str| value::field(view, name).unwrap_or(&Value::Null);
    let value = part("value");
    let mut json = json!({ "value": value.to_json(), "since": part("since").to_json() });
    if let Value::Sealed { token, class, .. } = value {
        json["pii"] = class.as_str().into();
        if revealing.may_see(read, module, *class) {
            let keys = company.keys(read)?;
            if let Some(plain) = identifiers::open(read, company, &keys, *token)? {
                revealing.saw(name);
                json["value"] = plain.into();
                json["revealed"] = true.into();
            }
        }
    }
    Ok(json)
}
