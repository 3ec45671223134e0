//! How much history may be on its way at once. Live traffic goes first: while there is any, little history waits in the
//! lane, at most half of one core prepares it, and none is added while live events pile up. It never stops for good.

use std::time::{Duration, Instant};

/// Events of a chunk and of the lane while there is live traffic: small commits keep live waiting short.
const BUSY: Share = Share { chunk: 500, in_flight: 1_000 };
/// The same while there is none.
const IDLE: Share = Share { chunk: 2_500, in_flight: 10_000 };
/// Live events that wait beyond which no history is added.
const LIVE_WAITING_MAX: u64 = 1_000;
/// Longest pause: then a small chunk goes all the same.
const PAUSE_MAX: Duration = Duration::from_secs(1);
/// Traffic this recent still counts as traffic.
const QUIET_AFTER: Duration = Duration::from_secs(1);

#[derive(Clone, Copy)]
struct Share {
    chunk: usize,
    in_flight: u64,
}

/// What the governor looks at.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Load {
    /// End of the live lane.
    pub(super) live_end: u64,
    /// Live records that are not applied.
    pub(super) live_waiting: u64,
    /// Records of history that are not applied.
    pub(super) in_flight: u64,
}

/// Decides when the next chunk goes, and how large it is.
#[derive(Debug)]
pub(super) struct Governor {
    live_end: Option<u64>,
    live_waiting: u64,
    moved: Option<Instant>,
    allowed: Instant,
}

impl Governor {
    pub(super) fn new(now: Instant) -> Self {
        Self { live_end: None, live_waiting: 0, moved: None, allowed: now }
    }

    /// Events of the next chunk, or none for now.
    pub(super) fn allow(&mut self, load: Load, now: Instant) -> Option<usize> {
        if self.live_end.is_some_and(|end| end != load.live_end) {
            self.moved = Some(now);
        }
        self.live_end = Some(load.live_end);
        let grows = load.live_waiting > self.live_waiting;
        self.live_waiting = load.live_waiting;
        let share = if self.is_busy(now) { BUSY } else { IDLE };
        let piles_up = load.live_waiting > LIVE_WAITING_MAX || (self.is_busy(now) && grows);
        let is_starved = now.duration_since(self.allowed) >= PAUSE_MAX;
        if load.in_flight >= share.in_flight || (piles_up && !is_starved) {
            return None;
        }
        self.allowed = now;
        Some(share.chunk)
    }

    /// How long to rest after work that took so long.
    pub(super) fn rest(&self, worked: Duration, now: Instant) -> Duration {
        if self.is_busy(now) { worked } else { Duration::ZERO }
    }

    fn is_busy(&self, now: Instant) -> bool {
        self.moved.is_some_and(|moved| now.duration_since(moved) < QUIET_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn load(live_end: u64, live_waiting: u64, in_flight: u64) -> Load {
        Load { live_end, live_waiting, in_flight }
    }

    /// Requirement CORE-S01-AC3-a: history yields to live traffic and still ends.
    #[test]
    fn history_waits_while_live_events_pile_up_but_never_for_good() {
        let start = Instant::now();
        let mut governor = Governor::new(start);
        assert_eq!(governor.allow(load(100, 0, 0), start), Some(IDLE.chunk));
        assert_eq!(governor.allow(load(100, 0, IDLE.in_flight), start + MS), None);
        // Live traffic begins and is keeping up: small chunks, few in flight, half of the time.
        assert_eq!(governor.allow(load(200, 0, 0), start + 2 * MS), Some(BUSY.chunk));
        assert_eq!(governor.allow(load(300, 0, BUSY.in_flight), start + 3 * MS), None);
        assert_eq!(governor.rest(30 * MS, start + 3 * MS), 30 * MS);
        // It grows: nothing, until the longest pause is over.
        assert_eq!(governor.allow(load(500, 200, 0), start + 4 * MS), None);
        assert_eq!(governor.allow(load(9_000, 5_000, 0), start + 5 * MS), None);
        assert_eq!(governor.allow(load(9_900, 5_100, 0), start + PAUSE_MAX + 3 * MS), Some(BUSY.chunk));
        assert_eq!(governor.allow(load(9_990, 5_200, 0), start + PAUSE_MAX + 4 * MS), None);
        // It is over: full speed again.
        let quiet = start + PAUSE_MAX + 4 * MS + QUIET_AFTER;
        assert_eq!(governor.allow(load(9_990, 0, 0), quiet), Some(IDLE.chunk));
        assert_eq!(governor.rest(30 * MS, quiet), Duration::ZERO);
    }
}
