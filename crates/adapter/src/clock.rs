//! Receipts: a time that never runs backwards and is one of its own for every record of a door, and in a cluster a part
//! that no other door has. That holds over a restart too: a door goes on behind the receipts that are in its queues.

use cebe_catalog::{Micros, Record, time::DAY};
use cebe_queue::{Lane, Position, Queue, ReadError, ReadLimit};
use smol_str::{SmolStr, format_smolstr};
use std::sync::atomic::{AtomicI64, Ordering};

/// How many of a lane's last records are looked at for the newest receipt. Appends stand almost in the order of their
/// receipts: only what was being received at the same time may stand behind it.
const LOOKED_AT: u64 = 1 << 16;

/// What a door puts behind the time of its receipts: nothing where there is one door, 32 random bits of each start where
/// there are several, whose clocks may show the same microsecond.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DoorMark(SmolStr);

impl DoorMark {
    /// That of one door among several.
    pub(crate) fn among_several(drawn: [u8; 4]) -> Self {
        Self(format_smolstr!("-{}", hex::encode(drawn)))
    }

    /// The receipt of a refused event: its text sorts by time, then by door.
    pub(crate) fn receipt(&self, received_at: Micros) -> SmolStr {
        format_smolstr!("{:020}{}", received_at.0, self.0)
    }
}

/// Gives out receipt times.
#[derive(Debug)]
pub(crate) struct Receipts(AtomicI64);

impl Receipts {
    /// Receipts after `last`.
    pub(crate) fn after(last: Micros) -> Self {
        Self(AtomicI64::new(last.0))
    }

    /// Receipts after those in the queues. A clock that was more than a day ahead was wrong, and is not followed:
    /// receipts go on behind those from before it.
    pub(crate) fn after_those_in(queues: &[&dyn Queue], now: Micros) -> Self {
        let believed = Micros(now.0.saturating_add(DAY));
        let newest = newest(queues, believed).unwrap_or_else(|error| {
            tracing::warn!(%error, "the last receipts cannot be read; going on with the clock");
            Newest::default()
        });
        if let Some(ahead) = newest.ahead {
            let newest = ahead.to_rfc3339();
            tracing::error!(newest, "the clock was more than a day ahead; receipts go back to it");
        }
        Self::after(newest.believed)
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

/// The newest receipts among the last records of both lanes.
#[derive(Default)]
struct Newest {
    /// Of those up to a time.
    believed: Micros,
    /// Of those behind it.
    ahead: Option<Micros>,
}

/// Shards count in one row, so the one that ends last has the newest append of all.
fn newest(queues: &[&dyn Queue], believed: Micros) -> Result<Newest, ReadError> {
    let mut newest = Newest::default();
    let limit = ReadLimit { records_max: 4_096, bytes_max: 16 << 20 };
    for lane in Lane::ALL {
        let Some(queue) = queues.iter().max_by_key(|queue| queue.end(lane)) else { continue };
        let (first, end) = (queue.facts().lanes[lane].first, queue.end(lane));
        let mut at = first.max(Position(end.0.saturating_sub(LOOKED_AT)));
        loop {
            let records = queue.read(lane, at, limit)?;
            let Some((last, _)) = records.last() else { break };
            at = last.plus(1);
            for receipt in records.iter().filter_map(|(_, bytes)| received_at(bytes)) {
                match receipt <= believed {
                    true => newest.believed = newest.believed.max(receipt),
                    false => newest.ahead = newest.ahead.max(Some(receipt)),
                }
            }
        }
    }
    Ok(newest)
}

fn received_at(bytes: &[u8]) -> Option<Micros> {
    match Record::from_bytes(bytes).ok()? {
        Record::Control(control) => Some(control.received_at),
        record => record.header().map(|header| header.received_at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cebe_catalog::{Lane as RecordLane, record::Header};
    use cebe_queue::Memory;

    async fn append(queue: &Memory, received_at: i64) {
        let (company, module) = ("c".into(), "m".into());
        let header = Header { company, module, received_at: Micros(received_at), lane: RecordLane::Backfill };
        let record = Record::Ignored(header).to_bytes().into();
        queue.append(Lane::Backfill, Default::default(), vec![record]).await.unwrap();
    }

    async fn queue_with(received_at: i64) -> Memory {
        let queue = Memory::default();
        append(&queue, received_at).await;
        queue
    }

    #[tokio::test]
    async fn a_door_goes_on_behind_what_was_received_before_the_clock_was_set_back() {
        let queue = queue_with(5_000).await;
        let empty = Memory::default();
        for queues in [&[&queue as &dyn Queue][..], &[&empty, &queue], &[&queue, &empty]] {
            assert_eq!(Receipts::after_those_in(queues, Micros(1_000)).take(Micros(1_000), 1), Micros(5_001));
            assert_eq!(Receipts::after_those_in(queues, Micros(9_000)).take(Micros(9_000), 1), Micros(9_000));
        }
    }

    #[tokio::test]
    async fn a_clock_that_was_days_ahead_is_not_followed() {
        let queue = queue_with(2 * DAY).await;
        assert_eq!(Receipts::after_those_in(&[&queue], Micros(1_000)).take(Micros(1_000), 1), Micros(1_000));
    }

    /// What was received before the clock went wrong keeps its receipts to itself.
    #[tokio::test]
    async fn behind_a_clock_that_was_days_ahead_receipts_go_on() {
        let queue = queue_with(5_000).await;
        append(&queue, 2 * DAY).await;
        assert_eq!(Receipts::after_those_in(&[&queue], Micros(1_000)).take(Micros(1_000), 1), Micros(5_001));
    }

    #[test]
    fn receipts_rise_whatever_the_clock_does() {
        let receipts = Receipts::after(Micros(0));
        assert_eq!(receipts.take(Micros(100), 3), Micros(100));
        assert_eq!(receipts.take(Micros(50), 1), Micros(103));
        assert_eq!(receipts.take(Micros(103), 1), Micros(104));
        assert_eq!(receipts.take(Micros(500), 1), Micros(500));
    }

    #[test]
    fn receipts_sort_by_time_then_by_door_beside_those_without_one() {
        let (alone, one, other) =
            (DoorMark::default(), DoorMark::among_several([1; 4]), DoorMark::among_several([0xfe; 4]));
        assert_eq!(alone.receipt(Micros(7)), "00000000000000000007");
        assert_eq!(one.receipt(Micros(7)), "00000000000000000007-01010101");
        let sorted = [
            alone.receipt(Micros(7)),
            one.receipt(Micros(7)),
            other.receipt(Micros(7)),
            alone.receipt(Micros(8)),
            one.receipt(Micros(10)),
        ];
        assert!(sorted.is_sorted_by(|left, right| left < right), "{sorted:?}");
    }
}
