//! `acquisition`: when a person became a customer, and through what.

use super::{FoldInput, Folded, Mark, dimension_text, reading::item};
use crate::entry::Entry;
use alloc::vec::Vec;
use cebe_catalog::{Value, time::DAY};
use smol_str::SmolStr;

/// Marks this fold gives.
pub(super) const MARKS: &[&str] = &["created", "existing"];

/// Folds the creations, ad touches and enrolments of one person.
pub(super) fn fold(input: &FoldInput<'_>) -> Folded {
    let mut folded = Folded::default();
    let created = input.step("created").next();
    let exists = created.or_else(|| input.step("enrolled").next());
    let from = input.entries.iter().find(|entry| matches!(entry.step.as_str(), "created" | "enrolled"));
    if let (Some(_), Some(from)) = (exists, from) {
        folded.marks.push(Mark::new("existing", from.at()));
    }
    if let Some(created) = created {
        let source = source(input, created);
        folded.marks.push(Mark::new("created", created.at()).with("source", source.clone()).of(created.anchor.clone()));
        folded.view = Value::Map(Vec::from([item("source", source), item("created_at", created.at())]));
    }
    folded
}

/// The source told with the creation, else the earliest ad touch shortly before it, else what set it off, else its module.
fn source(input: &FoldInput<'_>, created: &Entry) -> SmolStr {
    let window = i64::from(input.settings.acquisition_days) * DAY;
    let near = |entry: &&Entry| entry.at() <= created.at() && created.at().0 - entry.at().0 <= window;
    let touch = input.step("touched").find(near).and_then(|entry| entry.field("ad_platform"));
    let told = created.field("acquisition_source").or(touch);
    let other = || created.field("trigger_from").or_else(|| created.field("source_module"));
    told.or_else(other).map(dimension_text).unwrap_or_default()
}
