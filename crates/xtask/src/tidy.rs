//! The house rules of DESIGN sections 4 and 13 as checks: who may import whom, how long files and functions may be, what
//! every file says first, which names are refused, which documents must be there, what tests may not do, and
//! which test proves what was asked.

mod documents;
mod finding;
mod functions;
mod heads;
mod imports;
mod names;
mod requirements;
mod sizes;
mod source;
mod test_habits;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::Result;

pub(crate) use finding::Finding;

/// What was found, and one line about all that was looked at.
pub(crate) struct Report {
    /// Everything that breaks a rule, in the order of the files.
    pub(crate) findings: Vec<Finding>,
    /// How much was looked at and how it measures.
    pub(crate) summary: String,
}

/// The folder that holds the workspace's `Cargo.toml`.
pub(crate) fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Runs every check.
pub(crate) fn run(root: &Path) -> Result<Report> {
    let sources = source::read_all(root)?;
    let mut findings = imports::check(root)?;
    findings.extend(heads::check(&sources));
    findings.extend(names::check(&sources));
    let (found, files) = sizes::check(&sources);
    findings.extend(found);
    let (found, functions) = functions::check(&sources);
    findings.extend(found);
    findings.extend(test_habits::check(&sources));
    findings.extend(documents::check(root)?);
    let (found, requirements) = requirements::check(root, &sources)?;
    findings.extend(found);
    let summary = format!("tidy: {} findings; {files}; {functions}; {requirements}", findings.len());
    Ok(Report { findings, summary })
}
