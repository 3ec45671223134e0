//! What people did, as entries of the list of operations: reveals, erasures, unlinks, backups, and changes of keys, flags,
//! teams, companies and definitions. Entries name who and what, never a secret and never a person's value.

use cebe_catalog::{
    CompanyId,
    control::{AUDITS, Change},
};
use serde_json::{Value as Json, json};
use smol_str::SmolStr;

/// Kinds of changes, beside the operations that say what people did.
const CHANGES: [&str; 10] = [
    "erased",
    "unlinked",
    "key_made",
    "key_withdrawn",
    "source_changed",
    "company_changed",
    "fields_changed",
    "team_changed",
    "event_registered",
    "quarantine_replayed",
];

/// Whether entries of a kind are for those who may read audits only.
pub(super) fn is_audit(kind: &str) -> bool {
    AUDITS.contains(&kind) || CHANGES.contains(&kind)
}

/// An entry of the list.
pub(super) struct Entry {
    /// Its kind.
    pub(super) kind: SmolStr,
    /// The company it concerns; none: the installation.
    pub(super) company: Option<CompanyId>,
    /// What it says.
    pub(super) properties: Json,
}

impl Entry {
    /// The entry of a change; progress has none.
    pub(super) fn of(change: &Change) -> Option<Self> {
        let entry = |kind: &str, company: Option<&CompanyId>, properties| {
            Some(Self { kind: kind.into(), company: company.cloned(), properties })
        };
        match change {
            Change::Operation(operation) => {
                let properties = serde_json::from_str(&operation.json).unwrap_or(Json::Null);
                entry(&operation.kind, operation.company.as_ref(), properties)
            }
            Change::Erase { company, customer, receipt } => {
                entry("erased", Some(company), json!({"customer": customer.to_text(), "receipt": receipt}))
            }
            Change::Unlink(unlink) => {
                let apart = unlink.apart.as_ref().map(|(one, other)| [one.to_text(), other.to_text()]);
                entry("unlinked", Some(&unlink.company), json!({"apart": apart, "undo": unlink.undo}))
            }
            Change::Key(key) => {
                let scope = json!({"id": key.id, "role": key.role, "companies": key.companies, "modules": key.modules,
                    "teams": key.teams, "reveal": key.reveal});
                entry("key_made", None, scope)
            }
            Change::KeyRemoved { id } => entry("key_withdrawn", None, json!({"id": id})),
            Change::Source(flag) => entry("source_changed", None, json!(flag)),
            Change::Team(team) => entry("team_changed", None, json!(team)),
            Change::Company { id, settings, .. } => entry("company_changed", Some(id), json!({"settings": settings})),
            Change::Fields { company, classes } => entry("fields_changed", Some(company), json!({"classes": classes})),
            Change::EventDefinition { company, name, .. } => {
                entry("event_registered", Some(company), json!({"event_name": name}))
            }
            Change::Replayed { company, receipt } => {
                entry("quarantine_replayed", Some(company), json!({"receipt": receipt}))
            }
            Change::Rebuild { .. } | Change::Backfill(_) | Change::Sequences(_) | Change::Reconciliation(_) => None,
        }
    }
}
