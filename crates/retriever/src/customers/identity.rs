//! The evidence for a customer: its links, those that say nothing and why, and the pairs kept apart.

use super::person::Person;
use crate::{
    company::Company,
    http::{Asked, ErrorBody, Read, ReadError, read},
    reads::Shared,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use cebe_catalog::Node;
use cebe_engine::identity::{Closure, Inert, Input, LinkReport, NotJoined, Rows, Verdict, assemble, closure};
use cebe_privacy::access::Action;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;

/// Why a customer is one customer.
#[utoipa::path(get, path = "/v1/customers/{id}/identity", tag = "customers",
    params(("id" = String, Path, description = "A customer id, an alias, or kind:token")),
    responses(
        (status = 200, description = "Links with their evidence, inert ones with the reason, pairs kept apart", body = Object),
        (status = 404, description = "No such customer", body = ErrorBody),
        (status = 410, description = "Erased, with the receipt", body = ErrorBody),
    ))]
pub(crate) async fn identity(State(house): State<Shared>, Path(id): Path<String>, asked: Asked) -> Response {
    read(house, asked, Action::Read, move |read| answer(read, &id)).await
}

fn answer(read: &mut Read, id: &str) -> Result<Json, ReadError> {
    let company = read.company()?;
    read.parameters.finish("company_id")?;
    let person = Person::at(read, &company, id)?;
    let (rows, group) = group_of(read, &company, &person)?;
    let assembly = assemble(&Input { rows: &rows, nodes: &group.nodes, settings: &company.row.settings });
    let own = |node: &Node| person.nodes.iter().any(|(own, _)| own == node);
    let reports = assembly.reports.iter().filter(|report| own(&report.anchor) || own(&report.other));
    let (followed, other): (Vec<_>, Vec<_>) =
        reports.partition(|report| matches!(report.verdict, Verdict::Joined | Verdict::Redundant));
    let link = |report: &LinkReport| link_json(&rows, report);
    Ok(json!({
        "qontak_customer_id": person.id.to_text(),
        "resolved": person.resolved,
        "aliases": person.aliases.iter().map(Node::to_text).collect::<Vec<_>>(),
        "nodes": person.nodes.iter().map(|(node, _)| node.to_text()).collect::<Vec<_>>(),
        "links": followed.into_iter().map(link).collect::<Vec<_>>(),
        "inert": other.into_iter().map(link).collect::<Vec<_>>(),
        "apart": apart(&person),
        "blocked": person.nodes.iter().filter(|(_, row)| row.blocked).map(|(node, _)| node.to_text()).collect::<Vec<_>>(),
        "freshness": read.freshness.to_json(),
    }))
}

/// The whole group that the person is in, and every row that decides it.
fn group_of(read: &Read, company: &Company, person: &Person) -> Result<(Rows, Closure), ReadError> {
    let mut rows: Rows = person.nodes.iter().cloned().collect();
    let start: BTreeSet<Node> = rows.keys().cloned().collect();
    loop {
        let group = closure(&rows, &start, &company.row.settings);
        if group.missing.is_empty() {
            return Ok((rows, group));
        }
        for node in group.missing {
            read.in_time()?;
            let row = read.snapshot.node(&company.id, &node)?.unwrap_or_default();
            rows.insert(node, row);
        }
    }
}

fn apart(person: &Person) -> Vec<Json> {
    let pairs = person.nodes.iter().flat_map(|(node, row)| row.apart.iter().map(move |other| (node, other)));
    pairs.map(|(node, other)| json!([node.to_text(), other.to_text()])).collect()
}

fn link_json(rows: &Rows, report: &LinkReport) -> Json {
    let links = rows.get(&report.anchor).map(|row| row.links.as_slice()).unwrap_or_default();
    let evidence = links.iter().find(|link| link.anchor && link.other == report.other).map(|link| &link.evidence);
    let events = evidence.iter().flat_map(|evidence| evidence.earliest.iter());
    let events = events.map(|(at, name, id)| json!({ "at": at.to_rfc3339(), "event_name": name, "event_id": id }));
    let mut json = Map::from_iter([
        ("anchor".to_owned(), Json::from(report.anchor.to_text())),
        ("identifier".to_owned(), report.other.to_text().into()),
        ("earliest".to_owned(), report.earliest.to_rfc3339().into()),
        ("events".to_owned(), report.count.into()),
        ("evidence".to_owned(), events.collect()),
    ]);
    json.extend(verdict_json(&report.verdict));
    Json::Object(json)
}

fn verdict_json(verdict: &Verdict) -> Map<String, Json> {
    let json = match verdict {
        Verdict::Joined => json!({ "verdict": "joined" }),
        Verdict::Redundant => json!({ "verdict": "redundant" }),
        Verdict::Inert { reason } => json!({ "verdict": "inert", "reason": inert_json(reason) }),
        Verdict::NotJoined { reason, to } => {
            json!({ "verdict": "not_joined", "reason": not_joined_json(reason), "belongs_to": to.to_text() })
        }
    };
    match json {
        Json::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn inert_json(reason: &Inert) -> Json {
    match reason {
        Inert::Blocked { node } => json!({ "code": "blocked", "node": node.to_text() }),
        Inert::Rejected => json!({ "code": "rejected" }),
        Inert::ValueShared { value, by, limit } => {
            json!({ "code": "value_shared", "value": value.to_text(), "customers": by, "limit": limit })
        }
        Inert::TooManyValues { customer, kind, count, limit } => json!({
            "code": "too_many_values", "qontak_customer_id": customer.to_text(), "kind": kind.as_str(),
            "values": count, "limit": limit,
        }),
    }
}

fn not_joined_json(reason: &NotJoined) -> Json {
    match reason {
        NotJoined::KeptApart { a, b } => json!({ "code": "kept_apart", "pair": [a.to_text(), b.to_text()] }),
        NotJoined::LinkOnly => json!({ "code": "link_only" }),
        NotJoined::GroupTooLarge { anchors } => json!({ "code": "group_too_large", "anchors": anchors }),
    }
}
