//! One broken rule: where, what, and what to do about it.

use std::fmt;
use std::path::{Path, PathBuf};

/// One broken rule.
#[derive(Debug)]
pub(crate) struct Finding {
    file: PathBuf,
    line: usize,
    what: String,
    remedy: &'static str,
}

impl Finding {
    /// A finding in a file, at a line counted from 1.
    pub(crate) fn new(file: &Path, line: usize, what: impl Into<String>, remedy: &'static str) -> Self {
        Self { file: file.to_path_buf(), line, what: what.into(), remedy }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}; {}", self.file.display(), self.line, self.what, self.remedy)
    }
}
