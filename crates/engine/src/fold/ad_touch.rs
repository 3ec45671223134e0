//! `ad_touch`: a person's clicks on one ad, and whether a conversion followed. A conversion without a click before it was
//! only seen through.

use super::{FoldInput, Folded, Mark};
use crate::entry::Entry;
use alloc::vec::Vec;
use cebe_catalog::Value;

/// Marks this fold gives.
pub(super) const MARKS: &[&str] = &["touch", "touch_converted", "touch_converted_type", "view_through"];

/// Folds the entries of one person and ad.
pub(super) fn fold(input: &FoldInput<'_>) -> Folded {
    let mut folded = Folded::default();
    for name in ["ad_platform", "campaign_id", "ad_id"] {
        folded.set(name, input.latest(name));
    }
    let click = input.step("clicked").next();
    let (followed, seen): (Vec<&Entry>, Vec<&Entry>) =
        conversions(input).into_iter().partition(|entry| click.is_some_and(|click| entry.at() >= click.at()));
    for entry in seen {
        folded.marks.push(Mark::new("view_through", entry.at()).from_entry(entry, &["conversion_type"]));
    }
    let Some(click) = click else { return folded };
    folded.marks.push(Mark::new("touch", click.at()).of(click.anchor.clone()));
    if !followed.is_empty() {
        folded.marks.push(Mark::new("touch_converted", click.at()));
    }
    let mut kinds: Vec<Option<&Value>> = followed.iter().map(|entry| entry.field("conversion_type")).collect();
    kinds.sort();
    kinds.dedup();
    for kind in kinds {
        let mark = Mark::new("touch_converted_type", click.at());
        let kind = kind.map(super::dimension_text).unwrap_or_default();
        folded.marks.push(mark.with("conversion_type", kind));
    }
    folded
}

/// Each conversion once, at its first report.
fn conversions<'a>(input: &FoldInput<'a>) -> Vec<&'a Entry> {
    let mut conversions: Vec<&'a Entry> = Vec::new();
    for entry in input.step("converted") {
        let reference = entry.field("conversion_ref");
        if reference.is_none() || !conversions.iter().any(|known| known.field("conversion_ref") == reference) {
            conversions.push(entry);
        }
    }
    conversions
}
