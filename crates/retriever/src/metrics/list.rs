//! The list of metrics: what each is, its unit, and how it may be cut.

use super::dimension;
use crate::{
    http::{Asked, Read, ReadError, read},
    reads::Shared,
    scope,
};
use axum::{extract::State, response::Response};
use cebe_privacy::access::Action;
use serde_json::{Value as Json, json};

/// The metrics that the key's teams read.
#[utoipa::path(get, path = "/v1/metrics", tag = "metrics",
    responses((status = 200, description = "Every metric with its unit, dimensions and definition", body = Object)))]
pub(crate) async fn list(State(house): State<Shared>, asked: Asked) -> Response {
    read(house, asked, Action::Read, answer).await
}

fn answer(read: &mut Read) -> Result<Json, ReadError> {
    let company = read.company()?;
    read.parameters.finish("company_id")?;
    let shown = company.definitions.metrics.values().filter(|metric| scope::sees_metric(&read.grant, metric));
    let metrics = shown.map(|metric| {
        json!({
            "name": metric.name,
            "title": metric.title,
            "module": metric.module,
            "unit": metric.unit,
            "company": metric.company,
            "customer": metric.customer,
            "dimensions": dimension::allowed(&company, metric),
            "beside": metric.beside.keys().collect::<Vec<_>>(),
            "about": metric.about,
        })
    });
    Ok(json!({ "metrics": metrics.collect::<Vec<_>>(), "freshness": read.freshness.to_json() }))
}
