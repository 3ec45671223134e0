//! `cebe team`: which modules and PII classes a team's keys read.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Context, list_of};
use crate::client::encoded;
use crate::failure::Failure;
use crate::output;

/// Set and list what teams read
#[derive(Debug, Args)]
pub(crate) struct Team {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Create a team, or change what it reads
    Set {
        /// Id of the team
        id: String,
        /// Modules it reads; may be repeated
        #[arg(long = "module", value_name = "MODULE")]
        modules: Vec<String>,
        /// PII classes its keys may see in clear, when they may at all; may be repeated
        #[arg(long = "pii", value_name = "CLASS")]
        pii_classes: Vec<String>,
    },
    /// List teams
    List,
}

impl Team {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client();
        match self.act {
            Act::Set { id, modules, pii_classes } => {
                let body = json!({"modules": modules, "pii_classes": pii_classes});
                let answer = client.write("PUT", &format!("/v1/teams/{}", encoded(&id)), &body)?;
                context.show(&answer, output::sheet);
            }
            Act::List => {
                let answer = client.get("/v1/teams", &[])?;
                context.show(&answer, |answer| output::rows(list_of(answer), &["id", "modules", "pii_classes"]));
            }
        }
        Ok(())
    }
}
