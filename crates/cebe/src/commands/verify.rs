//! `cebe verify`: recompute everything from the log and compare with what is live.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cebe_catalog::{CompanyId, Definitions};
use cebe_central::Central;
use cebe_queue::Queue;
use clap::Args;
use serde_json::{Value, json};

use super::{Context, list_of};
use crate::client::{Client, encoded};
use crate::failure::Failure;
use crate::output;
use crate::serve::{Store, applied_events, logs_of, verify_all};

/// Pause between two looks at a running check.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Recompute a store from its log and compare: exit code 1 when anything differs
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Folder of a stopped store, instead of asking a server
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
}

impl Verify {
    /// Settings that the flags give.
    pub(super) fn flags(&self) -> Vec<(&'static str, String)> {
        self.data.iter().map(|folder| ("data", folder.clone())).collect()
    }

    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let report = match &self.data {
            Some(folder) => of_folder(folder, context)?,
            None => over_http(&context.client())?,
        };
        judge(context, &report)
    }
}

fn of_folder(folder: &str, context: &Context) -> Result<Value, Failure> {
    if !Path::new(folder).join("central").is_dir() {
        return Err(Failure::Store(format!("there is no store in {folder}")));
    }
    let store = Store::open(&context.effective.settings)?;
    let company = &context.effective.settings.company;
    let company = (!company.is_empty()).then(|| CompanyId(company.as_str().into()));
    let total = applied_events(store.central.as_ref(), company.as_ref());
    let bar = output::progress(Some(total), "events");
    let progress = |events| bar.set_position(events);
    let (queue, central): (Arc<dyn Queue>, Arc<dyn Central>) = (store.queue, store.central);
    let logs = logs_of(&queue, &central);
    let report = verify_all(&logs, central.as_ref(), Definitions::standard(), company.as_ref(), &progress);
    bar.finish_and_clear();
    Ok(json!(report.map_err(|error| Failure::Store(error.to_string()))?))
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
    match report["different"].as_u64().unwrap_or(differences.len() as u64) {
        0 => Ok(()),
        count => Err(Failure::No(format!("{count} differences between what is live and what the log says"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_the_answer_no() {
        let variable = |_: &str| None;
        let effective = crate::settings::load(None, &variable, &[]).unwrap();
        let context = Context { effective, json: true };
        assert!(judge(&context, &json!({"different": 0, "differences": []})).is_ok());
        let difference = json!({"table": "point", "key": "total_spend", "stored": "2", "recomputed": "1"});
        let refused = judge(&context, &json!({"different": 1, "differences": [difference]})).unwrap_err();
        assert_eq!(refused.exit_code(), 1);
    }
}
