//! Every file opens by saying what it is.

use super::{Finding, source::Source};

/// Finds files that do not open with `//!`.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let silent = sources.iter().filter(|source| !opens_with_a_sentence(&source.text));
    silent
        .map(|source| {
            Finding::new(&source.path, 1, "the file does not open with //!", "say in one to three sentences what it is")
        })
        .collect()
}

fn opens_with_a_sentence(text: &str) -> bool {
    text.lines().next().and_then(|line| line.strip_prefix("//!")).is_some_and(|words| words.trim().len() > 10)
}
