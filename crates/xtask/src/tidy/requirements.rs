//! `docs/requirements-status.md` against the tree: every id has one row, every test that a row names is there and names the
//! id back, and the counts it begins with are right. Against the list of what is asked too, where that folder is there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{Finding, source::Source};

const PAGE: &str = "docs/requirements-status.md";
/// The section whose rows are proved by tests over the whole catalog; its rows name further ones only.
const EVENTS: &str = "2";

/// A row of the page.
struct Row {
    line: usize,
    section: String,
    id: String,
    proof: String,
}

/// A test that a row names, and the files in which it says the test is.
struct Named {
    test: String,
    file: PathBuf,
}

/// Compares the page with the tests, and with the list of what is asked; the line says how far.
pub(crate) fn check(root: &Path, sources: &[Source]) -> Result<(Vec<Finding>, String)> {
    let page = fs::read_to_string(root.join(PAGE)).with_context(|| format!("cannot read {PAGE}"))?;
    let rows = rows(&page);
    let mut findings = once_each(&rows);
    for row in &rows {
        findings.extend(named(&row.proof).iter().filter_map(|named| check_test(row, named, sources)));
    }
    findings.extend(check_counts(&page, &rows));
    let Some(asked) = asked(root) else {
        return Ok((findings, format!("{} requirements (the list of what is asked is not here)", rows.len())));
    };
    findings.extend(missing(&rows, &asked));
    Ok((findings, format!("{} requirements, as asked", rows.len())))
}

fn rows(page: &str) -> Vec<Row> {
    let (mut rows, mut section) = (Vec::new(), String::new());
    for (index, line) in page.lines().enumerate() {
        if let Some(title) = line.strip_prefix("## ") {
            section = title.split(' ').next().unwrap_or_default().to_owned();
        }
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        if line.starts_with('|') && is_id(cells[0]) {
            let proof = cells[1..].last().copied().unwrap_or_default().to_owned();
            rows.push(Row { line: index + 1, section: section.clone(), id: cells[0].to_owned(), proof });
        }
    }
    rows
}

/// Its first part is in capitals.
fn is_id(text: &str) -> bool {
    let first = text.split('-').next().unwrap_or_default();
    first.len() >= 2 && first.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn once_each(rows: &[Row]) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    let again = rows.iter().filter(|row| !seen.insert(&row.id));
    again.map(|row| finding(row.line, format!("{} has two rows", row.id), "keep one")).collect()
}

/// Tests named as `` `name`, `other` (crates/…/file.rs) ``.
fn named(proof: &str) -> Vec<Named> {
    let mut all = Vec::new();
    for part in proof.split(';') {
        let Some((names, file)) = part.rsplit_once("(crates/") else { continue };
        let file = PathBuf::from(format!("crates/{}", file.split(')').next().unwrap_or_default()));
        let names = names.split('`').skip(1).step_by(2).map(str::to_owned);
        all.extend(names.map(|test| Named { test, file: file.clone() }));
    }
    all
}

fn check_test(row: &Row, named: &Named, sources: &[Source]) -> Option<Finding> {
    let (test, file) = (&named.test, named.file.display());
    let source = sources.iter().find(|source| source.path == named.file);
    let Some(words) = source.and_then(|source| words_above(&source.text, test)) else {
        return Some(finding(row.line, format!("{file} has no test `{test}`"), "name the one that proves it"));
    };
    let says = words
        .split(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
        .any(|word| word.trim_end_matches('.') == row.id);
    let what = || format!("`{test}` in {file} does not name {}", row.id);
    (!says && row.section != EVENTS).then(|| finding(row.line, what(), "say `Proves …` above the test"))
}

/// The doc comment of a function; `None` when there is no such function.
fn words_above(text: &str, name: &str) -> Option<String> {
    let mut words = String::new();
    for line in text.lines().map(str::trim) {
        if let Some(more) = line.strip_prefix("///") {
            words.push_str(more);
        } else if line.contains(&format!("fn {name}(")) {
            return Some(words);
        } else if !line.starts_with("#[") {
            words.clear();
        }
    }
    None
}

/// The page's head counts its rows, and those that name no test.
fn check_counts(page: &str, rows: &[Row]) -> Option<Finding> {
    let without = rows.iter().filter(|row| row.section != EVENTS && named(&row.proof).is_empty()).count();
    let says = format!("{} of {} ids are proved by tests", rows.len() - without, rows.len());
    let is_said = page.split_whitespace().collect::<Vec<_>>().join(" ").contains(&says);
    (!is_said).then(|| finding(1, format!("the head does not say \"{says}\""), "count again"))
}

/// Ids of each section of the list of what is asked, beside the project or where CEBE_SHARED says.
fn asked(root: &Path) -> Option<BTreeMap<String, Vec<String>>> {
    let shared = std::env::var_os("CEBE_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let list = fs::read_to_string(shared.join("requirements.md")).ok()?;
    let mut asked: BTreeMap<String, Vec<String>> = BTreeMap::new();
    rows(&list).into_iter().for_each(|row| asked.entry(row.section).or_default().push(row.id));
    Some(asked)
}

fn missing(rows: &[Row], asked: &BTreeMap<String, Vec<String>>) -> Vec<Finding> {
    let has: BTreeSet<&String> = rows.iter().map(|row| &row.id).collect();
    let sections: BTreeSet<&String> = rows.iter().map(|row| &row.section).collect();
    let wanted = sections.into_iter().filter_map(|section| asked.get(section)).flatten();
    wanted
        .filter(|id| !has.contains(id))
        .map(|id| finding(1, format!("{id} has no row"), "say what proves it"))
        .collect()
}

fn finding(line: usize, what: String, remedy: &'static str) -> Finding {
    Finding::new(PAGE.as_ref(), line, what, remedy)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEST: &str = "/// Proves CORE-X-1 and MKT-S01-AC1.\n#[test]\nfn it_holds() {}\n";

    fn found(page: &str) -> Vec<String> {
        let source = Source::new(Path::new("crates/a/tests/b.rs"), TEST.to_owned()).expect("the sample parses");
        let rows = rows(page);
        let tests = rows.iter().flat_map(|row| named(&row.proof).into_iter().map(move |named| (row, named)));
        let wrong = tests.filter_map(|(row, named)| check_test(row, &named, std::slice::from_ref(&source)));
        wrong.chain(once_each(&rows)).map(|finding| finding.to_string()).collect()
    }

    /// Proves INDEX-QA: a row that names a test that is not there, or that does not name it back, is found.
    #[test]
    fn a_row_without_its_test_is_found() {
        assert_eq!(found("## 1 X\n| CORE-X-1 | x | `it_holds` (crates/a/tests/b.rs) |"), Vec::<String>::new());
        assert!(found("## 1 X\n| CORE-X-1 | x | `it_held` (crates/a/tests/b.rs) |")[0].contains("no test `it_held`"));
        assert!(found("## 1 X\n| CORE-X | x | `it_holds` (crates/a/tests/b.rs) |")[0].contains("does not name CORE-X"));
        assert!(found("| CORE-X-1 | x | – |\n| CORE-X-1 | x | – |")[0].contains("two rows"));
    }

    /// Proves INDEX-QA: an id that is asked for and has no row is found, in the sections that the page has.
    #[test]
    fn an_id_without_a_row_is_found() {
        let asked = BTreeMap::from([
            ("1".to_owned(), vec!["CORE-X-1".to_owned(), "CORE-X-2".to_owned()]),
            ("9".to_owned(), vec!["VERIFY".to_owned()]),
        ]);
        let found = missing(&rows("## 1 X\n| CORE-X-1 | x | – |"), &asked);
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().contains("CORE-X-2 has no row"));
    }
}
