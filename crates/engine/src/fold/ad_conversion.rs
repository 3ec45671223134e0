//! `ad_conversion`: one conversion that an ad platform reports; a restated value replaces the one before.

use super::{FoldInput, Folded, Mark};

/// Marks this fold gives.
pub(super) const MARKS: &[&str] = &["conversion", "conversion_value"];

/// Folds the reports of one conversion.
pub(super) fn fold(input: &FoldInput<'_>) -> Folded {
    let mut folded = Folded::default();
    for name in ["ad_platform", "campaign_id", "ad_id", "conversion_type"] {
        folded.set(name, input.latest(name));
    }
    let Some(first) = input.step("converted").next() else { return folded };
    folded.marks.push(Mark::new("conversion", first.at()).of(input.anchor()));
    let valued = input.step("converted").rev();
    if let Some((entry, value)) =
        valued.filter_map(|entry| Some((entry, entry.field("conversion_value")?.as_amount()?))).next()
    {
        let mark = Mark::new("conversion_value", first.at()).sum(value.0);
        folded.marks.push(mark.with("currency", input.currency(entry)));
    }
    folded
}
