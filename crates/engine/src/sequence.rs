//! What sequence numbers make of a producer's row. Runs only join, so order and repetition do not matter; what grows
//! beyond the limits is kept as a number.

use cebe_catalog::{
    Micros,
    sequence::{EpochRow, ProducerRow, SequenceSpan, add_range},
};

/// Epochs kept of one producer.
const EPOCHS_MAX: usize = 8;
/// Runs kept of one epoch.
const RANGES_MAX: usize = 128;

/// Adds what a request brought at `at`.
pub fn add(row: &mut ProducerRow, span: &SequenceSpan, at: Micros) {
    let place = match row.epochs.iter().position(|known| known.epoch == span.epoch) {
        Some(place) => place,
        None => {
            row.epochs.push(EpochRow { epoch: span.epoch.clone(), ..EpochRow::default() });
            if row.epochs.len() > EPOCHS_MAX {
                row.epochs.remove(0);
            }
            row.epochs.len() - 1
        }
    };
    let epoch = &mut row.epochs[place];
    epoch.last_at = epoch.last_at.max(at);
    for (first, last) in &span.ranges {
        add_range(&mut epoch.ranges, *first, *last);
    }
    while epoch.ranges.len() > RANGES_MAX {
        // The oldest gap is given up as a gap and kept as a number.
        let (first, end) = epoch.ranges.remove(0);
        let next = &mut epoch.ranges[0];
        epoch.forgotten += next.0 - end - 1;
        next.0 = first;
    }
}
