//! `cebe quarantine`: events that were refused, by cause, and sending them in again.

use std::io::Read;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::{Context, list_of};
use crate::client::encoded;
use crate::failure::Failure;
use crate::output;

/// See refused events, and send corrected ones in again
#[derive(Debug, Args)]
pub(crate) struct Quarantine {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// List refused events, newest first
    List {
        /// Only with this code
        #[arg(long)]
        code: Option<String>,
        /// Go on from here: `next` of an earlier answer
        #[arg(long, value_name = "CURSOR")]
        before: Option<String>,
        /// Most events
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Send a refused event in again, as it was or corrected, under the same id
    Replay {
        /// Receipt of the refused event
        receipt: String,
        /// JSON file with what to correct (`-` for stdin); without it the event goes in as it was
        #[arg(long, value_name = "FILE")]
        correction: Option<PathBuf>,
    },
}

impl Quarantine {
    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let client = context.client();
        match self.act {
            Act::List { code, before, limit } => {
                let mut query = vec![("limit", limit.to_string())];
                query.extend(code.map(|code| ("code", code)));
                query.extend(before.map(|cursor| ("before", cursor)));
                let answer = client.get("/v1/quarantine", &query)?;
                context.show(&answer, |answer| output::rows(list_of(answer), &COLUMNS));
            }
            Act::Replay { receipt, correction } => {
                let path = format!("/v1/quarantine/{}/replay", encoded(&receipt));
                // An empty body sends the event in as it was.
                let answer = match correction.map(read_json).transpose()? {
                    Some(corrected) => client.write("POST", &path, &corrected)?,
                    None => client.post_nothing(&path)?,
                };
                context.show(&answer, output::sheet);
            }
        }
        Ok(())
    }
}

fn read_json(path: PathBuf) -> Result<Value, Failure> {
    let mut text = String::new();
    let read = match path.to_str() {
        Some("-") => std::io::stdin().read_to_string(&mut text),
        _ => std::fs::File::open(&path).and_then(|mut file| file.read_to_string(&mut text)),
    };
    read.map_err(|error| Failure::Usage(format!("cannot read {}: {error}", path.display())))?;
    serde_json::from_str(&text).map_err(|error| Failure::Usage(format!("{} is not JSON: {error}", path.display())))
}

const COLUMNS: [&str; 8] = ["id", "receipt", "received_at", "code", "path", "event_name", "event_id", "hint"];
