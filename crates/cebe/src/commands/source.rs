//! `cebe source`: the flag `cebe_event_ingestion` of each module, and how its stream is doing.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Context, list_of};
use crate::client::encoded;
use crate::failure::Failure;
use crate::output;

/// Switch a module's events on or off, and see how each stream is doing
#[derive(Debug, Args)]
pub(crate) struct Source {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Take a module's events in
    Enable {
        /// Module, such as marketing
        module: String,
        /// Only for these companies; may be repeated (default: all)
        #[arg(long = "for", value_name = "COMPANY")]
        companies: Vec<String>,
    },
    /// Ignore a module's events (they are counted)
    Disable {
        /// Module
        module: String,
    },
    /// Flag, last event, lag and outcome counts of each module
    List,
}

impl Source {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client();
        let put = |module: &str, body| client.write("PUT", &format!("/v1/sources/{}", encoded(module)), &body);
        match self.act {
            Act::Enable { module, companies } => {
                let companies = if companies.is_empty() { vec!["*".to_owned()] } else { companies };
                let answer = put(&module, json!({"enabled": true, "companies": companies}))?;
                context.show(&answer, output::sheet);
            }
            Act::Disable { module } => context.show(&put(&module, json!({"enabled": false}))?, output::sheet),
            Act::List => {
                let answer = client.get("/v1/sources", &[])?;
                context.show(&answer, |answer| output::rows(list_of(answer), &COLUMNS));
            }
        }
        Ok(())
    }
}

const COLUMNS: [&str; 7] = ["module", "enabled", "companies", "last_seen", "lag_ms", "received", "outcomes"];
