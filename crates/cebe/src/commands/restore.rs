//! `cebe restore`: a store of a backup, in a folder that holds none.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::Context;
use crate::backup::{RestoreError, restore};
use crate::failure::Failure;
use crate::output;

/// Make a store of a backup, in a folder that holds none. Nothing is overwritten
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup
    file: PathBuf,
    /// Folder for the store [setting data, CEBE_DATA; default cebe-data]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
}

impl Restore {
    /// Settings that the flags give.
    pub(super) fn flags(&self) -> Vec<(&'static str, String)> {
        self.data.iter().map(|folder| ("data", folder.clone())).collect()
    }

    pub(super) fn run(self, context: &Context) -> Result<(), Failure> {
        let settings = &context.effective.settings;
        let file = File::open(&self.file)
            .map_err(|error| Failure::Usage(format!("cannot read {}: {error}", self.file.display())))?;
        let bar = output::progress(file.metadata().ok().map(|facts| facts.len()), "bytes");
        let restored = restore(BufReader::new(file), settings, &|position| bar.set_position(position));
        bar.finish_and_clear();
        let summary = restored.map_err(|error| match error {
            RestoreError::Occupied(_) => Failure::Usage(error.to_string()),
            RestoreError::Damage(_) | RestoreError::Counts { .. } => Failure::No(error.to_string()),
            error => Failure::Store(error.to_string()),
        })?;
        let mut shown = json!(summary);
        shown["data"] = json!(settings.data);
        context.show(&shown, output::sheet);
        output::words(&next_steps(settings));
        Ok(())
    }
}

fn next_steps(settings: &crate::settings::Settings) -> String {
    let key = Path::new(&settings.data).join("master.key");
    let put_back = match settings.master_key_file.is_empty() && !key.exists() {
        true => format!("put the master key back as {}; ", key.display()),
        false => String::new(),
    };
    format!(
        "{put_back}run `cebe verify --data {}`, repeat the erasures made since the backup, start the server, and have \
         publishers send again what they were told `accepted` for since",
        settings.data
    )
}
