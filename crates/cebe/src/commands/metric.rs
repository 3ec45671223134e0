//! `cebe metric`: one number of a company, as a total, a series or by group.

use clap::Args;
use serde_json::Value;

use super::Context;
use crate::client::encoded;
use crate::failure::Failure;
use crate::output;

/// Show a metric of a company
#[derive(Debug, Args)]
pub(crate) struct Metric {
    /// Name, such as reply_rate (`cebe metrics` lists them)
    name: String,
    /// First day or time
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Day or time after the last
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// A series of these
    #[arg(long, value_parser = ["hour", "day", "week", "month"])]
    interval: Option<String>,
    /// By these dimensions, comma-separated
    #[arg(long, value_name = "DIMENSIONS")]
    group_by: Option<String>,
    /// Only where a dimension has a value; may be repeated
    #[arg(long = "filter", value_parser = super::pair, value_name = "DIMENSION=VALUE")]
    filters: Vec<(String, String)>,
    /// State at this time, for metrics that are levels
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

impl Metric {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let given = [
            ("from", self.from),
            ("to", self.to),
            ("interval", self.interval),
            ("group_by", self.group_by),
            ("at", self.at),
        ];
        let mut query: Vec<(&str, String)> =
            given.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        query.extend(self.filters.iter().map(|(name, value)| (name.as_str(), value.clone())));
        let answer = context.client().get(&format!("/v1/metrics/{}", encoded(&self.name)), &query)?;
        context.show(&answer, view);
        Ok(())
    }
}

/// The number first, then series and groups as tables of their own.
fn view(answer: &Value) -> String {
    let mut head = answer.clone();
    let mut tables = Vec::new();
    for part in ["series", "groups"] {
        let rows = head.as_object_mut().and_then(|fields| fields.remove(part));
        if let Some(Value::Array(rows)) = rows
            && !rows.is_empty()
        {
            tables.push(output::rows(&rows, &["time", "key", "value", "numerator", "denominator", "currency"]));
        }
    }
    tables.insert(0, output::sheet(&head));
    tables.join("\n\n")
}
