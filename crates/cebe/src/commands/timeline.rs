//! `cebe timeline`: what happened to a customer, newest first.

use clap::Args;
use serde_json::Value;

use super::{Context, list_of};
use crate::client::encoded;
use crate::failure::Failure;
use crate::output;

/// Show a customer's events, newest first
#[derive(Debug, Args)]
pub(crate) struct Timeline {
    /// Id of the customer
    id: String,
    /// Only this kind of event
    #[arg(long, value_name = "NAME")]
    event_name: Option<String>,
    /// Go on from here: `next` of an earlier answer
    #[arg(long, value_name = "CURSOR")]
    before: Option<String>,
    /// Most events
    #[arg(long, default_value_t = 50)]
    limit: u32,
}

impl Timeline {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let mut query = vec![("limit", self.limit.to_string())];
        query.extend(self.event_name.map(|name| ("event_name", name)));
        query.extend(self.before.map(|cursor| ("before", cursor)));
        let answer = context.client().get(&format!("/v1/customers/{}/timeline", encoded(&self.id)), &query)?;
        context.show(&answer, |answer| output::rows(list_of(answer), &COLUMNS));
        if let Value::String(next) = &answer["next"] {
            output::words(&format!("there is more: --before {next}"));
        }
        Ok(())
    }
}

const COLUMNS: [&str; 5] = ["event_timestamp", "event_name", "source_module", "event_attributes", "event_id"];
