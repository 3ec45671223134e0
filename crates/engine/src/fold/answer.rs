//! `answer`: how long a customer took to answer one business message: the first answer that is not before it.

use super::{FoldInput, Folded, Mark};
use cebe_catalog::Value;

/// Marks this fold gives.
pub(super) const MARKS: &[&str] = &["answer", "answer_negative"];

/// Folds the answers to one business message.
pub(super) fn fold(input: &FoldInput<'_>) -> Folded {
    let mut folded = Folded::default();
    for entry in input.step("answered") {
        let Some(Value::Time(asked)) = entry.field("asked_at") else { continue };
        let millis = entry.at().millis_since(*asked);
        let name = if millis < 0 { "answer_negative" } else { "answer" };
        let mark = Mark::new(name, *asked).sum(millis).from_entry(entry, &["channel"]);
        folded.marks.push(mark.of(entry.anchor.clone()));
        if millis >= 0 {
            break;
        }
    }
    folded
}
