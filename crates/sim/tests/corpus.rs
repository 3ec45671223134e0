//! The kept corpus of every fuzz target, and mutations of it, on stable: no bytes from outside may bring a parser down.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by panicking")]

use cebe_sim::outside::{TARGETS, mutated, run};
use std::{fs, panic::catch_unwind, path::Path};

fn inputs(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{name} has a corpus");
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Replays the corpus, then so many mutations of it.
fn holds(name: &str, mutations: u64) {
    let inputs = inputs(name);
    inputs.iter().for_each(|input| run(name, input));
    for number in 0..mutations {
        let input = mutated(&inputs, number);
        let shown: String = input.iter().take(2_000).map(|byte| format!("{byte:02x}")).collect();
        assert!(catch_unwind(|| run(name, &input)).is_ok(), "{name} panics on mutation {number}: {shown}");
    }
}

/// Request bodies through the whole door.
#[test]
fn bodies() {
    holds("body", 400);
}

/// Records of the queue.
#[test]
fn records() {
    holds("records", 20_000);
}

/// Rows of the Central DB.
#[test]
fn rows() {
    holds("rows", 20_000);
}

/// Tags of appends.
#[test]
fn tags() {
    holds("tags", 20_000);
}

/// Segments of the queue.
#[test]
fn segments() {
    holds("segments", 3_000);
}

/// Definition files and registrations.
#[test]
fn definitions() {
    holds("definitions", 300);
}

/// CSV with its mapping.
#[test]
fn csv() {
    holds("csv", 5_000);
}

/// Every folder of the corpus belongs to a target, so that none is forgotten.
#[test]
fn every_corpus_has_a_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let mut known: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
    known.sort_unstable();
    assert_eq!(names, known);
}
