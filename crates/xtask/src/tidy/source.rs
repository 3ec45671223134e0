//! The workspace's Rust files, read and parsed once, with the lines of inline test modules known.

use std::ffi::OsStr;
use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use syn::spanned::Spanned;

/// Folders of a crate whose files only tests, measurements and examples use.
const TEST_FOLDERS: [&str; 4] = ["tests", "benches", "examples", "fuzz"];

/// One Rust file.
pub(crate) struct Source {
    /// Its path from the workspace's folder.
    pub(crate) path: PathBuf,
    /// Its text.
    pub(crate) text: String,
    /// What it parses to.
    pub(crate) syntax: syn::File,
    /// All of it is there for tests.
    pub(crate) is_test: bool,
    test_lines: Vec<RangeInclusive<usize>>,
}

impl Source {
    /// Reads a file from text; the path tells whether it is a test.
    pub(crate) fn new(path: &Path, text: String) -> Result<Self> {
        let syntax = syn::parse_file(&text).with_context(|| format!("{} does not parse", path.display()))?;
        let test_lines = syntax.items.iter().filter_map(test_module_lines).collect();
        Ok(Self { is_test: is_test_path(path), path: path.to_path_buf(), text, syntax, test_lines })
    }

    /// Whether a line, counted from 1, is there for tests.
    pub(crate) fn is_test_line(&self, line: usize) -> bool {
        self.is_test || self.test_lines.iter().any(|lines| lines.contains(&line))
    }

    /// Lines without those of inline test modules.
    pub(crate) fn lines_without_tests(&self) -> usize {
        self.text.lines().count() - self.test_lines.iter().map(|lines| lines.clone().count()).sum::<usize>()
    }
}

/// Folders that hold crates.
const CRATE_FOLDERS: [&str; 2] = ["crates", "bench"];

/// Every Rust file of every crate, by path.
pub(crate) fn read_all(root: &Path) -> Result<Vec<Source>> {
    let mut paths = Vec::new();
    for folder in CRATE_FOLDERS.map(|folder| root.join(folder)).iter().filter(|folder| folder.exists()) {
        collect(folder, &mut paths)?;
    }
    paths.sort();
    paths.iter().map(|path| read(root, path)).collect()
}

fn read(root: &Path, path: &Path) -> Result<Source> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Source::new(path.strip_prefix(root).unwrap_or(path), text)
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let is_build_output = path.file_name().is_some_and(|name| name == "target");
        if path.is_dir() && !is_build_output {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
    Ok(())
}

fn is_test_path(path: &Path) -> bool {
    let is_test_folder = |name: &OsStr| TEST_FOLDERS.iter().any(|folder| name == *folder);
    path.file_name().is_some_and(|name| name == "tests.rs")
        || path.components().any(|part| is_test_folder(part.as_os_str()))
}

fn test_module_lines(item: &syn::Item) -> Option<RangeInclusive<usize>> {
    let syn::Item::Mod(module) = item else { return None };
    module.content.as_ref()?;
    let for_tests = module.attrs.iter().any(is_cfg_test);
    for_tests.then(|| module.span().start().line..=module.span().end().line)
}

fn is_cfg_test(attribute: &syn::Attribute) -> bool {
    attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Ident>().is_ok_and(|name| name == "test")
}
