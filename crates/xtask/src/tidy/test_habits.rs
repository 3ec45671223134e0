//! What tests may not do: be switched off, or wait by the clock.

use super::{Finding, source::Source};

/// Finds ignored tests, and sleeping in tests.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    sources.iter().flat_map(check_one).collect()
}

fn check_one(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, text) in source.text.lines().enumerate() {
        let (line, code) = (index + 1, code_of(text));
        if code.contains("#[ignore") {
            findings.push(Finding::new(&source.path, line, "an ignored test", "make it run, or take it out"));
        }
        // An example shows how something is used, and is no test.
        let is_example = source.path.components().any(|part| part.as_os_str() == "examples");
        if source.is_test_line(line) && !is_example && code.contains("sleep(") {
            findings.push(Finding::new(&source.path, line, "a test that sleeps", "wait for the condition itself"));
        }
    }
    findings
}

/// A line without its texts and its comment.
fn code_of(line: &str) -> String {
    let outside_texts: String = line.replace("\\\"", "").split('"').step_by(2).collect::<Vec<_>>().join("\"\"");
    outside_texts.split("//").next().unwrap_or_default().to_owned()
}
