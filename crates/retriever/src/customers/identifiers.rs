//! A customer's identifiers: kind, token, and the value behind it masked, or in clear for whoever may see it.

use super::{person::Person, reveal::Revealing};
use crate::{
    company::Company,
    http::{Read, ReadError},
};
use cebe_catalog::{IdentifierKind, Node, PiiClass, Token};
use cebe_privacy::{keys::CompanyKeys, mask, seal};
use serde_json::{Value as Json, json};

/// What an identifier of a kind is, as PII.
fn class_of(kind: IdentifierKind) -> PiiClass {
    match kind {
        IdentifierKind::Phone | IdentifierKind::Email => PiiClass::Contact,
        _ => PiiClass::Pseudonym,
    }
}

/// The identifiers, strongest kind first.
pub(super) fn identifiers(
    read: &Read,
    company: &Company,
    person: &Person,
    revealing: &mut Revealing,
) -> Result<Vec<Json>, ReadError> {
    let keys = company.keys(read)?;
    let mut shown = Vec::new();
    for (node, row) in &person.nodes {
        let Node::Token(kind, token) = node else { continue };
        let value = open(read, company, &keys, *token)?;
        let mut json = json!({
            "kind": kind.as_str(),
            "token": node.to_text(),
            "mask": value.as_deref().map_or(mask::HIDDEN.to_owned(), |value| masked(*kind, value)),
            "first_seen": row.seen.first_at().or_else(|| first_link(row)).map(cebe_catalog::Micros::to_rfc3339),
        });
        if let Some(value) = value.filter(|_| revealing.may_see_identifier(read, company, class_of(*kind))) {
            revealing.saw(kind.as_str());
            json["value"] = value.into();
        }
        shown.push(json);
    }
    Ok(shown)
}

fn first_link(row: &cebe_engine::rows::NodeRow) -> Option<cebe_catalog::Micros> {
    row.links.iter().filter_map(|link| link.evidence.first_at()).min()
}

/// The mask of an identifier's value.
fn masked(kind: IdentifierKind, value: &str) -> String {
    match kind {
        IdentifierKind::Phone => mask::phone(value),
        IdentifierKind::Email => mask::email(value),
        // Pseudonyms are shown whole in events; here their ends are enough to recognise them.
        _ => mask::name(value),
    }
}

/// The value that the vault keeps under a token; it is sealed with its token.
pub(super) fn open(
    read: &Read,
    company: &Company,
    keys: &CompanyKeys,
    token: Token,
) -> Result<Option<String>, ReadError> {
    let Some(sealed) = read.snapshot.vault(&company.id, &token)? else { return Ok(None) };
    let plain = seal::unseal(keys, &token.0, &sealed).map_err(|_| ReadError::Damaged("vault value"))?;
    Ok(Some(String::from_utf8_lossy(&plain).into_owned()))
}
