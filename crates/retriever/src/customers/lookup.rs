//! Look-up of a customer by an identifier: normalised and turned into a token under the company's key; the value is
//! never stored, logged or repeated.

use super::{person::Person, profile};
use crate::{
    company::Company,
    http::{Asked, ErrorBody, Parameters, Read, ReadError, read},
    reads::Shared,
};
use axum::{extract::State, response::Response};
use cebe_catalog::{IdentifierKind, Node, Token};
use cebe_privacy::{access::Action, normalise, token};
use serde_json::Value as Json;

/// A customer by phone, e-mail or any other identifier.
#[utoipa::path(get, path = "/v1/customers", tag = "customers",
    params(
        ("phone" = Option<String>, Query, description = "Any written form; the company's region fills in the country"),
        ("email" = Option<String>, Query, description = "E-mail address"),
        ("scope" = Option<String>, Query, description = "Ad platform, program or channel of a scoped identifier"),
    ),
    responses(
        (status = 200, description = "The profile, as GET /v1/customers/{id}", body = Object),
        (status = 400, description = "Not one identifier, or a malformed one", body = ErrorBody),
        (status = 404, description = "Nobody has it", body = ErrorBody),
        (status = 410, description = "Whoever had it was erased", body = ErrorBody),
    ))]
pub(crate) async fn lookup(State(house): State<Shared>, asked: Asked) -> Response {
    read(house, asked, Action::Read, answer).await
}

fn answer(read: &mut Read) -> Result<Json, ReadError> {
    let company = read.company()?;
    let (kind, text) = identifier(&mut read.parameters)?;
    let scope = read.parameters.take("scope")?;
    read.parameters.finish(&allowed())?;
    let node = node(read, &company, kind, &text, scope.as_deref())?;
    let person = Person::of(read, &company, &node)?;
    profile::masked(read, &company, &person)
}

fn identifier(parameters: &mut Parameters) -> Result<(Option<IdentifierKind>, String), ReadError> {
    let mut given = Vec::new();
    for kind in IdentifierKind::ALL {
        given.extend(parameters.take(kind.as_str())?.map(|text| (Some(kind), text)));
    }
    given.extend(parameters.take("qontak_customer_id")?.map(|text| (None, text)));
    let one = given.pop().filter(|_| given.is_empty());
    one.ok_or_else(|| {
        ReadError::invalid("identifier_required", "", "name exactly one identifier", format!("one of {}", allowed()))
    })
}

fn allowed() -> String {
    let kinds = IdentifierKind::ALL.map(IdentifierKind::as_str).join(", ");
    format!("{kinds}, qontak_customer_id; with scope, company_id")
}

/// The node of an identifier; a scoped one carries its scope in the domain of its token.
fn node(
    read: &Read,
    company: &Company,
    kind: Option<IdentifierKind>,
    text: &str,
    scope: Option<&str>,
) -> Result<Node, ReadError> {
    let Some(kind) = kind else { return Ok(Node::Customer(text.into())) };
    let region = company.row.settings.phone_region.as_str();
    let normalised = match kind {
        IdentifierKind::Phone => normalise::phone(text, Some(region)),
        IdentifierKind::Email => normalise::email(text),
        _ => normalise::opaque(text),
    };
    let normalised = normalised.ok_or_else(|| {
        ReadError::invalid("invalid_identifier", kind.as_str(), "not such an identifier", "check how it is written")
    })?;
    let domain = match scope {
        Some(scope) => format!("{}:{scope}", kind.as_str()),
        None => kind.as_str().to_owned(),
    };
    let keys = company.keys(read)?;
    Ok(Node::Token(kind, Token(token::token(&keys, &domain, &normalised))))
}
