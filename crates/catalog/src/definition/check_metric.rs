//! The rules that facts, components and metrics keep: whatever they mention exists, and a metric offers only dimensions
//! that all its components share.

use super::{
    AttributeType, ComponentDefinition, Definitions, EventDefinition, FactDefinition, Formula, MetricDefinition,
    ProcessMeasure, Projection, Whose, check_event::is_name, problem::About,
};
use crate::settings::CompanySettings;
use smol_str::SmolStr;

/// Units of metrics.
const UNITS: &[&str] =
    &["count", "ratio", "seconds", "money", "score", "points", "list", "status", "distribution", "history", "flag"];
/// Most dimensions one component may be cut by: each multiplies the stored points.
const DIMENSIONS_MAX: usize = 8;

/// Checks one fact.
pub(super) fn check_fact(all: &Definitions, fact: &FactDefinition, about: &mut About<'_>) {
    check_name(&fact.name, about);
    check_module(all, &fact.module, about);
    about.check(!fact.entries.is_empty(), || "nothing enters it; add a [[fact.entry]]".into());
    about.check((fact.whose == Whose::Window) == fact.window.is_some(), || {
        "whose = \"window\" and window belong together; give both or neither".into()
    });
    if let Some(window) = &fact.window {
        about.check(is_setting(window), || format!("window names {window:?}, which is no company setting"));
    }
    for (place, entry) in fact.entries.iter().enumerate() {
        let mut about = about.part(format_args!("entry {} ({})", place + 1, entry.event));
        match all.events.get(&entry.event) {
            None => about.wrong(format!("no event is called {:?}; correct the name or define it", entry.event)),
            Some(event) => check_entry(event, entry, &mut about),
        }
    }
}

fn check_name(name: &str, about: &mut About<'_>) {
    about.check(is_name(name), || "this is no name; use lower-case letters, digits and '_'".into());
}

fn check_module(all: &Definitions, module: &SmolStr, about: &mut About<'_>) {
    about.check(all.modules.contains_key(module), || {
        format!("no module is called {module:?}; add {module}/events.toml or move the file")
    });
}

fn is_setting(name: &str) -> bool {
    serde_json::to_value(CompanySettings::default()).is_ok_and(|settings| settings.get(name).is_some())
}

fn check_entry(event: &EventDefinition, entry: &Projection, about: &mut About<'_>) {
    let keys = entry.key.iter().flatten().map(|name| ("key", name.as_str()));
    let fields = entry.fields.iter().map(|field| ("fields", source(field)));
    let renamed = entry.renamed.values().map(|name| ("renamed", name.as_str()));
    let each = entry.each.iter().map(|name| ("each", name.as_str()));
    let of_item =
        entry.each.as_ref().and_then(|each| event.attributes.get(each)).map_or(&[][..], |each| parts(each.kind));
    for (key, name) in keys.chain(fields).chain(renamed).chain(each) {
        let known = name.starts_with('@') || event.attributes.contains_key(name) || of_item.contains(&name);
        about.check(known, || {
            format!("{key} names {name:?}, which is no attribute of {}; declare it or correct the name", event.name)
        });
    }
    about.check(entry.key.iter().all(|alternative| !alternative.is_empty()), || {
        "key has an empty alternative; take it away".into()
    });
}

/// What an item of a list attribute is made of.
fn parts(kind: AttributeType) -> &'static [&'static str] {
    match kind {
        AttributeType::Fields | AttributeType::Map => &["name", "value"],
        AttributeType::Changes => &["name", "value", "old_value"],
        AttributeType::Items => &["item_id", "name", "quantity", "price"],
        AttributeType::ProductRefs => &["product_id", "name", "quantity", "price"],
        AttributeType::CustomerRefs => &["qontak_customer_id", "phone", "email"],
        _ => &[],
    }
}

/// The attribute of `attribute` or `new = attribute`.
fn source(field: &str) -> &str {
    field.rsplit('=').next().unwrap_or(field).trim()
}

/// Checks one component.
pub(super) fn check_component(all: &Definitions, component: &ComponentDefinition, about: &mut About<'_>) {
    check_name(&component.name, about);
    about.check(all.facts.contains_key(&component.fact), || {
        format!("no fact is called {:?}; correct the name or define it", component.fact)
    });
    about.check(component.dimensions.len() <= DIMENSIONS_MAX, || {
        format!("it is cut by more than {DIMENSIONS_MAX} dimensions; take some away")
    });
    let mut seen = component.dimensions.clone();
    seen.sort_unstable();
    seen.dedup();
    about.check(seen.len() == component.dimensions.len(), || "it names a dimension twice; keep one".into());
}

/// Checks one metric.
pub(super) fn check_metric(all: &Definitions, metric: &MetricDefinition, about: &mut About<'_>) {
    check_name(&metric.name, about);
    if metric.formula.is_own() {
        check_own(all, metric, about);
    } else {
        check_module(all, &metric.module, about);
    }
    about.check(UNITS.contains(&metric.unit.as_str()), || {
        format!("no unit is called {:?}; use one of {}", metric.unit, UNITS.join(", "))
    });
    about.check(metric.company || metric.customer, || "it is answered for nobody; set company or customer".into());
    let components = metric.formula.components();
    let joined = metric.joined.iter().flat_map(|(joined, all)| [joined, all]);
    for name in components.iter().chain(joined) {
        about.check(all.components.contains_key(name), || {
            format!("no component is called {name:?}; correct the name or define it")
        });
    }
    for (label, name) in &metric.beside {
        about.check(all.components.contains_key(name) || all.metrics.contains_key(name), || {
            format!("beside {label:?} names {name:?}, which is no component and no metric; correct the name")
        });
    }
    let found: Vec<_> = components.iter().filter_map(|name| all.components.get(name)).collect();
    for component in &found {
        check_use(metric, component, about);
    }
    for dimension in metric.dimensions.iter().filter(|_| !metric.formula.is_own()) {
        check_offered(metric, dimension, &found, about);
    }
}

/// Metrics of the engine itself belong to no source, know no customers and stand beside their like only.
fn check_own(all: &Definitions, metric: &MetricDefinition, about: &mut About<'_>) {
    about
        .check(!metric.customer, || "a metric of the engine is not answered per customer; set customer = false".into());
    for (label, name) in &metric.beside {
        about.check(all.metrics.get(name).is_some_and(|other| other.formula.is_own()), || {
            format!("beside {label:?} names {name:?}, which is no metric of the engine itself; take it away")
        });
    }
    for dimension in &metric.dimensions {
        about.check(metric.formula.knows(dimension), || {
            format!("it offers the dimension {dimension:?}, which its formula does not know; take it away")
        });
    }
}

/// What a formula needs of one of its components.
fn check_use(metric: &MetricDefinition, component: &ComponentDefinition, about: &mut About<'_>) {
    about.check(component.level || !metric.formula.needs_level(), || {
        format!("its formula needs a level and {:?} is none; set level = true there", component.name)
    });
    let counts_people =
        metric.formula.people() == Some(&component.name) || matches!(metric.formula, Formula::Resolution { .. });
    about.check(component.activity || !counts_people, || {
        format!("it counts people and {:?} keeps no activity; set activity = true there", component.name)
    });
    if let Some(by) = metric.formula.listed_by() {
        about.check(component.dimensions.contains(by), || not_cut(by, component));
    }
}

fn not_cut(dimension: &str, component: &ComponentDefinition) -> String {
    let name = &component.name;
    format!(
        "it offers the dimension {dimension:?}, which its component {name:?} is not cut by; add it there or drop it here"
    )
}

/// A dimension is offered when the components are cut by it. A denominator may be taken whole (lost deals by reason, of
/// all closed ones), and so may one side of a cost per case; a numerator never: its groups would not add up to it.
fn check_offered(metric: &MetricDefinition, dimension: &SmolStr, of: &[&ComponentDefinition], about: &mut About<'_>) {
    let lacks = |component: &&&ComponentDefinition| !component.dimensions.contains(dimension);
    let nobody = of.iter().all(|component| lacks(&component));
    for component in of.iter().filter(lacks) {
        about
            .check(!nobody && metric.formula.taken_whole(&component.name, dimension), || not_cut(dimension, component));
    }
}

/// Keys of a formula that hold something else than components.
const NOT_COMPONENTS: &[&str] =
    &["kind", "view", "by", "sum", "dimensions", "outcomes", "of_outcomes", "starts", "measure"];

impl Formula {
    /// Every component the formula reads: whatever it names but under [`NOT_COMPONENTS`], so that a new kind of formula
    /// is checked without a change here.
    pub fn components(&self) -> Vec<SmolStr> {
        let mut names = Vec::new();
        gather_names(&serde_json::to_value(self).unwrap_or_default(), &mut names);
        names.sort_unstable();
        names.dedup();
        names
    }

    /// May a component lack a dimension that is asked for?
    fn taken_whole(&self, component: &str, dimension: &str) -> bool {
        let keys = serde_json::to_value(self).unwrap_or_default();
        let by = &keys["numerator_by"][dimension];
        match self {
            // Another numerator may stand in for a dimension that this one does not know.
            Self::Ratio { .. } | Self::LevelRatio { .. } | Self::MoneyRatio { .. } => match by.as_str() {
                Some(instead) => component != instead,
                None => keys["numerator"] != component,
            },
            Self::MoneyPerCount { .. } => true,
            _ => false,
        }
    }

    /// The dimension whose values the answer lists.
    fn listed_by(&self) -> Option<&SmolStr> {
        match self {
            Self::LevelDistribution { by, .. } | Self::Distribution { by, .. } => Some(by),
            Self::View { by, .. } => by.as_ref(),
            _ => None,
        }
    }

    /// Can a formula about the engine itself be cut by this dimension?
    fn knows(&self, dimension: &str) -> bool {
        match self {
            Self::Resolution { parts } => parts.iter().any(|part| part.dimensions.contains_key(dimension)),
            Self::Process { measure: ProcessMeasure::Staleness } => false,
            Self::Process { measure: ProcessMeasure::Compute } => dimension == "metric_name",
            _ => dimension == "source_module",
        }
    }

    fn needs_level(&self) -> bool {
        matches!(self, Self::Level { .. } | Self::LevelRatio { .. } | Self::LevelDistribution { .. })
    }

    /// The component whose distinct people are counted.
    fn people(&self) -> Option<&SmolStr> {
        match self {
            Self::Distinct { of, .. } | Self::Frequency { of, .. } => Some(of),
            Self::Lifetime { people, .. } => Some(people),
            _ => None,
        }
    }
}

fn gather_names(value: &serde_json::Value, names: &mut Vec<SmolStr>) {
    match value {
        serde_json::Value::String(name) => names.push(name.into()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| gather_names(item, names)),
        serde_json::Value::Object(entries) => {
            let named = entries.iter().filter(|(key, _)| !NOT_COMPONENTS.contains(&key.as_str()));
            named.for_each(|(_, entry)| gather_names(entry, names));
        }
        _ => {}
    }
}
