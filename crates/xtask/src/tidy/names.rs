//! Names that say nothing are refused.

use std::path::Path;

use super::{Finding, source::Source};

const EMPTY_NAMES: [&str; 8] = ["util", "utils", "common", "helper", "helpers", "manager", "managers", "misc"];

/// Finds files and folders with such a name.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        if let Some(name) = empty_name(&source.path) {
            let what = format!("`{name}` says nothing about what is in it");
            findings.push(Finding::new(&source.path, 1, what, "name it after the thing of the domain that it holds"));
        }
    }
    findings
}

fn empty_name(path: &Path) -> Option<&'static str> {
    let parts = path.components().filter_map(|part| Path::new(part.as_os_str()).file_stem()?.to_str());
    parts.into_iter().find_map(|part| EMPTY_NAMES.into_iter().find(|name| part == *name))
}
