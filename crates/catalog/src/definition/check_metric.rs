//! The rules that facts, components and metrics keep: whatever they mention exists, and a metric offers only dimensions
//! that all its components share.

use super::{
    ComponentDefinition, Definitions, EventDefinition, FactDefinition, Formula, MetricDefinition, Projection, Whose,
    check_event::is_name, problem::About,
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
    for (key, name) in keys.chain(fields).chain(renamed).chain(each) {
        about.check(name.starts_with('@') || event.attributes.contains_key(name), || {
            format!("{key} names {name:?}, which is no attribute of {}; declare it or correct the name", event.name)
        });
    }
    about.check(entry.key.iter().all(|alternative| !alternative.is_empty()), || {
        "key has an empty alternative; take it away".into()
    });
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
    check_module(all, &metric.module, about);
    about.check(UNITS.contains(&metric.unit.as_str()), || {
        format!("no unit is called {:?}; use one of {}", metric.unit, UNITS.join(", "))
    });
    about.check(metric.company || metric.customer, || "it is answered for nobody; set company or customer".into());
    let components = metric.formula.components();
    let joined = metric.joined.iter().flat_map(|(joined, all)| [joined, all]);
    for name in components.iter().copied().chain(joined) {
        about.check(all.components.contains_key(name), || {
            format!("no component is called {name:?}; correct the name or define it")
        });
    }
    for (label, name) in &metric.beside {
        about.check(all.components.contains_key(name) || all.metrics.contains_key(name), || {
            format!("beside {label:?} names {name:?}, which is no component and no metric; correct the name")
        });
    }
    for name in components.iter().filter_map(|name| all.components.get(*name)) {
        check_use(metric, name, about);
    }
}

/// What a formula needs of one of its components.
fn check_use(metric: &MetricDefinition, component: &ComponentDefinition, about: &mut About<'_>) {
    let asked = metric.dimensions.iter().chain(metric.formula.listed_by());
    for dimension in asked.filter(|dimension| !component.dimensions.contains(*dimension)) {
        about.wrong(format!(
            "it offers the dimension {dimension:?}, which its component {:?} is not cut by; add it there or drop it here",
            component.name
        ));
    }
    about.check(component.level || !metric.formula.needs_level(), || {
        format!("its formula needs a level and {:?} is none; set level = true there", component.name)
    });
    about.check(component.activity || metric.formula.people() != Some(&component.name), || {
        format!("it counts people and {:?} keeps no activity; set activity = true there", component.name)
    });
}

impl Formula {
    /// Every component the formula reads.
    pub fn components(&self) -> Vec<&SmolStr> {
        match self {
            Self::Count { of }
            | Self::Sum { of }
            | Self::Average { of }
            | Self::MoneyAverage { of }
            | Self::Growth { of }
            | Self::Level { of, .. }
            | Self::LevelDistribution { of, .. }
            | Self::Distribution { of, .. }
            | Self::Distinct { of }
            | Self::Frequency { of }
            | Self::StageHistory { of } => vec![of],
            Self::MoneySum { of } => of.iter().collect(),
            Self::Ratio { numerator, denominator } => std::iter::once(numerator).chain(denominator).collect(),
            Self::MoneyPerCount { money, count } => vec![money, count],
            Self::MoneyRatio { numerator, denominator } | Self::LevelRatio { numerator, denominator } => {
                vec![numerator, denominator]
            }
            Self::NetScore { promoters, detractors, all } => vec![promoters, detractors, all],
            Self::View { company, .. } => company.iter().collect(),
            Self::Lifetime { of, people } => of.iter().chain([people]).collect(),
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

    fn needs_level(&self) -> bool {
        matches!(self, Self::Level { .. } | Self::LevelRatio { .. } | Self::LevelDistribution { .. })
    }

    /// The component whose distinct people are counted.
    fn people(&self) -> Option<&SmolStr> {
        match self {
            Self::Distinct { of } | Self::Frequency { of } => Some(of),
            Self::Lifetime { people, .. } => Some(people),
            _ => None,
        }
    }
}
