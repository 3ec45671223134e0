//! The facts, components and metrics of the catalog's files, indexed.

use cebe_catalog::{
    Definitions,
    definition::{ComponentDefinition, FactDefinition, MetricDefinition},
};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    #[serde(default)]
    pub(crate) fact: Vec<FactDefinition>,
    #[serde(default)]
    pub(crate) component: Vec<ComponentDefinition>,
    #[serde(default)]
    pub(crate) metric: Vec<MetricDefinition>,
}

pub(crate) const FILES: [(&str, &str); 7] = [
    ("communication", include_str!("../../../../catalog/definitions/communication/metrics.toml")),
    ("ticketing", include_str!("../../../../catalog/definitions/ticketing/metrics.toml")),
    ("deals", include_str!("../../../../catalog/definitions/deals/metrics.toml")),
    ("marketing", include_str!("../../../../catalog/definitions/marketing/metrics.toml")),
    ("conversion", include_str!("../../../../catalog/definitions/conversion/metrics.toml")),
    ("cdp", include_str!("../../../../catalog/definitions/cdp/metrics.toml")),
    ("loyalty", include_str!("../../../../catalog/definitions/loyalty/metrics.toml")),
];

pub(crate) fn files() -> Vec<(&'static str, File)> {
    FILES.iter().map(|(module, text)| (*module, toml::from_str(text).expect(module))).collect()
}

pub(crate) fn definitions() -> Definitions {
    let mut all = Definitions::default();
    for (module, file) in files() {
        for fact in file.fact {
            for (place, entry) in fact.entries.iter().enumerate() {
                all.entries.entry(entry.event.clone()).or_default().push((fact.name.clone(), place));
            }
            all.facts.insert(fact.name.clone(), FactDefinition { module: module.into(), ..fact });
        }
        for component in file.component {
            all.components_of.entry(component.fact.clone()).or_default().push(component.name.clone());
            all.components.insert(component.name.clone(), component);
        }
        for metric in file.metric {
            all.metrics.insert(metric.name.clone(), MetricDefinition { module: module.into(), ..metric });
        }
    }
    all
}
