//! Bytes from outside, whatever they are: one function for each parser of them, which must neither panic, nor hang, nor
//! take more memory than the bytes allow. Fuzzing (`fuzz/`) calls them on a nightly compiler; the kept corpus and
//! mutations of it run as plain tests on stable.

mod catalog;
mod corpus;
mod door;
mod mutate;
mod segments;
mod stored;

pub use corpus::corpus;
pub use mutate::mutated;

/// Takes any bytes.
pub type Target = fn(&[u8]);

/// Every target, by the name of its corpus.
pub const TARGETS: [(&str, Target); 7] = [
    ("body", door::body),
    ("records", stored::record),
    ("rows", stored::row),
    ("tags", stored::tag),
    ("segments", segments::segment),
    ("definitions", catalog::definitions),
    ("csv", catalog::csv),
];

/// Feeds bytes to the target of this name.
pub fn run(name: &str, bytes: &[u8]) {
    let found = TARGETS.iter().find(|(known, _)| *known == name);
    let (_, target) = found.unwrap_or_else(|| panic!("there is no target {name}"));
    target(bytes);
}
