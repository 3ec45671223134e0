//! Who may import whom: the table of DESIGN section 4, held against what cargo says. Test dependencies are free.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

use super::Finding;

/// A room and the rooms it may import.
const TABLE: [(&str, &[&str]); 14] = [
    ("catalog", &[]),
    ("privacy", &["catalog"]),
    ("engine", &["catalog"]),
    ("queue", &["catalog"]),
    ("central", &["catalog", "engine"]),
    ("worker", &["catalog", "engine", "queue", "central"]),
    ("adapter", &["catalog", "privacy", "queue", "central"]),
    ("retriever", &["catalog", "privacy", "engine", "central"]),
    ("traffic", &[]),
    ("cebe", &["catalog", "privacy", "engine", "queue", "central", "worker", "adapter", "retriever", "traffic"]),
    ("bench-path", &["catalog", "privacy", "engine", "queue", "central", "worker", "adapter", "traffic"]),
    ("bench-postgres", &[]),
    ("sim", &["catalog", "privacy", "engine", "queue", "central", "worker", "adapter", "retriever"]),
    ("xtask", &[]),
];

/// Rooms that are pure, and what brings runtimes, files, clocks or logging with it.
const PURE_ROOMS: [&str; 3] = ["catalog", "privacy", "engine"];
const IMPURE: [&str; 9] = ["tokio", "axum", "fjall", "ureq", "tracing", "metrics", "rand", "getrandom", "async-trait"];

/// Finds imports that the table does not allow, and rooms that are not in it.
pub(crate) fn check(root: &Path) -> Result<Vec<Finding>> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .no_deps()
        .exec()
        .context("cargo metadata failed")?;
    Ok(metadata.workspace_packages().into_iter().flat_map(|package| check_room(&metadata, package)).collect())
}

fn check_room(metadata: &Metadata, package: &Package) -> Vec<Finding> {
    let room = room_name(package.name.as_str());
    let manifest = package.manifest_path.strip_prefix(&metadata.workspace_root).unwrap_or(&package.manifest_path);
    let finding = |what: String, remedy| Finding::new(manifest.as_std_path(), 1, what, remedy);
    let Some(allowed) = allowed_imports(room) else {
        return vec![finding(
            format!("room `{room}` is not in the import table"),
            "add it with its rule, or fold it in",
        )];
    };
    let mut findings = Vec::new();
    for import in imports_of(metadata, package) {
        if !allowed.contains(&import.as_str()) {
            let what = format!("`{room}` imports `{import}`, it may import {allowed:?}");
            findings.push(finding(what, "move the code to the room that may, or hand it in as an argument"));
        }
    }
    for name in impure_dependencies(room, package) {
        findings
            .push(finding(format!("`{room}` is pure but depends on `{name}`"), "hand the effect in as an argument"));
    }
    findings
}

fn allowed_imports(room: &str) -> Option<&'static [&'static str]> {
    TABLE.iter().find(|(name, _)| *name == room).map(|(_, allowed)| *allowed)
}

fn imports_of(metadata: &Metadata, package: &Package) -> BTreeSet<String> {
    let rooms: BTreeSet<&str> = metadata.workspace_packages().iter().map(|package| package.name.as_str()).collect();
    real_dependencies(package).filter(|name| rooms.contains(name)).map(|name| room_name(name).to_owned()).collect()
}

fn impure_dependencies<'a>(room: &str, package: &'a Package) -> Vec<&'a str> {
    let is_pure = PURE_ROOMS.contains(&room);
    real_dependencies(package).filter(|name| is_pure && IMPURE.contains(name)).collect()
}

fn real_dependencies(package: &Package) -> impl Iterator<Item = &str> {
    let real = package.dependencies.iter().filter(|dependency| dependency.kind != DependencyKind::Development);
    real.map(|dependency| dependency.name.as_str())
}

fn room_name(package: &str) -> &str {
    package.strip_prefix("cebe-").unwrap_or(package)
}
