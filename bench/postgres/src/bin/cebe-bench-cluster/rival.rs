//! The rival's turn. `cebe bench` calls this program in its place; it says that CEBE's part is over, waits until the nodes
//! are gone, and becomes the rival.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

const FOLDER: &str = "CEBE_BENCH_HELD_IN";
const PROGRAM: &str = "CEBE_BENCH_RIVAL";

/// A turn that is waited for.
pub(crate) struct Held(PathBuf);

impl Held {
    /// Told of in this folder.
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// Whether this process was started in the rival's place.
    pub(crate) fn of_this_process() -> Option<Self> {
        std::env::var_os(FOLDER).map(|folder| Self(folder.into()))
    }

    /// What a process in the rival's place needs to know.
    pub(crate) fn variables(&self, rival: &Path) -> Result<[(&'static str, OsString); 2]> {
        let rival = rival.canonicalize().with_context(|| format!("{} is not there", rival.display()))?;
        Ok([(FOLDER, self.0.clone().into_os_string()), (PROGRAM, rival.into_os_string())])
    }

    pub(crate) fn is_reached(&self) -> bool {
        self.0.join("reached").exists()
    }

    pub(crate) fn release(&self) -> Result<()> {
        Ok(std::fs::write(self.0.join("released"), "")?)
    }

    /// Waits for the turn, then runs the rival with the same arguments.
    pub(crate) fn take_part(&self) -> Result<()> {
        std::fs::write(self.0.join("reached"), "")?;
        while !self.0.join("released").exists() {
            std::thread::sleep(Duration::from_millis(20));
        }
        let rival = std::env::var_os(PROGRAM).context("the rival is not named")?;
        Err(Command::new(rival).args(std::env::args_os().skip(1)).env_remove(FOLDER).exec().into())
    }
}
