//! `cebe metrics`: which metrics there are.

use clap::Args;

use super::{Context, list_of};
use crate::failure::Failure;
use crate::output;

/// List the metrics that can be asked for
#[derive(Debug, Args)]
pub(crate) struct Metrics {}

impl Metrics {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let answer = context.client().get("/v1/metrics", &[])?;
        context.show(&answer, |answer| output::rows(list_of(answer), &COLUMNS));
        Ok(())
    }
}

const COLUMNS: [&str; 6] = ["name", "title", "module", "unit", "scope", "dimensions"];
