//! `cebe company`: a company's settings.

use clap::{Args, Subcommand};
use serde_json::{Map, Value};

use super::{Context, list_of};
use crate::client::encoded;
use crate::failure::Failure;
use crate::output;

/// Create companies and change their settings
#[derive(Debug, Args)]
pub(crate) struct Company {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Create a company, or change some of its settings
    Set {
        /// Id of the company
        id: String,
        /// Settings such as time_zone=Asia/Jakarta currency=IDR phone_region=ID retention_months=24
        #[arg(value_parser = super::pair, value_name = "NAME=VALUE", required = true)]
        settings: Vec<(String, String)>,
    },
    /// Show a company's settings
    Show {
        /// Id of the company
        id: String,
    },
    /// List the companies this key serves
    List,
}

impl Company {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client();
        match self.act {
            Act::Set { id, settings } => {
                let body: Map<String, Value> =
                    settings.into_iter().map(|(name, value)| (name, super::typed(&value))).collect();
                let answer = client.write("PUT", &format!("/v1/companies/{}", encoded(&id)), &Value::Object(body))?;
                context.show(&answer, output::sheet);
            }
            Act::Show { id } => {
                context.show(&client.get(&format!("/v1/companies/{}", encoded(&id)), &[])?, output::sheet);
            }
            Act::List => {
                let answer = client.get("/v1/companies", &[])?;
                context.show(&answer, |answer| output::rows(list_of(answer), &COLUMNS));
            }
        }
        Ok(())
    }
}

const COLUMNS: [&str; 7] = ["id", "name", "sso_id", "time_zone", "phone_region", "currency", "retention_months"];
