//! `cebe doctor`: is this a place where a server can run well.

use clap::Args;
use serde_json::json;

use super::Context;
use crate::doctor::{self, State};
use crate::failure::Failure;
use crate::output;

/// Look at disk, open files, clock, data folder, master key and versions, and say what to do
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Folder of the store [setting data, CEBE_DATA; default cebe-data]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
}

impl Doctor {
    /// Settings that the flags give.
    pub(super) fn flags(&self) -> Vec<(&'static str, String)> {
        self.data.iter().map(|folder| ("data", folder.clone())).collect()
    }

    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let findings = doctor::examine(&context.effective.settings);
        let rows = json!(findings);
        context.show(&rows, |rows| output::rows(super::list_of(rows), &["check", "state", "found", "advice"]));
        match findings.iter().filter(|finding| finding.state == State::Bad).count() {
            0 => Ok(()),
            bad => Err(Failure::No(format!("{bad} of {} checks are bad", findings.len()))),
        }
    }
}
