//! What the door knows of settings at one moment: keys, flags, companies with their secrets, fields and registered events.
//! It is loaded whole from a snapshot of the Central DB and shared; an event costs look-ups only.

use crate::remembered::ControlRows;
use cebe_catalog::{
    CompanyId, CompanySettings, Definitions, PiiClass,
    control::{KeyRow, SourceFlag, TeamRow},
    definition::EventDefinition,
};
use cebe_central::change::{ControlKind, ControlRow};
use cebe_central::{Snapshot, StoreError};
use cebe_privacy::{
    access::{Grant, Role, Scope, TeamView},
    keys::{CompanyKeys, KeyHash, MasterKey},
    seal::SealError,
};
use smol_str::SmolStr;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

/// All settings at one moment.
pub struct ControlView {
    /// Version of the control rows it was loaded from.
    pub version: u64,
    /// Keys by hash.
    pub keys: HashMap<KeyHash, Arc<KeyView>>,
    /// Companies by id.
    pub companies: HashMap<SmolStr, Arc<CompanyView>>,
    /// Flags by canonical module.
    pub flags: HashMap<SmolStr, FlagView>,
    /// Teams by id.
    pub teams: BTreeMap<SmolStr, TeamRow>,
    /// Definitions of the installation.
    pub definitions: Arc<Definitions>,
    /// Keys that seal what no company can be found for.
    pub installation: Arc<CompanyKeys>,
}

/// A key and what it may do.
#[derive(Clone, Debug)]
pub struct KeyView {
    /// As stored.
    pub row: KeyRow,
    /// What it has been given.
    pub grant: Grant,
}

/// A company as the door needs it.
pub struct CompanyView {
    /// Its id.
    pub id: CompanyId,
    /// Its settings.
    pub settings: CompanySettings,
    /// Its secrets.
    pub keys: CompanyKeys,
    /// PII classes of its own fields.
    pub fields: HashMap<SmolStr, PiiClass>,
    /// Events it registered, by name.
    pub events: BTreeMap<SmolStr, EventDefinition>,
}

/// A source's flag, ready to be asked.
#[derive(Clone, Debug, Default)]
pub struct FlagView {
    /// As stored.
    pub row: SourceFlag,
}

impl FlagView {
    /// Is the source on for a company?
    pub fn is_on(&self, company: &str) -> bool {
        self.row.enabled && self.row.companies.iter().any(|name| name == "*" || name == company)
    }
}

impl ControlView {
    /// Reads all control rows.
    pub fn load(from: &Snapshot, definitions: &Arc<Definitions>, master: &MasterKey) -> Result<Self, StoreError> {
        Ok(Self::of(&ControlRows::read(from)?, definitions, master))
    }

    /// The view that these rows give.
    pub(crate) fn of(rows: &ControlRows, definitions: &Arc<Definitions>, master: &MasterKey) -> Self {
        let mut view = Self {
            version: rows.version,
            keys: HashMap::new(),
            companies: HashMap::new(),
            flags: HashMap::new(),
            teams: BTreeMap::new(),
            definitions: Arc::clone(definitions),
            installation: Arc::new(installation_keys(master)),
        };
        view.load_companies(rows, master);
        view.load_flags(rows);
        view.load_keys(rows);
        view
    }

    /// The canonical name of a module, an alias or a module of a registered event of `company`.
    pub fn module(&self, name: &str, company: Option<&CompanyView>) -> Option<SmolStr> {
        if let Some(module) = self.definitions.module(name) {
            return Some(module.clone());
        }
        let registered = company.into_iter().flat_map(|company| company.events.values());
        registered.map(|event| &event.module).find(|module| *module == name).cloned()
    }

    /// The definition of an event for a company.
    pub fn event<'a>(&'a self, company: &'a CompanyView, name: &str) -> Option<&'a EventDefinition> {
        company.events.get(name).or_else(|| self.definitions.events.get(name))
    }

    /// Is the source on for the company?
    pub fn is_on(&self, module: &str, company: &str) -> bool {
        self.flags.get(module).is_some_and(|flag| flag.is_on(company))
    }

    fn load_companies(&mut self, rows: &ControlRows, master: &MasterKey) {
        let mut companies: HashMap<SmolStr, CompanyView> = HashMap::new();
        for (id, row) in rows.of(ControlKind::Company) {
            let ControlRow::Company(row) = row else { continue };
            match CompanyKeys::unwrap_with(master, &row.secrets) {
                Ok(keys) => {
                    let (id, settings) = (CompanyId::new(id), row.settings.clone());
                    let (fields, events) = (HashMap::new(), BTreeMap::new());
                    companies.insert(id.0.clone(), CompanyView { id, settings, keys, fields, events });
                }
                Err(error) => report_locked(id, error),
            }
        }
        for (id, row) in rows.of(ControlKind::Fields) {
            if let (Some(company), ControlRow::Fields(fields)) = (companies.get_mut(id), row) {
                let known = fields.iter().filter_map(|(name, class)| Some((name.clone(), class_named(class)?)));
                company.fields = known.collect();
            }
        }
        for (id, row) in rows.of(ControlKind::EventDefinition) {
            let ControlRow::EventDefinition(json) = row else { continue };
            let company = id.split('\0').next().and_then(|company| companies.get_mut(company));
            if let (Some(company), Ok(event)) = (company, serde_json::from_str::<EventDefinition>(json)) {
                company.events.insert(event.name.clone(), event);
            }
        }
        self.companies = companies.into_iter().map(|(id, company)| (id, Arc::new(company))).collect();
    }

    fn load_flags(&mut self, rows: &ControlRows) {
        for (module, row) in rows.of(ControlKind::Source) {
            if let ControlRow::Source(row) = row {
                self.flags.insert(module.into(), FlagView { row: row.clone() });
            }
        }
    }

    fn load_keys(&mut self, rows: &ControlRows) {
        for (id, row) in rows.of(ControlKind::Team) {
            if let ControlRow::Team(row) = row {
                self.teams.insert(id.into(), row.clone());
            }
        }
        for (_, row) in rows.of(ControlKind::Key) {
            if let ControlRow::Key(row) = row
                && let Some(role) = role_named(&row.role)
            {
                let (row, grant) = (row.clone(), self.grant(row, role));
                self.keys.insert(row.hash.into(), Arc::new(KeyView { row, grant }));
            }
        }
    }

    fn grant(&self, row: &KeyRow, role: Role) -> Grant {
        let modules = row.modules.iter().map(|name| self.definitions.module(name).unwrap_or(name).clone());
        let teams = row.teams.iter().filter_map(|id| match id.as_str() {
            "*" => Some(TeamView::everything()),
            id => self.teams.get(id).map(team_view),
        });
        Grant {
            key_id: row.id.to_string(),
            role,
            companies: scope(row.companies.iter().cloned()),
            modules: scope(modules),
            teams: teams.collect(),
            reveal: row.reveal,
        }
    }
}

fn team_view(team: &TeamRow) -> TeamView {
    TeamView { modules: scope(team.modules.iter().cloned()), pii_classes: scope(team.pii_classes.iter().cloned()) }
}

fn scope(names: impl Iterator<Item = SmolStr>) -> Scope {
    let names: Vec<String> = names.map(String::from).collect();
    if names.iter().any(|name| name == "*") { Scope::All } else { Scope::Only(names) }
}

fn report_locked(company: &str, error: SealError) {
    tracing::error!(company, %error, "the secrets of a company do not open; is this the right master key?");
}

/// The class of a name, as the field registry writes it.
pub(crate) fn class_named(name: &str) -> Option<PiiClass> {
    use PiiClass::*;
    let all = [None, Pseudonym, Contact, Name, Profile, FreeText, SecretLink, UrlParams, Staff, Unclassified];
    all.into_iter().find(|class| class.as_str() == name)
}

/// The role of a name.
pub(crate) fn role_named(name: &str) -> Option<Role> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
}

/// Keys under which bodies are sealed that belong to no known company: the same for one master key, and telling nothing
/// of it, because what a master key wraps looks random to whoever lacks it.
pub fn installation_keys(master: &MasterKey) -> CompanyKeys {
    let wrapped = CompanyKeys::from_random([0; 128]).wrap(master);
    let random = wrapped.last_chunk::<128>().expect("wrapped keys are longer than 128 bytes");
    CompanyKeys::from_random(*random)
}
