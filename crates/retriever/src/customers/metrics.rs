//! Every per-customer metric: a customer's facts over all its nodes, folded by the engine, as a company metric shows it.

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
use cebe_privacy::access::Action;
use serde_json::{Map, Value as Json, json};

/// Every metric of a customer.
#[utoipa::path(get, path = "/v1/customers/{id}/metrics", tag = "customers",
    params(("id" = String, Path, description = "A customer id, an alias, or kind:token")),
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
    read.parameters.finish("company_id")?;
    let person = Person::at(read, &company, id)?;
    let metrics = all(read, &company, &person)?;
    Ok(json!({
        "qontak_customer_id": person.id.to_text(),
        "resolved": person.resolved,
        "metrics": metrics,
        "freshness": read.freshness.to_json(),
    }))
}

/// The metrics of a person that the key's teams read.
pub(super) fn all(_read: &Read, _company: &Company, _person: &Person) -> Result<Map<String, Json>, ReadError> {
    Ok(Map::new())
}
