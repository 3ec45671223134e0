//! Changes that are not events: settings, keys, flags, definitions, links, erasures, audits. They travel through the
//! queue like events, so that they have a place in its order and survive what events survive.

use crate::{
    backfill::BackfillStep, ids::CompanyId, node::Node, reconciliation::ReconciliationRow, sequence::SequenceSpan,
    settings::CompanySettings, time::Micros,
};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// One change, who made it and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ControlRecord {
    /// When the door took it.
    pub received_at: Micros,
    /// The key that asked for it; `system` for the engine's own.
    pub by: SmolStr,
    /// What changes.
    pub change: Change,
}

/// The kinds of change. Ordinals are stored and never reused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// A company is created or its settings change. `secrets` are its wrapped keys, made at creation and never replaced.
    Company {
        /// Which.
        id: CompanyId,
        /// All its settings from now on.
        settings: CompanySettings,
        /// Wrapped company keys.
        secrets: Option<Vec<u8>>,
    },
    /// The flag `cebe_event_ingestion` of one source.
    Source(SourceFlag),
    /// An API key is made.
    Key(KeyRow),
    /// An API key is taken away.
    KeyRemoved {
        /// Its id.
        id: SmolStr,
    },
    /// A team's scope.
    Team(TeamRow),
    /// PII classes of a company's own fields.
    Fields {
        /// Which company.
        company: CompanyId,
        /// Field name to PII class name.
        classes: BTreeMap<SmolStr, SmolStr>,
    },
    /// An event definition registered at run time, as its TOML or JSON text in JSON form.
    EventDefinition {
        /// Which company.
        company: CompanyId,
        /// The event's name.
        name: SmolStr,
        /// The definition as JSON text.
        json: String,
    },
    /// Links rejected and two ids kept apart, or that undone.
    Unlink(Unlink),
    /// A person is erased.
    Erase {
        /// Which company.
        company: CompanyId,
        /// Any anchor of the person.
        customer: Node,
        /// Id of the receipt.
        receipt: SmolStr,
    },
    /// Something that is kept to be looked up: the audit of a reveal, an operating event.
    Operation(Operation),
    /// Recompute one company from its log (after a change of zone, windows, scales or limits, or for large groups).
    Rebuild {
        /// Which company.
        company: CompanyId,
    },
    /// A quarantined event was corrected and sent again.
    Replayed {
        /// Which company.
        company: CompanyId,
        /// Receipt of the quarantined event.
        receipt: SmolStr,
    },
    /// A backfill begins, goes on or ends.
    Backfill(BackfillStep),
    /// Sequence numbers that the events of the same append carry.
    Sequences(Vec<SequenceSpan>),
    /// What a source says it sent, and what the comparison found.
    Reconciliation(Box<ReconciliationRow>),
}

/// Kinds of operations that say what a person did; all others say how the engine is doing.
pub const AUDITS: [&str; 2] = ["pii_revealed", "backup_taken"];

impl Change {
    /// The company whose rows it changes; `None` for those of the whole installation. Steps of a backfill that is under
    /// way do not say: whoever takes them knows.
    pub fn company(&self) -> Option<&CompanyId> {
        match self {
            Self::Company { id, .. } => Some(id),
            Self::Fields { company, .. }
            | Self::EventDefinition { company, .. }
            | Self::Erase { company, .. }
            | Self::Rebuild { company }
            | Self::Replayed { company, .. } => Some(company),
            Self::Unlink(unlink) => Some(&unlink.company),
            Self::Operation(operation) => operation.company.as_ref(),
            Self::Sequences(spans) => spans.first().map(|span| &span.company),
            Self::Reconciliation(row) => Some(&row.company),
            Self::Backfill(BackfillStep::Created(row)) => row.company.as_ref(),
            Self::Backfill(_) | Self::Source(_) | Self::Key(_) | Self::KeyRemoved { .. } | Self::Team(_) => None,
        }
    }

    /// Whether it says what a person did.
    pub fn is_audit(&self) -> bool {
        match self {
            Self::Operation(operation) => AUDITS.contains(&operation.kind.as_str()),
            _ => true,
        }
    }
}

/// On or off, and for whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFlag {
    /// Canonical module.
    pub module: SmolStr,
    /// The flag.
    pub enabled: bool,
    /// Companies it is on for; `*` is all.
    pub companies: Vec<SmolStr>,
}

/// A stored API key: its hash, never itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRow {
    /// Public id.
    pub id: SmolStr,
    /// What people call it.
    pub name: SmolStr,
    /// SHA-256 of the key.
    pub hash: [u8; 32],
    /// publisher, reader, analyst, operator or admin.
    pub role: SmolStr,
    /// Companies it serves; `*` is all. The first named one is its home company.
    pub companies: Vec<SmolStr>,
    /// Modules it may publish; `*` is all.
    pub modules: Vec<SmolStr>,
    /// Teams that bound what it reads; `*` is no bound.
    pub teams: Vec<SmolStr>,
    /// May see PII in clear.
    pub reveal: bool,
    /// When it was made.
    pub created_at: Micros,
}

/// What a team may see.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamRow {
    /// Its id.
    pub id: SmolStr,
    /// Modules it reads; `*` is all.
    pub modules: Vec<SmolStr>,
    /// PII classes it may see in clear; `*` is all.
    pub pii_classes: Vec<SmolStr>,
}

/// Rejects links and keeps two ids apart, or takes that back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unlink {
    /// Which company.
    pub company: CompanyId,
    /// The pairs whose links are rejected, each in (anchor, identifier) order.
    pub links: Vec<(Node, Node)>,
    /// Two ids that must not end in one customer.
    pub apart: Option<(Node, Node)>,
    /// Take an earlier unlink of the same pairs back.
    pub undo: bool,
    /// Why, in the words of whoever asked.
    pub reason: SmolStr,
}

/// A named operating event or audit entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Such as `pii_revealed`, `cebe_propagation_slo_breach`.
    pub kind: SmolStr,
    /// The company it concerns.
    pub company: Option<CompanyId>,
    /// Properties as JSON text; never PII.
    pub json: String,
}
