//! The command line: one file per command. Each turns its arguments into requests, and the answers into tables or JSON.

mod backfill;
mod backup;
mod bench;
mod catalog;
mod cluster;
mod company;
mod customer;
mod demo;
mod doctor;
mod erase;
mod identity;
mod key;
mod metric;
mod metrics;
mod migrate;
mod operations;
mod push;
mod quarantine;
mod reconcile;
mod restore;
mod serve;
mod settings;
mod source;
mod team;
mod timeline;
mod verify;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use serde_json::Value;

use crate::client::Client;
use crate::failure::Failure;
use crate::output;
use crate::settings::{self as configuration, Effective};

const AFTER: &str = "Exit codes: 0 done; 1 the answer is no, or there are differences; 2 wrong usage; \
3 the server cannot be reached or does not serve now; 4 the key is missing or may not; 5 the store cannot be opened; 6 the disk failed under a running server.";

/// Customer events in, who they are and how you are doing out.
#[derive(Debug, Parser)]
#[command(name = "cebe", version, after_help = AFTER, term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    everywhere: Everywhere,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
struct Everywhere {
    /// Server to ask [setting server, CEBE_SERVER; default http://127.0.0.1:8080]
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    /// Company to ask about, for keys that serve several [setting company, CEBE_COMPANY]
    #[arg(long, global = true, value_name = "ID")]
    company: Option<String>,
    /// Print data as JSON
    #[arg(long, global = true)]
    json: bool,
    /// Settings file [default: cebe.toml in this folder, when there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Demo(demo::Demo),
    Push(push::Push),
    Backfill(backfill::Backfill),
    Customer(customer::Customer),
    Timeline(timeline::Timeline),
    Metric(metric::Metric),
    Metrics(metrics::Metrics),
    Source(source::Source),
    Company(company::Company),
    Key(key::Key),
    Team(team::Team),
    Quarantine(quarantine::Quarantine),
    Identity(identity::Identity),
    Erase(erase::Erase),
    Verify(verify::Verify),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Reconcile(reconcile::Reconcile),
    Catalog(catalog::Catalog),
    Operations(operations::Operations),
    Bench(bench::Bench),
    Settings(settings::Settings),
    Doctor(doctor::Doctor),
    Cluster(cluster::Cluster),
    Migrate(migrate::Migrate),
}

/// What a command works with.
pub(crate) struct Context {
    /// Settings in force.
    pub(crate) effective: Effective,
    /// Print JSON.
    pub(crate) json: bool,
}

impl Context {
    /// A client for the settings' server.
    pub(crate) fn client(&self) -> Client {
        Client::new(&self.effective.settings)
    }

    /// Prints an answer: as JSON, or as this view of it.
    pub(crate) fn show(&self, answer: &Value, view: impl FnOnce(&Value) -> String) {
        output::data(&if self.json { output::pretty(answer) } else { view(answer) });
    }
}

impl Cli {
    /// Carries the command out.
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut flags = self.command.flags();
        flags.extend(self.everywhere.server.map(|text| ("server", text)));
        flags.extend(self.everywhere.company.map(|text| ("company", text)));
        let variable = |name: &str| std::env::var(name).ok();
        let effective = configuration::load(self.everywhere.config.as_deref(), &variable, &flags)
            .map_err(|error| Failure::Usage(error.to_string()))?;
        self.command.run(&Context { effective, json: self.everywhere.json })
    }
}

impl Command {
    /// Settings that the command's own flags give.
    fn flags(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Serve(command) => command.flags(),
            Self::Demo(command) => command.flags(),
            Self::Verify(command) => command.flags(),
            Self::Backup(command) => command.flags(),
            Self::Restore(command) => command.flags(),
            Self::Doctor(command) => command.flags(),
            Self::Migrate(command) => command.flags(),
            _ => Vec::new(),
        }
    }

    fn run(self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::Serve(command) => command.run(context),
            Self::Demo(command) => command.run(context),
            Self::Bench(command) => command.run(context),
            Self::Push(command) => command.run(context),
            Self::Backfill(command) => command.run(context),
            Self::Customer(command) => command.run(context),
            Self::Timeline(command) => command.run(context),
            Self::Metric(command) => command.run(context),
            Self::Metrics(command) => command.run(context),
            Self::Source(command) => command.run(context),
            Self::Company(command) => command.run(context),
            Self::Key(command) => command.run(context),
            Self::Team(command) => command.run(context),
            Self::Quarantine(command) => command.run(context),
            Self::Identity(command) => command.run(context),
            Self::Erase(command) => command.run(context),
            Self::Verify(command) => command.run(context),
            Self::Backup(command) => command.run(context),
            Self::Restore(command) => command.run(context),
            Self::Reconcile(command) => command.run(context),
            Self::Catalog(command) => command.run(context),
            Self::Operations(command) => command.run(context),
            Self::Settings(command) => command.run(context),
            Self::Doctor(command) => command.run(context),
            Self::Cluster(command) => command.run(context),
            Self::Migrate(command) => command.run(context),
        }
    }
}

/// The list inside an answer: the answer itself, or the first list among its fields.
fn list_of(answer: &Value) -> &[Value] {
    let inside = || answer.as_object()?.values().find_map(Value::as_array);
    answer.as_array().or_else(inside).map_or(&[], Vec::as_slice)
}

/// `name=value` as a person types it.
fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as name=value")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// A typed value: JSON when it reads as JSON, else the text itself.
fn typed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}
