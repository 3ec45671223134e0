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
        /// Reject this link, its two ends as `cebe identity show` prints them (anchor, identifier); may be repeated
        #[arg(long, num_args = 2, value_names = ["ANCHOR", "IDENTIFIER"], action = clap::ArgAction::Append)]
        link: Vec<String>,
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
                    body["apart"] = json!([id, other]);
                }
                if !link.is_empty() {
                    let pairs = link.chunks(2).map(|ends| json!({"anchor": ends[0], "other": ends[1]}));
                    body["links"] = pairs.collect();
                }
                let answer = client.write("POST", &format!("/v1/customers/{}/unlink", encoded(&id)), &body)?;
                context.show(&answer, output::sheet);
            }
        }
        Ok(())
    }
}
