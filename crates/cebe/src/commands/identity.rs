//! `cebe identity`: why a customer is who they are, and taking two apart.

use clap::{Args, Subcommand};
use serde_json::json;

use super::Context;
use crate::client::encoded;
use crate::failure::Failure;
use crate::output;

/// Explain a customer's identity, or take a wrong merge apart
#[derive(Debug, Args)]
pub(crate) struct Identity {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Links, those that are inert, and why
    Show {
        /// Id of the customer
        id: String,
    },
    /// Keep two ids apart from now on, or take that back
    Unlink {
        /// Id of the customer
        id: String,
        /// The id to keep apart from it
        #[arg(long, value_name = "ID")]
        apart_from: Option<String>,
        /// Reject only this link, such as phone=+62811…
        #[arg(long, value_parser = super::pair, value_name = "KIND=VALUE")]
        link: Option<(String, String)>,
        /// Take an earlier unlink back
        #[arg(long)]
        undo: bool,
        /// Why
        #[arg(long, default_value = "")]
        reason: String,
    },
}

impl Identity {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client();
        match self.act {
            Act::Show { id } => {
                let answer = client.get(&format!("/v1/customers/{}/identity", encoded(&id)), &[])?;
                context.show(&answer, output::sheet);
            }
            Act::Unlink { id, apart_from, link, undo, reason } => {
                let mut body = json!({"undo": undo, "reason": reason});
                if let Some(other) = apart_from {
                    body["apart_from"] = other.into();
                }
                if let Some((kind, value)) = link {
                    body["links"] = json!([{"kind": kind, "value": value}]);
                }
                let answer = client.write("POST", &format!("/v1/customers/{}/unlink", encoded(&id)), &body)?;
                context.show(&answer, output::sheet);
            }
        }
        Ok(())
    }
}
