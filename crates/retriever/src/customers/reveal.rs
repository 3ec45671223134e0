//! Revealing: what a key may see in clear, and the audit entry that says what it saw. The entry is durable before
//! anything is shown.

use super::person::Person;
use crate::{
    company::Company,
    http::{Read, ReadError},
};
use cebe_catalog::{PiiClass, control::Operation};
use cebe_privacy::access::Action;
use serde_json::json;
use std::collections::BTreeSet;

/// The kind of the audit entry.
pub(crate) const PII_REVEALED: &str = "pii_revealed";

/// What is revealed in one answer.
#[derive(Debug, Default)]
pub(super) struct Revealing {
    asked: bool,
    seen: BTreeSet<String>,
}

impl Revealing {
    /// Nothing is revealed.
    pub(super) fn nothing() -> Self {
        Self::default()
    }

    /// Reads `reveal=true`, which needs the right to it.
    pub(super) fn parse(read: &mut Read) -> Result<Self, ReadError> {
        let asked = read.parameters.flag("reveal")?;
        if asked && !read.grant.may(Action::Reveal) {
            return Err(ReadError::Forbidden(Action::Reveal));
        }
        Ok(Self { asked, seen: BTreeSet::new() })
    }

    /// May a value of this class that a module sent be shown?
    pub(super) fn may_see(&self, read: &Read, module: &str, class: PiiClass) -> bool {
        self.asked && read.grant.may_reveal(module, class.as_str())
    }

    /// May an identifier of this class be shown? Identifiers come from any module.
    pub(super) fn may_see_identifier(&self, read: &Read, company: &Company, class: PiiClass) -> bool {
        company.definitions.modules.keys().any(|module| self.may_see(read, module, class))
    }

    /// Notes what was seen: names, never values.
    pub(super) fn saw(&mut self, name: &str) {
        self.seen.insert(name.to_owned());
    }

    /// The audit entry, when something was asked to be revealed.
    pub(super) fn audit(&self, read: &Read, company: &Company, person: &Person) -> Option<Operation> {
        let entry = || {
            json!({
                "key_id": read.grant.key_id,
                "customer": person.id.to_text(),
                "fields": self.seen,
                "at": read.now.to_rfc3339(),
            })
        };
        self.asked.then(|| Operation {
            kind: PII_REVEALED.into(),
            company: Some(company.id.clone()),
            json: entry().to_string(),
        })
    }
}
