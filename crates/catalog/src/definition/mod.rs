//! Definitions as data: what the files of `definitions/` say, checked and indexed. Adding a module is adding a folder
//! with an `events.toml` and a `metrics.toml`; no Rust is touched unless a new fold or formula kind is needed.

pub mod additive;
mod check_event;
mod check_metric;
pub mod event;
pub mod fact;
pub mod field;
mod files;
pub mod load;
pub mod metric;
pub mod nearest;
pub mod problem;
pub mod register;
pub mod schema;
mod schema_type;

pub use additive::check_additive;
pub use event::{Attribute, AttributeType, Concern, EventDefinition, InvalidExample, ModuleDefinition, ValidExample};
pub use fact::{ComponentDefinition, FactDefinition, Projection, Whose};
pub use field::FieldDefinition;
pub use load::Sources;
pub use metric::{Formula, LatencyStart, MetricDefinition, Outcome, ProcessMeasure, ResolutionPart};
pub use problem::{DefinitionError, Problem};
pub use register::{CompanyCatalog, RegisterError};

use smol_str::SmolStr;
use std::collections::BTreeMap;

/// All definitions of an installation (or of one company, its registered events included), indexed by name.
#[derive(Clone, Debug, Default)]
pub struct Definitions {
    /// Modules by canonical name.
    pub modules: BTreeMap<SmolStr, ModuleDefinition>,
    /// Alias to canonical module name.
    pub aliases: BTreeMap<SmolStr, SmolStr>,
    /// Events by name.
    pub events: BTreeMap<SmolStr, EventDefinition>,
    /// Profile fields by name.
    pub fields: BTreeMap<SmolStr, FieldDefinition>,
    /// Facts by name.
    pub facts: BTreeMap<SmolStr, FactDefinition>,
    /// Components by name.
    pub components: BTreeMap<SmolStr, ComponentDefinition>,
    /// Metrics by name.
    pub metrics: BTreeMap<SmolStr, MetricDefinition>,
    /// For each event name, the facts it enters: (fact name, place in its `entries`).
    pub entries: BTreeMap<SmolStr, Vec<(SmolStr, usize)>>,
    /// For each fact name, the components that read it.
    pub components_of: BTreeMap<SmolStr, Vec<SmolStr>>,
}

impl Definitions {
    /// The canonical name of a module or of one of its aliases.
    pub fn module(&self, name: &str) -> Option<&SmolStr> {
        self.modules.get_key_value(name).map(|(key, _)| key).or_else(|| self.aliases.get(name))
    }

    /// The event of a name.
    pub fn event(&self, name: &str) -> Option<&EventDefinition> {
        self.events.get(name)
    }

    /// The facts that an event enters.
    pub fn projections(&self, event: &str) -> impl Iterator<Item = (&FactDefinition, &Projection)> {
        self.entries.get(event).into_iter().flatten().filter_map(|(fact, place)| {
            let fact = self.facts.get(fact)?;
            Some((fact, fact.entries.get(*place)?))
        })
    }

    /// The components that read a fact.
    pub fn components_of(&self, fact: &str) -> impl Iterator<Item = &ComponentDefinition> {
        self.components_of.get(fact).into_iter().flatten().filter_map(|name| self.components.get(name))
    }
}
