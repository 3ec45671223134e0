//! How long files may be, tests not counted.

use super::{Finding, source::Source};

const LINES_MAX: usize = 600;
const MEDIAN_LINES_MAX: usize = 150;

/// Finds files that are too long, and says how the files measure.
pub(crate) fn check(sources: &[Source]) -> (Vec<Finding>, String) {
    let measured: Vec<(&Source, usize)> =
        sources.iter().filter(|source| !source.is_test).map(|source| (source, source.lines_without_tests())).collect();
    let mut findings: Vec<Finding> = measured
        .iter()
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(source, lines)| {
            let what = format!("{lines} lines without tests, at most {LINES_MAX}");
            Finding::new(&source.path, 1, what, "split it where the sense splits")
        })
        .collect();
    let median = median(measured.iter().map(|(_, lines)| *lines).collect());
    if median > MEDIAN_LINES_MAX {
        let what = format!("the median file has {median} lines, at most {MEDIAN_LINES_MAX}");
        findings.push(Finding::new("crates".as_ref(), 1, what, "split the longest files"));
    }
    (findings, format!("{} files, median {median} lines", measured.len()))
}

fn median(mut lines: Vec<usize>) -> usize {
    lines.sort_unstable();
    lines.get(lines.len() / 2).copied().unwrap_or_default()
}
