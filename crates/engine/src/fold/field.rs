//! `field`: one profile field, the latest value by rank; a null clears it.

use super::{FoldInput, Folded, reading::item};
use alloc::vec::Vec;
use cebe_catalog::Value;

/// Marks this fold gives.
pub(super) const MARKS: &[&str] = &[];

/// Folds the values of one field.
pub(super) fn fold(input: &FoldInput<'_>) -> Folded {
    let mut folded = Folded::default();
    let Some(newest) = input.entries.last() else { return folded };
    let Some(value) = newest.field("value") else { return folded };
    folded.set("name", input.latest("name"));
    folded.set("value", Some(value));
    let name = folded.field("name").cloned().unwrap_or_else(|| Value::Text(input.key.into()));
    folded.view = Value::Map(Vec::from([item("name", name), item("value", value.clone()), item("since", newest.at())]));
    folded
}
