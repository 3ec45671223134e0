//! `cebe catalog`: the events that can be sent, and checking definition files before they are used.

use std::path::{Path, PathBuf};

use cebe_catalog::Definitions;
use cebe_catalog::definition::Sources;
use clap::{Args, Subcommand};
use serde_json::json;
use smol_str::SmolStr;

use super::{Context, list_of};
use crate::client::encoded;
use crate::failure::Failure;
use crate::output;

/// See which events can be sent, and check definition files
#[derive(Debug, Args)]
pub(crate) struct Catalog {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Check definition files: those that are part of the program, with these in place of theirs or added
    Check {
        /// Files such as marketing/events.toml, or folders of them
        files: Vec<PathBuf>,
    },
    /// List events
    List,
    /// Show an event: attributes, types, PII classes, examples
    Show {
        /// Name of the event
        name: String,
        /// Show its JSON Schema instead
        #[arg(long)]
        schema: bool,
    },
}

impl Catalog {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        match self.act {
            Act::Check { files } => check(context, &files),
            Act::List => {
                let answer = context.client().get("/v1/catalog", &[])?;
                let columns = ["name", "event_name", "module", "source_module", "trigger", "description"];
                context.show(&answer, |answer| output::rows(list_of(answer), &columns));
                Ok(())
            }
            Act::Show { name, schema } => {
                let end = if schema { "/schema" } else { "" };
                let answer = context.client().get(&format!("/v1/catalog/events/{}{end}", encoded(&name)), &[])?;
                context.show(&answer, if schema { output::pretty } else { output::sheet });
                Ok(())
            }
        }
    }
}

fn check(context: &Context, files: &[PathBuf]) -> Result<(), Failure> {
    let mut sources = Sources::embedded();
    for file in files {
        add(&mut sources, file)?;
    }
    let definitions = Definitions::load(&sources).map_err(|error| Failure::No(error.to_string()))?;
    let counts = json!({
        "modules": definitions.modules.len(), "events": definitions.events.len(), "facts": definitions.facts.len(),
        "metrics": definitions.metrics.len(),
    });
    context.show(&counts, |counts| {
        let of = |name: &str| format!("{} {name}", counts[name]);
        format!("{}: all in order", ["modules", "events", "facts", "metrics"].map(of).join(", "))
    });
    Ok(())
}

fn add(sources: &mut Sources, path: &Path) -> Result<(), Failure> {
    let unreadable = |error: std::io::Error| Failure::Usage(format!("cannot read {}: {error}", path.display()));
    if path.is_dir() {
        for entry in std::fs::read_dir(path).map_err(unreadable)? {
            let inner = entry.map_err(unreadable)?.path();
            if inner.is_dir() || inner.extension().is_some_and(|end| end == "toml") {
                add(sources, &inner)?;
            }
        }
        return Ok(());
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    let name = place_of(path);
    sources.0.retain(|(other, _)| *other != name);
    sources.0.push((name, text));
    Ok(())
}

/// The place of a file among definitions: its folder and name.
fn place_of(path: &Path) -> SmolStr {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let folder = path.parent().and_then(Path::file_name).map(|folder| folder.to_string_lossy().into_owned());
    match folder {
        Some(folder) if name != "fields.toml" => format!("{folder}/{name}").into(),
        _ => name.into(),
    }
}
