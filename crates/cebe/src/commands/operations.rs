//! `cebe operations`: breaches, rejections, audits and other operating events.

use clap::Args;

use super::{Context, list_of};
use crate::failure::Failure;
use crate::output;

/// List operating events: breaches, rejections by cause, reveals
#[derive(Debug, Args)]
pub(crate) struct Operations {
    /// Only of this kind, such as pii_revealed
    #[arg(long)]
    kind: Option<String>,
    /// Most events
    #[arg(long, default_value_t = 50)]
    limit: u32,
}

impl Operations {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let mut query = vec![("limit", self.limit.to_string())];
        query.extend(self.kind.map(|kind| ("kind", kind)));
        let answer = context.client().get("/v1/operations", &query)?;
        context.show(&answer, |answer| output::rows(list_of(answer), &["at", "kind", "by", "company", "properties"]));
        Ok(())
    }
}
