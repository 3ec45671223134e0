//! `cebe settings`: what is in force, and where it comes from.

use clap::Args;
use serde_json::json;

use super::Context;
use crate::failure::Failure;
use crate::output;

/// Show the settings in force, with secrets starred
#[derive(Debug, Args)]
pub(crate) struct Settings {}

impl Settings {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let lines = context.effective.lines();
        if context.json {
            let rows: Vec<_> = lines
                .iter()
                .map(|(name, value, origin, meaning)| {
                    json!({"name": name, "value": value, "from": origin, "meaning": meaning})
                })
                .collect();
            output::data(&output::pretty(&json!(rows)));
            return Ok(());
        }
        let mut table = output::table(&["setting", "value", "from", "meaning"]);
        for (name, value, origin, meaning) in lines {
            table.add_row([name.to_owned(), value, format!("{origin:?}").to_lowercase(), meaning.to_owned()]);
        }
        output::data(&table.to_string());
        Ok(())
    }
}
