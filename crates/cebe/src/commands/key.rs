//! `cebe key`: who may do what.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Context, list_of};
use crate::client::encoded;
use crate::failure::Failure;
use crate::output;

/// Make, list and withdraw keys
#[derive(Debug, Args)]
pub(crate) struct Key {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Make a key; it is printed once and stored hashed
    Create(Create),
    /// List keys, never the keys themselves
    List,
    /// Withdraw a key
    Remove {
        /// Id of the key, as listed
        id: String,
    },
}

#[derive(Debug, Args)]
struct Create {
    /// What people call it
    name: String,
    /// What it is for
    #[arg(long, value_parser = ["publisher", "reader", "analyst", "operator", "admin"])]
    role: String,
    /// Companies it serves; may be repeated (default: all)
    #[arg(long = "for", value_name = "COMPANY")]
    companies: Vec<String>,
    /// Modules it serves; may be repeated (default: all)
    #[arg(long = "module", value_name = "MODULE")]
    modules: Vec<String>,
    /// Teams that bound what it reads; may be repeated (default: no bound)
    #[arg(long = "team", value_name = "TEAM")]
    teams: Vec<String>,
    /// May see values in clear
    #[arg(long)]
    reveal: bool,
}

impl Key {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client();
        match self.act {
            Act::Create(create) => {
                let answer = client.write("POST", "/v1/keys", &create.body())?;
                context.show(&answer, output::sheet);
                output::words("the key is shown this once; keep it where secrets are kept");
            }
            Act::List => {
                let answer = client.get("/v1/keys", &[])?;
                context.show(&answer, |answer| output::rows(list_of(answer), &COLUMNS));
            }
            Act::Remove { id } => {
                let answer = client.delete(&format!("/v1/keys/{}", encoded(&id)))?;
                context.show(&answer, output::sheet);
                output::words(&format!("key {id} is withdrawn"));
            }
        }
        Ok(())
    }
}

impl Create {
    fn body(self) -> serde_json::Value {
        let or_all = |names: Vec<String>| if names.is_empty() { vec!["*".to_owned()] } else { names };
        json!({
            "name": self.name,
            "role": self.role,
            "companies": or_all(self.companies),
            "modules": or_all(self.modules),
            "teams": or_all(self.teams),
            "reveal": self.reveal,
        })
    }
}

const COLUMNS: [&str; 8] = ["id", "name", "role", "companies", "modules", "teams", "reveal", "created_at"];
