//! The documents a reader is promised, and how long they may be.

use std::fs;
use std::path::Path;

use anyhow::Result;

use super::Finding;

/// A document and the most lines it may have.
const DOCUMENTS: [(&str, usize); 6] = [
    ("README.md", 100),
    ("ARCHITECTURE.md", 250),
    ("CONTRIBUTING.md", usize::MAX),
    ("docs/guide/push-events.md", usize::MAX),
    ("docs/guide/query.md", usize::MAX),
    ("docs/guide/operate.md", usize::MAX),
];
const DECISIONS: &str = "docs/adr";

/// Finds documents that are missing, empty or too long.
pub(crate) fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut findings: Vec<Finding> =
        DOCUMENTS.iter().filter_map(|(name, lines_max)| check_one(root, name, *lines_max)).collect();
    let decisions = root.join(DECISIONS);
    let has_decision = decisions.is_dir()
        && fs::read_dir(&decisions)?.flatten().any(|entry| entry.path().extension().is_some_and(|end| end == "md"));
    if !has_decision {
        findings.push(Finding::new(
            DECISIONS.as_ref(),
            1,
            "no decision is recorded",
            "write one page for each decision",
        ));
    }
    Ok(findings)
}

fn check_one(root: &Path, name: &str, lines_max: usize) -> Option<Finding> {
    let lines = fs::read_to_string(root.join(name)).map_or(0, |text| text.lines().count());
    if lines == 0 {
        return Some(Finding::new(name.as_ref(), 1, "the document is missing or empty", "write it"));
    }
    let what = || format!("{lines} lines, at most {lines_max}");
    (lines > lines_max).then(|| Finding::new(name.as_ref(), lines_max + 1, what(), "move detail to docs/"))
}
