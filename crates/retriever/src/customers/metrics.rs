//! Every per-customer metric: a customer's facts over all its nodes, folded by the engine, as a company metric shows it.

use super::{facts::CustomerFacts, person::Person};
use crate::{
    company::Company,
    http::{Asked, ErrorBody, Read, ReadError, read},
    metrics::{customer_answer, parse_time},
    reads::Shared,
    scope,
};
use axum::{
    extract::{Path, State},
    response::Response,
};
use cebe_catalog::Micros;
use cebe_engine::customer::{Customer, customer_answers};
use cebe_privacy::{access::Action, mask};
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeSet;

/// Every metric of a customer.
#[utoipa::path(get, path = "/v1/customers/{id}/metrics", tag = "customers",
    params(
        ("id" = String, Path, description = "A customer id, an alias, or kind:token"),
        ("from" = Option<String>, Query, description = "Begin of a window, inclusive; lifetime when absent"),
        ("to" = Option<String>, Query, description = "End of a window, exclusive"),
    ),
    responses(
        (status = 200, description = "Each metric by name", body = Object),
        (status = 404, description = "No such customer", body = ErrorBody),
        (status = 410, description = "Erased, with the receipt", body = ErrorBody),
    ))]
pub(crate) async fn customer_metrics(State(house): State<Shared>, Path(id): Path<String>, asked: Asked) -> Response {
    read(house, asked, Action::Read, move |read| answer(read, &id)).await
}

fn answer(read: &mut Read, id: &str) -> Result<Json, ReadError> {
    let company = read.company()?;
    let window = window(read, &company)?;
    read.parameters.finish("from, to, company_id")?;
    let person = Person::at(read, &company, id)?;
    let facts = CustomerFacts::read(read, &company, &person)?;
    let metrics = all(read, &company, &facts, window);
    Ok(json!({
        "qontak_customer_id": person.resolved.then(|| person.id.to_text()),
        "resolved": person.resolved,
        "metrics": metrics,
        "freshness": read.freshness.to_json(),
    }))
}

/// A window when one is asked; lifetime otherwise.
fn window(read: &mut Read, company: &Company) -> Result<Option<(Micros, Micros)>, ReadError> {
    let mut time = |name: &str| -> Result<Option<Micros>, ReadError> {
        read.parameters.take(name)?.map(|text| parse_time(name, &text, &company.zone)).transpose()
    };
    Ok(match (time("from")?, time("to")?) {
        (None, None) => None,
        (from, to) => Some((from.unwrap_or(Micros::MIN), to.unwrap_or(Micros::END))),
    })
}

/// The metrics of a person that the key's teams read.
pub(super) fn all(
    read: &Read,
    company: &Company,
    facts: &CustomerFacts<'_>,
    window: Option<(Micros, Micros)>,
) -> Map<String, Json> {
    let customer = Customer {
        definitions: &company.definitions,
        settings: &company.row.settings,
        facts: &facts.folded(),
        tallies: &facts.tallies,
        as_of: read.now,
        window,
    };
    let staff = company.staff_names();
    let mut shown = Map::new();
    for (name, answer) in customer_answers(&customer) {
        let Some(metric) = company.definitions.metrics.get(&name) else { continue };
        if !read.grant.may_read_module(&metric.module) {
            continue;
        }
        let mut json = customer_answer(metric, &answer);
        if !scope::sees_staff(&read.grant, &metric.module) {
            hide_staff(&mut json, &staff);
        }
        shown.insert(name.to_string(), json);
    }
    shown
}

/// Hides agents' ids in what a view lists.
fn hide_staff(json: &mut Json, staff: &BTreeSet<&str>) {
    match json {
        Json::Array(items) => items.iter_mut().for_each(|item| hide_staff(item, staff)),
        Json::Object(fields) => {
            for (name, value) in fields {
                if staff.contains(name.as_str()) && !value.is_null() {
                    *value = mask::HIDDEN.into();
                } else {
                    hide_staff(value, staff);
                }
            }
        }
        _ => {}
    }
}
