//! Receipt times: never running backwards, and one of its own for every record, so that they can name receipts.

use cebe_catalog::Micros;
use std::sync::atomic::{AtomicI64, Ordering};

/// Gives out receipt times.
#[derive(Debug)]
pub(crate) struct Receipts(AtomicI64);

impl Receipts {
    /// Receipts after `last`.
    pub(crate) fn after(last: Micros) -> Self {
        Self(AtomicI64::new(last.0))
    }

    /// The first of `count` receipt times in a row, at `now` or, when those are taken, right behind them.
    pub(crate) fn take(&self, now: Micros, count: usize) -> Micros {
        let count = i64::try_from(count.max(1)).unwrap_or(i64::MAX);
        let last = |before: i64| now.0.max(before.saturating_add(1)).saturating_add(count - 1);
        let before = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |before| Some(last(before)));
        let before = before.unwrap_or_else(|same| same);
        Micros(now.0.max(before.saturating_add(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receipts_rise_whatever_the_clock_does() {
        let receipts = Receipts::after(Micros(0));
        assert_eq!(receipts.take(Micros(100), 3), Micros(100));
        assert_eq!(receipts.take(Micros(50), 1), Micros(103));
        assert_eq!(receipts.take(Micros(103), 1), Micros(104));
        assert_eq!(receipts.take(Micros(500), 1), Micros(500));
    }
}
