//! The wall clock of the simulation: it moves when it is told to, also back.

use cebe_catalog::{Micros, time::DAY};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// 2025-11-04T03:00:00Z: shortly after the time that the examples of the catalog speak of.
const START: i64 = 1_762_225_200_000_000;

/// A clock; clones are the same clock.
#[derive(Clone, Debug)]
pub(crate) struct Clock(Arc<AtomicI64>);

impl Clock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(START)))
    }

    pub(crate) fn now(&self) -> Micros {
        Micros(self.0.load(Ordering::SeqCst))
    }

    /// Moves the clock, back too.
    pub(crate) fn shift(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }

    /// Puts a clock that was set back right again: never behind where the simulation began.
    pub(crate) fn days_since_start(&self) -> i64 {
        (self.now().0 - START).div_euclid(DAY)
    }

    /// As the rooms that count in microseconds read it.
    pub(crate) fn micros(&self) -> Arc<dyn Fn() -> Micros + Send + Sync> {
        let clock = self.clone();
        Arc::new(move || clock.now())
    }

    /// As the queue reads it.
    pub(crate) fn millis(&self) -> Arc<dyn Fn() -> u64 + Send + Sync> {
        let clock = self.clone();
        Arc::new(move || u64::try_from(clock.now().0 / 1_000).unwrap_or(0))
    }
}
