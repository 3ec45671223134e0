//! Reads definition files into checked, indexed definitions. Strict: unknown keys are refused and every name that is
//! mentioned must exist. What is wrong is gathered over all files, so that one run tells it all.

use super::{
    Definitions, check_event, check_metric,
    files::{EventsFile, Files, MetricsFile},
    problem::{DefinitionError, Findings},
};
use include_dir::{Dir, DirEntry, include_dir};
use smol_str::SmolStr;
use std::{collections::BTreeMap, fmt::Display, sync::OnceLock};

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/definitions");

/// Definition files: path within the definition folder, and text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources(pub Vec<(SmolStr, String)>);

impl Sources {
    /// The files that are part of the program.
    pub fn embedded() -> Self {
        let mut sources = Self::default();
        gather(&EMBEDDED, &mut sources);
        sources
    }

    /// These with this file, in the place of the one of its path when there is one.
    #[must_use]
    pub fn with(mut self, path: &str, text: impl Into<String>) -> Self {
        self.0.retain(|(known, _)| known != path);
        self.0.push((path.into(), text.into()));
        self
    }
}

fn gather(folder: &Dir<'_>, sources: &mut Sources) {
    for entry in folder.entries() {
        match entry {
            DirEntry::Dir(inner) => gather(inner, sources),
            DirEntry::File(file) => {
                let (path, text) = (file.path().to_string_lossy(), String::from_utf8_lossy(file.contents()));
                if path.ends_with(".toml") {
                    sources.0.push((path.replace('\\', "/").into(), text.into_owned()));
                }
            }
        }
    }
}

impl Definitions {
    /// Reads and checks definition files.
    pub fn load(sources: &Sources) -> Result<Self, DefinitionError> {
        let mut findings = Findings::default();
        let files = Files::read(&sources.0, &mut findings);
        let mut all = Self { fields: files.fields, ..Self::default() };
        let mut places = Places::default();
        for (path, folder, file) in files.events {
            all.add_events(path, folder, file, &mut places, &mut findings);
        }
        for (path, folder, file) in files.metrics {
            all.add_metrics(path, folder, file, &mut places, &mut findings);
        }
        all.index();
        check_all(&all, &places, &mut findings);
        match findings.problems.is_empty() {
            true => Ok(all),
            false => Err(DefinitionError { problems: findings.problems }),
        }
    }

    /// The definitions that are part of the program.
    pub fn standard() -> &'static Self {
        static STANDARD: OnceLock<Definitions> = OnceLock::new();
        STANDARD.get_or_init(|| {
            Self::load(&Sources::embedded())
                .unwrap_or_else(|error| panic!("the embedded definitions are tested\n{error}"))
        })
    }

    fn add_events(&mut self, path: &str, folder: &str, file: EventsFile, places: &mut Places, findings: &mut Findings) {
        let module = file.module;
        findings.about(path, "module").check(module.name == folder, || {
            format!("it is called {:?} and stands in the folder {folder:?}; give both one name", module.name)
        });
        for alias in &module.aliases {
            if let Some(other) = self.aliases.insert(alias.clone(), module.name.clone()) {
                findings.about(path, "module").wrong(format!("the alias {alias:?} is also one of {other:?}; drop one"));
            }
        }
        for mut event in file.events {
            event.module = module.name.clone();
            let item = format!("event {:?}", event.name);
            insert(&mut self.events, event.name.clone(), event, item, path, places, findings);
        }
        let item = format!("module {:?}", module.name);
        insert(&mut self.modules, module.name.clone(), module, item, path, places, findings);
    }

    fn add_metrics(
        &mut self,
        path: &str,
        folder: &str,
        file: MetricsFile,
        places: &mut Places,
        findings: &mut Findings,
    ) {
        for mut fact in file.facts {
            fact.module = folder.into();
            let item = format!("fact {:?}", fact.name);
            insert(&mut self.facts, fact.name.clone(), fact, item, path, places, findings);
        }
        for component in file.components {
            let item = format!("component {:?}", component.name);
            insert(&mut self.components, component.name.clone(), component, item, path, places, findings);
        }
        for mut metric in file.metrics {
            metric.module = folder.into();
            let item = format!("metric {:?}", metric.name);
            insert(&mut self.metrics, metric.name.clone(), metric, item, path, places, findings);
        }
    }

    /// Fills in what is looked up the other way round: facts of an event, components of a fact.
    fn index(&mut self) {
        for fact in self.facts.values() {
            for (place, entry) in fact.entries.iter().enumerate() {
                self.entries.entry(entry.event.clone()).or_default().push((fact.name.clone(), place));
            }
        }
        for component in self.components.values() {
            self.components_of.entry(component.fact.clone()).or_default().push(component.name.clone());
        }
    }
}

/// For each item, the file that defines it.
#[derive(Default)]
pub(super) struct Places(BTreeMap<String, SmolStr>);

impl Places {
    /// The file that defines an item.
    pub(super) fn file(&self, item: &str) -> &str {
        self.0.get(item).map_or("", SmolStr::as_str)
    }
}

fn insert<T>(
    map: &mut BTreeMap<SmolStr, T>,
    name: SmolStr,
    value: T,
    item: String,
    path: &str,
    places: &mut Places,
    findings: &mut Findings,
) {
    if map.contains_key(&name) {
        let other = places.file(&item).to_owned();
        findings.about(path, &item as &dyn Display).wrong(format!("it is already defined in {other}; rename one"));
        return;
    }
    places.0.insert(item, path.into());
    map.insert(name, value);
}

fn check_all(all: &Definitions, places: &Places, findings: &mut Findings) {
    for (alias, module) in &all.aliases {
        let item = format!("module {module:?}");
        findings.about(places.file(&item), &item).check(!all.modules.contains_key(alias), || {
            format!("the alias {alias:?} is the name of a module; drop the alias")
        });
    }
    for (name, event) in &all.events {
        let item = format!("event {name:?}");
        check_event::check(event, &mut findings.about(places.file(&item), &item));
    }
    for (name, fact) in &all.facts {
        let item = format!("fact {name:?}");
        check_metric::check_fact(all, fact, &mut findings.about(places.file(&item), &item));
    }
    for (name, component) in &all.components {
        let item = format!("component {name:?}");
        check_metric::check_component(all, component, &mut findings.about(places.file(&item), &item));
    }
    for (name, metric) in &all.metrics {
        let item = format!("metric {name:?}");
        check_metric::check_metric(all, metric, &mut findings.about(places.file(&item), &item));
    }
}
