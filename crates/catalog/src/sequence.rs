//! Sequence numbers of publishers: which arrived, and which are missing in between.

use crate::{ids::CompanyId, time::Micros};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// Numbers that one request brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SequenceSpan {
    /// Which company.
    pub company: CompanyId,
    /// Canonical module.
    pub module: SmolStr,
    /// The publisher's name for itself.
    pub producer: SmolStr,
    /// Its life: numbers begin anew with each.
    pub epoch: SmolStr,
    /// First and last of each run, ascending.
    pub ranges: Vec<(u64, u64)>,
}

/// What is known of one producer: its latest epochs, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProducerRow {
    /// Epochs in the order they appeared.
    pub epochs: Vec<EpochRow>,
}

/// Numbers of one epoch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EpochRow {
    /// Its name.
    pub epoch: SmolStr,
    /// Receipt of the latest.
    pub last_at: Micros,
    /// Runs that arrived, ascending and apart; what lies between them is missing.
    pub ranges: Vec<(u64, u64)>,
    /// Numbers in old gaps that are no longer kept one by one.
    pub forgotten: u64,
}

impl EpochRow {
    /// The gaps: first and last missing number of each.
    pub fn gaps(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.ranges.windows(2).map(|pair| (pair[0].1 + 1, pair[1].0 - 1))
    }

    /// How many numbers are missing.
    pub fn missing(&self) -> u64 {
        self.forgotten + self.gaps().map(|(first, last)| last - first + 1).sum::<u64>()
    }

    /// The highest number that arrived.
    pub fn last(&self) -> Option<u64> {
        self.ranges.last().map(|(_, last)| *last)
    }
}

/// Adds a run to runs that are ascending and apart, and keeps them so.
pub fn add_range(ranges: &mut Vec<(u64, u64)>, first: u64, last: u64) {
    let (mut first, mut last) = (first.min(last), first.max(last));
    // Everything from `start` on that touches or overlaps becomes one run with it.
    let start = ranges.partition_point(|(_, end)| end.saturating_add(1) < first);
    let mut end = start;
    while let Some((from, to)) = ranges.get(end)
        && *from <= last.saturating_add(1)
    {
        (first, last) = (first.min(*from), last.max(*to));
        end += 1;
    }
    ranges.splice(start..end, [(first, last)]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_join_whatever_their_order() {
        let mut ranges = Vec::new();
        for number in [5, 1, 2, 9, 3, 7, 6] {
            add_range(&mut ranges, number, number);
        }
        assert_eq!(ranges, [(1, 3), (5, 7), (9, 9)]);
        let row = EpochRow { ranges: ranges.clone(), ..EpochRow::default() };
        assert_eq!((row.gaps().collect::<Vec<_>>(), row.missing(), row.last()), (vec![(4, 4), (8, 8)], 2, Some(9)));
        add_range(&mut ranges, 0, 20);
        assert_eq!(ranges, [(0, 20)]);
        add_range(&mut ranges, u64::MAX, u64::MAX);
        assert_eq!(ranges, [(0, 20), (u64::MAX, u64::MAX)]);
    }
}
