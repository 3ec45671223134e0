//! `cebe migrate`: brings the tables of a PostgreSQL database to what this release needs.

use cebe_central::postgres::{Database, PgSettings, SCHEMA_VERSION};
use clap::Args;
use serde_json::json;

use super::Context;
use crate::failure::Failure;

/// Make or change the tables of a cluster's database
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Address of the database; as it may hold a password, better given by the variable
    #[arg(long, env = "CEBE_POSTGRES_URL", hide_env_values = true, value_name = "URL")]
    postgres_url: String,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

impl Migrate {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let refused = |error: cebe_central::OpenError| Failure::Store(error.to_string());
        let settings = PgSettings { migrate: false, connections_max: 2, ..PgSettings::default() };
        let database = Database::connect(&self.postgres_url, settings).map_err(refused)?;
        let found = database.version().map_err(refused)?;
        let taken = if self.dry_run { Vec::new() } else { database.migrate().map_err(refused)? };
        let steps: Vec<String> = taken.iter().map(|step| format!("{} {}", step.version, step.name)).collect();
        let version = if self.dry_run { found } else { SCHEMA_VERSION };
        let answer = json!({ "found": found, "version": version, "needed": SCHEMA_VERSION, "taken": steps });
        context.show(&answer, |_| match (found, steps.is_empty()) {
            (found, true) if found < SCHEMA_VERSION => format!("version {found}; {SCHEMA_VERSION} is needed"),
            (_, true) => format!("version {version}: nothing to do"),
            (found, false) => format!("from version {found} to {version}: {}", steps.join(", ")),
        });
        match self.dry_run && found != SCHEMA_VERSION {
            true => Err(Failure::No(format!("the database has version {found}, this release needs {SCHEMA_VERSION}"))),
            false => Ok(()),
        }
    }
}
