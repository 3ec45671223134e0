//! `cebe verify`: recompute everything from the log and compare with what is live.

use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::{Context, list_of};
use crate::client::{Client, encoded};
use crate::failure::Failure;
use crate::output;

/// Pause between two looks at a running check.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Recompute a store from its log and compare: exit code 1 when anything differs
#[derive(Debug, Args)]
pub(crate) struct Verify {}

impl Verify {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let report = over_http(&context.client())?;
        judge(context, &report)
    }
}

fn over_http(client: &Client) -> Result<Value, Failure> {
    let job = client.write("POST", "/v1/verify", &Value::Object(Default::default()))?;
    let id = job["id"].as_str().map(encoded).unwrap_or_default();
    let bar = output::progress(Some(100), "% checked");
    loop {
        let report = client.get(&format!("/v1/verify/{id}"), &[])?;
        bar.set_position(report["percent_complete"].as_f64().unwrap_or_default() as u64);
        match report["state"].as_str() {
            Some("running") => std::thread::sleep(LOOK_EVERY),
            Some("failed") => {
                return Err(Failure::NotNow { status: 500, message: output::cell(&report["message"]) });
            }
            _ => {
                bar.finish_and_clear();
                return Ok(report);
            }
        }
    }
}

/// Prints a report; differences are the answer no.
fn judge(context: &Context, report: &Value) -> Result<(), Failure> {
    let differences = list_of(&report["differences"]);
    context.show(report, |report| {
        let mut head = report.clone();
        head.as_object_mut().map(|fields| fields.remove("differences"));
        if differences.is_empty() {
            return output::sheet(&head);
        }
        format!("{}\n\n{}", output::sheet(&head), output::rows(differences, &["table", "key", "stored", "recomputed"]))
    });
    match differences.len() {
        0 => Ok(()),
        count => Err(Failure::No(format!("{count} differences between what is live and what the log says"))),
    }
}
