//! Events registered at run time, per company: read from the body of `PUT /v1/catalog/events/{name}`, checked like those
//! in files, additive over what was there, and laid over the standard definitions without copying them.

use super::{
    Definitions, EventDefinition,
    additive::check_additive,
    check_event, nearest,
    problem::{Findings, Problem},
};
use smol_str::SmolStr;
use std::{collections::BTreeMap, sync::Arc};

/// Most events one company may register.
pub const REGISTERED_MAX: usize = 1_000;

/// Why a registration was refused: reasons in plain words, never empty.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", reasons.join("; "))]
pub struct RegisterError {
    /// Each says what to do.
    pub reasons: Vec<String>,
}

impl From<Vec<String>> for RegisterError {
    fn from(reasons: Vec<String>) -> Self {
        Self { reasons }
    }
}

/// The rules of every event definition that this one breaks.
fn broken_rules(event: &EventDefinition) -> Vec<String> {
    let mut findings = Findings::default();
    check_event::check(event, &mut findings.about("", ""));
    let problems = findings.problems.into_iter();
    problems.map(|Problem { item, text, .. }| if item.is_empty() { text } else { format!("{item}: {text}") }).collect()
}

fn refused(reason: impl Into<String>) -> RegisterError {
    vec![reason.into()].into()
}

/// The catalog of one company: the definitions of the installation, and the company's own events over them. Cheap to clone.
#[derive(Clone, Debug)]
pub struct CompanyCatalog<'a> {
    base: &'a Definitions,
    registered: BTreeMap<SmolStr, Arc<EventDefinition>>,
}

impl<'a> CompanyCatalog<'a> {
    /// A company that has registered nothing.
    pub fn new(base: &'a Definitions) -> Self {
        Self { base, registered: BTreeMap::new() }
    }

    /// What the company's events are laid over.
    pub fn base(&self) -> &'a Definitions {
        self.base
    }

    /// The event of a name: the company's own, else the standard one.
    pub fn event(&self, name: &str) -> Option<&EventDefinition> {
        self.registered.get(name).map(Arc::as_ref).or_else(|| self.base.events.get(name))
    }

    /// Every event, by name.
    pub fn events(&self) -> impl Iterator<Item = &EventDefinition> {
        let standard = self.base.events.values().filter(|event| !self.registered.contains_key(&event.name));
        let mut all: Vec<_> = standard.chain(self.registered.values().map(Arc::as_ref)).collect();
        all.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        all.into_iter()
    }

    /// The canonical name of a module: a standard one or its alias, else a module of a registered event.
    pub fn module(&self, name: &str) -> Option<&SmolStr> {
        let own = || self.registered.values().map(|event| &event.module).find(|module| *module == name);
        self.base.module(name).or_else(own)
    }

    /// The hint of `unknown_event` among all events of the company.
    pub fn unknown_event_hint(&self, wanted: &str) -> String {
        let own = self.registered.keys().filter(|name| !self.base.events.contains_key(*name));
        nearest::unknown_event_hint(wanted, self.base.events.keys().chain(own))
    }

    /// Reads and checks a registration without taking it in: what is returned is what [`Self::add`] takes, its
    /// `schema_version` raised by one when anything changed.
    pub fn check(&self, name: &str, body: &str) -> Result<EventDefinition, RegisterError> {
        let mut event = self.read(name, body)?;
        let mut reasons = broken_rules(&event);
        if let Some(old) = self.event(name) {
            event.schema_version = event.schema_version.max(old.schema_version);
            reasons.extend(check_additive(old, &event).err().unwrap_or_default());
            if event != *old {
                event.schema_version = old.schema_version.saturating_add(1);
            }
        } else if self.registered.len() >= REGISTERED_MAX {
            reasons.push(format!("a company may register at most {REGISTERED_MAX} events"));
        }
        if reasons.is_empty() { Ok(event) } else { Err(reasons.into()) }
    }

    fn read(&self, name: &str, body: &str) -> Result<EventDefinition, RegisterError> {
        let mut body: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(body).map_err(|error| refused(format!("the body is not a JSON object: {error}")))?;
        let named = body.insert("name".into(), name.into());
        if named.is_some_and(|named| named != name) {
            return Err(refused("the name in the body differs from the one in the address; send one name"));
        }
        let mut event: EventDefinition = serde_json::from_value(body.into())
            .map_err(|error| refused(format!("the body is no event definition: {error}")))?;
        if event.module.is_empty() {
            let old =
                self.event(name).ok_or_else(|| refused("module is missing; name the module that owns the event"))?;
            event.module = old.module.clone();
        } else if let Some(module) = self.base.module(&event.module) {
            event.module = module.clone();
        }
        Ok(event)
    }

    /// Takes a checked registration in.
    pub fn add(&mut self, event: EventDefinition) {
        self.registered.insert(event.name.clone(), Arc::new(event));
    }

    /// The company's own events, by name.
    pub fn registered(&self) -> impl Iterator<Item = &EventDefinition> {
        self.registered.values().map(Arc::as_ref)
    }
}
