//! `POST /v1/customers/{id}/unlink` and `DELETE /v1/customers/{id}`: identities taken apart, and a person erased.

use super::{
    Refusal, allow,
    body::{Asked, Sent},
    company_of,
};
use crate::{
    check::ids,
    desk::{Desk, DoorError},
    settings::{SettingError, object, take},
};
use axum::{
    Extension, Json,
    extract::{Path, State},
    http::HeaderMap,
};
use cebe_catalog::{
    Node,
    control::{Change, Unlink},
};
use cebe_privacy::access::{Action, Grant};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Which company, when the key serves several.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Whose {
    /// The company; the header `X-Company-Id` says the same.
    company_id: Option<String>,
}

impl Whose {
    /// The company named in the query.
    pub(super) fn query(&self) -> Option<&str> {
        self.company_id.as_deref()
    }
}

/// A link as it is named over HTTP, and as the identity shows it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    anchor: String,
    #[serde(alias = "identifier")]
    other: String,
}

const FORMS: &str = "send {\"links\":[{\"anchor\":…,\"identifier\":…}]}, {\"apart\":[id, id]} or {\"customer\":…,\"from\":…}, with \"undo\" to take it back";

/// Reject links, keep two ids apart, or take that back.
#[utoipa::path(post, path = "/v1/customers/{id}/unlink", tag = "customers",
    params(("id" = String, Path, description = "any id of the customer"), Whose), request_body(description = "{links} or {apart} or {customer, from}; undo; reason"),
    responses((status = 200, description = "applied"), (status = 400, body = super::error::ErrorBody),
        (status = 403, body = super::error::ErrorBody)))]
pub(super) async fn unlink(
    State(desk): State<Desk>,
    Extension(grant): Extension<Grant>,
    Path(id): Path<String>,
    Asked(whose): Asked<Whose>,
    headers: HeaderMap,
    Sent(body): Sent,
) -> Result<Json<Value>, Refusal> {
    allow(&grant, Action::Unlink)?;
    let company = company_of(&desk.view(), &grant, &headers, whose.query())?;
    let mut fields = object(&body, &["links", "apart", "customer", "from", "undo", "reason"])?;
    let unlink = Unlink {
        company: company.id.clone(),
        links: links(&mut fields)?,
        apart: apart(&id, &mut fields)?,
        undo: take(&mut fields, "undo", "true or false")?.unwrap_or(false),
        reason: take::<String>(&mut fields, "reason", "a text")?
            .map(|text| cebe_privacy::detect::scrub(&text).text.into())
            .unwrap_or_default(),
    };
    if unlink.links.is_empty() && unlink.apart.is_none() {
        return Err(SettingError::invalid("links", FORMS).into());
    }
    let answer = json!({"links": unlink.links.len(), "apart": unlink.apart.is_some(), "undo": unlink.undo});
    desk.change(&grant.key_id, Change::Unlink(unlink)).await?;
    Ok(Json(answer))
}

fn links(fields: &mut Map<String, Value>) -> Result<Vec<(Node, Node)>, SettingError> {
    let pairs: Vec<Pair> = take(fields, "links", FORMS)?.unwrap_or_default();
    pairs.iter().map(|pair| Ok((node("links", &pair.anchor)?, node("links", &pair.other)?))).collect()
}

/// An end of a link. Contact data is none: no event may have it as an id, and the record of an unlink is kept for ever.
fn node(path: &str, text: &str) -> Result<Node, SettingError> {
    let node = Node::parse(text);
    let is_contact = |id: &str| ids::is_contact(id) || (id.contains(':') && cebe_privacy::detect::scrub(id).found);
    match &node {
        Node::Customer(id) if is_contact(id) => {
            Err(SettingError::invalid(path, "name customer ids, or kind:token as the identity shows them"))
        }
        _ => Ok(node),
    }
}

fn apart(id: &str, fields: &mut Map<String, Value>) -> Result<Option<(Node, Node)>, SettingError> {
    let pair: Option<(String, String)> = take(fields, "apart", "two ids")?;
    let customer: Option<String> = take(fields, "customer", "an id")?;
    let from: Option<String> = take(fields, "from", "an id")?;
    let pair = pair.or_else(|| Some((customer.unwrap_or_else(|| id.to_owned()), from?)));
    let Some((one, other)) = pair else { return Ok(None) };
    match (node("apart", &one)?, node("apart", &other)?) {
        (one, other) if one == other => Err(SettingError::invalid("apart", "name two different ids")),
        pair => Ok(Some(pair)),
    }
}

/// Erase a person: values, links, facts and timeline go, counts stay.
#[utoipa::path(delete, path = "/v1/customers/{id}", tag = "customers",
    params(("id" = String, Path, description = "any id of the customer"), Whose),
    responses((status = 200, description = "the receipt"), (status = 202, description = "durable, not yet applied"),
        (status = 403, body = super::error::ErrorBody), (status = 404, body = super::error::ErrorBody)))]
pub(super) async fn delete(
    State(desk): State<Desk>,
    Extension(grant): Extension<Grant>,
    Path(id): Path<String>,
    Asked(whose): Asked<Whose>,
    headers: HeaderMap,
) -> Result<(axum::http::StatusCode, Json<Value>), Refusal> {
    allow(&grant, Action::Erase)?;
    let company = company_of(&desk.view(), &grant, &headers, whose.query())?;
    let customer = Node::parse(&id);
    if desk.snapshot()?.node(&company.id, &customer)?.is_none() {
        return Err(Refusal::NotFound("customer"));
    }
    let receipt = format!("{:020}-{}", desk.now().0, hex::encode(desk.random::<8>()?));
    let change = Change::Erase { company: company.id.clone(), customer, receipt: receipt.as_str().into() };
    let status = match desk.change(&grant.key_id, change).await {
        Ok(_) => axum::http::StatusCode::OK,
        Err(DoorError::NotYetApplied(_)) => axum::http::StatusCode::ACCEPTED,
        Err(error) => return Err(error.into()),
    };
    Ok((status, Json(json!({"receipt": receipt, "applied": status == axum::http::StatusCode::OK}))))
}
