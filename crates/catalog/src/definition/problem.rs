//! What is wrong with definitions: which file, which item, what, and what to do about it.

use smol_str::{SmolStr, ToSmolStr};
use std::fmt;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file it stands in.
    pub file: SmolStr,
    /// The item, such as `event "ticket.created", attribute "stage_id"`; empty for the whole file.
    pub item: String,
    /// What is wrong and what to do.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.item.is_empty() {
            true => write!(f, "{}: {}", self.file, self.text),
            false => write!(f, "{}: {}: {}", self.file, self.item, self.text),
        }
    }
}

/// Definitions that cannot be used: everything that is wrong with them, one line each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines(.problems))]
pub struct DefinitionError {
    /// Never empty.
    pub problems: Vec<Problem>,
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

/// Gathers problems while files are checked.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) problems: Vec<Problem>,
}

impl Findings {
    /// Findings about one item of one file.
    pub(super) fn about(&mut self, file: &str, item: impl fmt::Display) -> About<'_> {
        About { findings: self, file: file.to_smolstr(), item: item.to_string() }
    }
}

/// Adds problems of one item.
pub(super) struct About<'a> {
    findings: &'a mut Findings,
    file: SmolStr,
    item: String,
}

impl About<'_> {
    /// Something is wrong.
    pub(super) fn wrong(&mut self, text: impl Into<String>) {
        let problem = Problem { file: self.file.clone(), item: self.item.clone(), text: text.into() };
        self.findings.problems.push(problem);
    }

    /// Something is wrong unless `good`.
    pub(super) fn check(&mut self, good: bool, text: impl FnOnce() -> String) {
        if !good {
            self.wrong(text());
        }
    }

    /// The same for a part of the item.
    pub(super) fn part(&mut self, part: impl fmt::Display) -> About<'_> {
        let item = if self.item.is_empty() { part.to_string() } else { format!("{}, {part}", self.item) };
        About { findings: self.findings, file: self.file.clone(), item }
    }
}
