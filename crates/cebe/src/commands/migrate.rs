//! `cebe migrate`: brings the tables of a PostgreSQL database to what this release needs.

use cebe_central::OpenError;
use cebe_central::postgres::{Database, PgSettings, SCHEMA_VERSION};
use clap::Args;
use serde_json::json;

use super::Context;
use crate::failure::Failure;

/// Make or change the tables of a cluster's database
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Address of the database [setting postgres_url or postgres_url_file, where a password is safer]
    #[arg(long, value_name = "URL")]
    postgres_url: Option<String>,
    /// Only say what would be done
    #[arg(long)]
    dry_run: bool,
}

impl Migrate {
    /// Settings that the flags give.
    pub(super) fn flags(&self) -> Vec<(&'static str, String)> {
        self.postgres_url.iter().map(|url| ("postgres_url", url.clone())).collect()
    }

    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let refused = |error: OpenError| Failure::Store(error.to_string());
        let url = &context.effective.settings.postgres_url;
        if url.is_empty() {
            return Err(Failure::Usage(
                "no database is named: give postgres_url in cebe.toml, CEBE_POSTGRES_URL or --postgres-url".into(),
            ));
        }
        let settings = PgSettings { migrate: false, connections_max: 2, ..PgSettings::default() };
        let database = Database::connect(url, settings).map_err(refused)?;
        let found = database.version().map_err(refused)?;
        if found > SCHEMA_VERSION {
            return Err(refused(OpenError::Schema { found, known: SCHEMA_VERSION }));
        }
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
