//! The import table holds for this workspace, and each rule finds what it is there to find.

use std::path::Path;

use super::{functions, heads, imports, names, sizes, source::Source, test_habits, workspace_root};

fn source(path: &str, text: &str) -> Source {
    Source::new(Path::new(path), text.to_owned()).expect("the sample parses")
}

/// Proves ANCHOR-ARCH-1: only the rooms that may read the store depend on it.
#[test]
fn the_import_table_holds() {
    let findings = imports::check(&workspace_root()).expect("cargo metadata works");
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(lines, Vec::<String>::new());
}

#[test]
fn a_file_without_a_head_is_found() {
    assert_eq!(heads::check(&[source("crates/a/src/b.rs", "fn f() {}")]).len(), 1);
    assert!(heads::check(&[source("crates/a/src/b.rs", "//! Says what it is.\nfn f() {}")]).is_empty());
}

#[test]
fn empty_names_are_found_as_files_and_as_folders() {
    assert_eq!(names::check(&[source("crates/a/src/utils.rs", "")]).len(), 1);
    assert_eq!(names::check(&[source("crates/a/src/common/key.rs", "")]).len(), 1);
    assert!(names::check(&[source("crates/a/src/utilisation.rs", "")]).is_empty());
}

#[test]
fn long_files_are_found_and_their_tests_are_not_counted() {
    let long = "const A: u8 = 0;\n".repeat(601);
    let tested = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "const A: u8 = 0;\n".repeat(601));
    assert_eq!(sizes::check(&[source("crates/a/src/b.rs", &long)]).0.len(), 2, "too long, and so is the median");
    assert!(sizes::check(&[source("crates/a/src/b.rs", &tested)]).0.is_empty());
    assert!(sizes::check(&[source("crates/a/tests/b.rs", &long)]).0.is_empty());
}

#[test]
fn long_functions_are_found_where_they_begin() {
    let body = "    drop(1);\n".repeat(70);
    let found = functions::check(&[source("crates/a/src/b.rs", &format!("\n\nfn long() {{\n{body}}}\n"))]).0;
    assert!(found[0].to_string().starts_with("crates/a/src/b.rs:3: `long` has 72 lines"), "{}", found[0]);
}

#[test]
fn sleeping_is_found_in_tests_only_and_ignoring_everywhere() {
    let sleeping = "fn f() {\n    std::thread::sleep(D);\n}\n";
    assert_eq!(test_habits::check(&[source("crates/a/tests/b.rs", sleeping)]).len(), 1);
    assert!(test_habits::check(&[source("crates/a/src/b.rs", sleeping)]).is_empty());
    assert!(test_habits::check(&[source("crates/a/examples/b.rs", sleeping)]).is_empty());
    assert_eq!(test_habits::check(&[source("crates/a/src/b.rs", "#[test]\n#[ignore]\nfn f() {}\n")]).len(), 1);
    assert!(
        test_habits::check(&[source("crates/a/src/b.rs", "// #[ignore] and \nconst A: &str = \"#[ignore]\";")])
            .is_empty()
    );
}
