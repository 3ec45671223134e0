//! The shapes of definition files, and reading them one by one; what they mention of each other is checked afterwards.

use super::{
    ComponentDefinition, EventDefinition, FactDefinition, FieldDefinition, MetricDefinition, ModuleDefinition,
    problem::Findings,
};
use serde::{Deserialize, de::DeserializeOwned};
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// An `events.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EventsFile {
    pub(super) module: ModuleDefinition,
    #[serde(default, rename = "event")]
    pub(super) events: Vec<EventDefinition>,
}

/// A `metrics.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricsFile {
    #[serde(default, rename = "fact")]
    pub(super) facts: Vec<FactDefinition>,
    #[serde(default, rename = "component")]
    pub(super) components: Vec<ComponentDefinition>,
    #[serde(default, rename = "metric")]
    pub(super) metrics: Vec<MetricDefinition>,
}

/// The `fields.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldsFile {
    #[serde(default, rename = "field")]
    fields: BTreeMap<SmolStr, FieldDefinition>,
}

/// All files, read and not yet checked: each with its path and the folder that names its module.
#[derive(Default)]
pub(super) struct Files<'a> {
    pub(super) events: Vec<(&'a str, &'a str, EventsFile)>,
    pub(super) metrics: Vec<(&'a str, &'a str, MetricsFile)>,
    pub(super) fields: BTreeMap<SmolStr, FieldDefinition>,
}

impl<'a> Files<'a> {
    /// Reads every file; what cannot be read is found wrong and left out.
    pub(super) fn read(sources: &'a [(SmolStr, String)], findings: &mut Findings) -> Self {
        let mut files = Self::default();
        for (path, text) in sources {
            files.add(path, text, findings);
        }
        files
    }

    fn add(&mut self, path: &'a str, text: &str, findings: &mut Findings) {
        match path.split('/').collect::<Vec<_>>()[..] {
            ["fields.toml"] => {
                if let Some(file) = parse::<FieldsFile>(path, text, findings) {
                    self.fields.extend(file.fields);
                }
            }
            [module, "events.toml"] => {
                self.events.extend(parse(path, text, findings).map(|file| (path, module, file)));
            }
            [module, "metrics.toml"] => {
                self.metrics.extend(parse(path, text, findings).map(|file| (path, module, file)));
            }
            _ => findings
                .about(path, "")
                .wrong("no such file belongs here; name it <module>/events.toml, <module>/metrics.toml or fields.toml"),
        }
    }
}

fn parse<T: DeserializeOwned>(path: &str, text: &str, findings: &mut Findings) -> Option<T> {
    toml::from_str(text).map_err(|error| findings.about(path, "").wrong(error.to_string().trim_end().to_owned())).ok()
}
