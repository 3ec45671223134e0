//! Who may do and see what: roles and the acts they allow, and the companies, modules and teams that bound a key.
//! Reveal is a right of its own: no role carries it, a key is given it.

use serde::de::{Deserialize, Deserializer};
use serde::{Deserialize as DeriveDeserialize, Serialize, Serializer};

/// What stands for "all of them" where names are listed.
const EVERYTHING: &str = "*";

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, DeriveDeserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Pushes events and reads nothing.
    Publisher,
    /// Reads customers, metrics and the catalog.
    Reader,
    /// A reader who also sees quarantine and operations, and exports.
    Analyst,
    /// An analyst who also runs the installation's sources, companies and data.
    Operator,
    /// Everything, keys, teams and erasure included.
    Admin,
}

/// Something that a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, DeriveDeserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// `POST /v1/events`.
    PublishEvents,
    /// Profiles, timelines, identity, metrics, the catalog; sources, companies and fields as they are set.
    Read,
    /// Quarantined events and why.
    ReadQuarantine,
    /// Breaches, rejections, progress: the operating events.
    ReadOperations,
    /// Taking data out in bulk.
    Export,
    /// Flags and companies of a source.
    WriteSources,
    /// Settings of a company.
    WriteCompanies,
    /// PII classes of a company's own fields.
    WriteFields,
    /// Registering events.
    WriteCatalog,
    /// Sending quarantined events in again.
    Replay,
    /// Bringing history in.
    Backfill,
    /// Comparing with a source's own counts.
    Reconcile,
    /// Recomputing a live store.
    Verify,
    /// Taking identities apart.
    Unlink,
    /// Erasing a person.
    Erase,
    /// Listing keys.
    ReadKeys,
    /// Making and withdrawing keys.
    WriteKeys,
    /// Listing teams.
    ReadTeams,
    /// Setting what a team reads.
    WriteTeams,
    /// Who revealed what, and who took backups.
    ReadAudit,
    /// Taking the whole store out.
    Backup,
    /// Seeing a value behind its mask.
    Reveal,
}

impl Role {
    /// Whether the role alone allows an act. Never so for [`Action::Reveal`]: ask [`Grant::may`].
    pub fn may(self, action: Action) -> bool {
        if action == Action::Reveal {
            return false;
        }
        match self {
            Self::Publisher => action == Action::PublishEvents,
            Self::Reader => is_reading(action),
            Self::Analyst => is_reading(action) || is_analysing(action),
            Self::Operator => is_reading(action) || is_analysing(action) || is_operating(action),
            Self::Admin => true,
        }
    }
}

fn is_reading(action: Action) -> bool {
    action == Action::Read
}

fn is_analysing(action: Action) -> bool {
    matches!(action, Action::ReadQuarantine | Action::ReadOperations | Action::Export)
}

fn is_operating(action: Action) -> bool {
    use Action::{
        Backfill, Reconcile, Replay, Unlink, Verify, WriteCatalog, WriteCompanies, WriteFields, WriteSources,
    };
    matches!(
        action,
        WriteSources | WriteCompanies | WriteFields | WriteCatalog | Replay | Backfill | Reconcile | Verify | Unlink
    )
}

/// All, or only those named. Written as a list of names, `["*"]` for all; read from a list or a single name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Every one, those to come included.
    All,
    /// These alone; an empty list is none.
    Only(Vec<String>),
}

impl Scope {
    /// Whether a name lies within.
    pub fn allows(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|allowed| allowed == name),
        }
    }

    fn from_names(names: Vec<String>) -> Self {
        if names.iter().any(|name| name == EVERYTHING) { Self::All } else { Self::Only(names) }
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::All => [EVERYTHING].as_slice().serialize(serializer),
            Self::Only(names) => names.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(DeriveDeserialize)]
        #[serde(untagged)]
        enum Written {
            One(String),
            Many(Vec<String>),
        }
        // Binary formats do not say what comes, so they always hold the list.
        if !deserializer.is_human_readable() {
            return Vec::deserialize(deserializer).map(Self::from_names);
        }
        Ok(match Written::deserialize(deserializer)? {
            Written::One(name) => Self::from_names(vec![name]),
            Written::Many(names) => Self::from_names(names),
        })
    }
}

/// What one team reads: whole modules, and of them the PII classes it may see revealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, DeriveDeserialize)]
pub struct TeamView {
    /// Modules whose events and metrics the team reads.
    pub modules: Scope,
    /// PII classes that a key with the right to reveal may reveal through this team.
    pub pii_classes: Scope,
}

impl TeamView {
    /// The view of the team `*`.
    pub fn everything() -> Self {
        Self { modules: Scope::All, pii_classes: Scope::All }
    }
}

/// What a key has been given, as the middleware resolves it for one call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, DeriveDeserialize)]
pub struct Grant {
    /// The key's id, as the audit names it.
    pub key_id: String,
    /// What the key is for.
    pub role: Role,
    /// Companies the key serves.
    pub companies: Scope,
    /// Modules the key serves.
    pub modules: Scope,
    /// Views of the key's teams; what the key reads is their union, so none is nothing.
    pub teams: Vec<TeamView>,
    /// Whether the key may see values behind their masks.
    pub reveal: bool,
}

impl Grant {
    /// Whether the key may do this at all; companies, modules and teams bound it further.
    pub fn may(&self, action: Action) -> bool {
        match action {
            Action::Reveal => self.reveal && self.role.may(Action::Read),
            other => self.role.may(other),
        }
    }

    /// Whether the key serves a company.
    pub fn allows_company(&self, company_id: &str) -> bool {
        self.companies.allows(company_id)
    }

    /// Whether the key serves a module: events of others it may neither push nor read.
    pub fn allows_module(&self, source_module: &str) -> bool {
        self.modules.allows(source_module)
    }

    /// Whether reads under this key may show a module's events and metrics.
    pub fn may_read_module(&self, source_module: &str) -> bool {
        self.may(Action::Read)
            && self.allows_module(source_module)
            && self.teams.iter().any(|team| team.modules.allows(source_module))
    }

    /// Whether a value of a PII class that a module sent may be shown in full: one and the same team must read the
    /// module and see the class.
    pub fn may_reveal(&self, source_module: &str, pii_class: &str) -> bool {
        self.may(Action::Reveal)
            && self.allows_module(source_module)
            && self.teams.iter().any(|team| team.modules.allows(source_module) && team.pii_classes.allows(pii_class))
    }
}

#[cfg(test)]
mod tests;
