//! The durable ends of both lanes behind one lock and one condition, so that a reader can sleep on both at once.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::port::{Lane, PerLane, Position};

/// Locks, also after another holder panicked: what is guarded here is always whole between two statements.
pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The durable ends, and who waits for them to move.
#[derive(Default)]
pub(crate) struct Ends {
    now: Mutex<PerLane<Position>>,
    moved: Condvar,
}

impl Ends {
    pub(crate) fn new(now: PerLane<Position>) -> Ends {
        Ends { now: Mutex::new(now), moved: Condvar::new() }
    }

    pub(crate) fn get(&self, lane: Lane) -> Position {
        locked(&self.now)[lane]
    }

    pub(crate) fn advance(&self, lane: Lane, end: Position) {
        locked(&self.now)[lane] = end;
        self.moved.notify_all();
    }

    /// Moves the end forward, or leaves it: what tells of appends may come in any order.
    pub(crate) fn raise(&self, lane: Lane, end: Position) {
        let mut now = locked(&self.now);
        if end > now[lane] {
            now[lane] = end;
            self.moved.notify_all();
        }
    }

    pub(crate) fn wait(&self, seen: PerLane<Position>, timeout: Duration) -> PerLane<Position> {
        let unmoved = |now: &mut PerLane<Position>| Lane::ALL.iter().all(|&lane| now[lane] <= seen[lane]);
        let (now, _) =
            self.moved.wait_timeout_while(locked(&self.now), timeout, unmoved).unwrap_or_else(PoisonError::into_inner);
        *now
    }
}
