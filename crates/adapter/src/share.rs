//! The worker's time, shared fairly. What is acknowledged stands in one queue, so who sends more than is applied makes all
//! others wait. Once the worker is late, whoever has most waiting is told to come back, until the others are in time
//! again. Who is alone delays nobody else: what they send is kept by the queue, however much it is.

use cebe_catalog::{Micros, limits::FAIR_AFTER_MILLIS, time::SECOND};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Events that landed within such a time are noted together.
const NOTE_EVERY: i64 = SECOND / 20;
/// Most notes that are held; what lands behind them joins the last.
const NOTES_MAX: usize = 1_024;
/// Whoever sent nothing for so long waits for nothing.
const GONE_AFTER: i64 = 10 * SECOND;
/// How often those who are gone are looked for.
const SWEEP_EVERY: i64 = SECOND;
/// A worker that applied nothing for so long stands still: turning anybody away would help nobody.
const STILL_AFTER: i64 = SECOND;
/// When to come back.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What everybody has waiting for the worker.
#[derive(Default)]
pub(crate) struct Shares(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    /// Oldest first.
    notes: VecDeque<Note>,
    by: HashMap<Arc<str>, Holder>,
    applied: u64,
    moved: Micros,
    swept: Micros,
}

/// Events of one moment.
struct Note {
    at: Micros,
    /// The place behind the last of them.
    end: u64,
    of: Vec<(Arc<str>, u64)>,
}

#[derive(Clone, Copy, Default)]
struct Holder {
    events: u64,
    seen: Micros,
}

impl Shares {
    /// Lets somebody's events in, or says when to come back.
    pub(crate) fn admit(&self, by: &str, applied: u64, now: Micros) -> Result<(), Duration> {
        let mut waiting = self.waiting();
        waiting.advance(applied, now);
        let own = waiting.holder(by, now).events;
        let is_alone = waiting.by.len() < 2;
        // Every request comes through here: all are looked at only when somebody may have to wait.
        if own == 0 || is_alone || !waiting.is_late(now) {
            return Ok(());
        }
        let most = waiting.by.values().map(|holder| holder.events).max().unwrap_or_default();
        if own >= most.div_ceil(2) { Err(RETRY_AFTER) } else { Ok(()) }
    }

    /// So many events of somebody landed before this place of the queue.
    pub(crate) fn landed(&self, by: &str, events: u64, end: u64, now: Micros) {
        let mut waiting = self.waiting();
        if end > waiting.applied {
            waiting.note(by, events, end, now);
        }
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// The worker has come this far.
    fn advance(&mut self, applied: u64, now: Micros) {
        if applied > self.applied {
            (self.applied, self.moved) = (applied, now);
        }
        while self.notes.front().is_some_and(|note| note.end <= self.applied) {
            for (by, events) in self.notes.pop_front().map(|note| note.of).unwrap_or_default() {
                if let Some(holder) = self.by.get_mut(&by) {
                    holder.events = holder.events.saturating_sub(events);
                }
            }
        }
        if now.0.abs_diff(self.swept.0) >= SWEEP_EVERY.unsigned_abs() {
            self.swept = now;
            self.by.retain(|_, holder| holder.events > 0 || now.0 - holder.seen.0 < GONE_AFTER);
        }
    }

    /// The worker goes on, and the oldest that waits has waited for long.
    fn is_late(&self, now: Micros) -> bool {
        let oldest = self.notes.front().map_or(now, |note| note.at);
        now.millis_since(oldest) > FAIR_AFTER_MILLIS && now.0 - self.moved.0 < STILL_AFTER
    }

    fn holder(&mut self, by: &str, now: Micros) -> &mut Holder {
        if !self.by.contains_key(by) {
            self.by.insert(by.into(), Holder::default());
        }
        let holder = self.by.get_mut(by).expect("it was put there when it was missing");
        holder.seen = now;
        holder
    }

    fn note(&mut self, by: &str, events: u64, end: u64, now: Micros) {
        self.holder(by, now).events += events;
        let (by, _) = self.by.get_key_value(by).expect("it was put there when it was missing");
        let by = Arc::clone(by);
        let is_full = self.notes.len() >= NOTES_MAX;
        let joins = |note: &&mut Note| is_full || now.0 - note.at.0 < NOTE_EVERY;
        match self.notes.back_mut().filter(joins) {
            Some(note) => {
                note.end = note.end.max(end);
                match note.of.iter_mut().find(|(other, _)| *other == by) {
                    Some((_, noted)) => *noted += events,
                    None => note.of.push((by, events)),
                }
            }
            None => self.notes.push_back(Note { at: now, end, of: vec![(by, events)] }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Micros {
        Micros(ms * SECOND / 1_000)
    }

    /// Somebody loud sent far more than was applied, somebody quiet a little.
    fn late() -> Shares {
        let shares = Shares::default();
        assert!(shares.admit("loud", 0, at(0)).is_ok());
        shares.landed("loud", 9_000, 9_000, at(0));
        shares.landed("loud", 90_000, 99_000, at(1_000));
        shares.landed("quiet", 10, 99_010, at(1_000));
        shares
    }

    #[test]
    fn once_the_worker_is_late_who_has_most_waiting_comes_back_later() {
        let shares = late();
        assert!(shares.admit("loud", 10, at(1_900)).is_ok(), "in time, everybody is let in");
        assert_eq!(shares.admit("loud", 20, at(2_500)), Err(RETRY_AFTER));
        assert!(shares.admit("quiet", 30, at(2_500)).is_ok());
        assert!(shares.admit("newcomer", 30, at(2_500)).is_ok());
        assert!(shares.admit("loud", 9_000, at(2_900)).is_ok(), "what waits now has not waited for long");
    }

    #[test]
    fn equal_loads_are_turned_away_alike() {
        let shares = Shares::default();
        for by in ["a", "b", "c"] {
            shares.landed(by, 1_000, 3_000, at(0));
        }
        assert!(["a", "b", "c"].iter().all(|by| shares.admit(by, 1, at(2_500)).is_err()));
    }

    #[test]
    fn who_is_alone_is_never_turned_away() {
        let shares = Shares::default();
        shares.landed("loud", 1_000_000, 1_000_000, at(0));
        assert!(shares.admit("loud", 500, at(60_000)).is_ok());
        assert!(shares.admit("quiet", 501, at(60_001)).is_ok());
        assert!(shares.admit("loud", 502, at(60_002)).is_err(), "now somebody else would wait");
        assert!(shares.admit("loud", 503, at(75_000)).is_ok(), "who was silent for long waits for nothing");
        assert_eq!(shares.waiting().by.len(), 1);
    }

    #[test]
    fn a_worker_that_stands_still_turns_nobody_away() {
        let shares = late();
        assert!(shares.admit("loud", 0, at(60_000)).is_ok(), "the queue keeps it until the worker goes on");
        assert!(shares.admit("loud", 1, at(60_001)).is_err());
    }

    #[test]
    fn everything_noted_is_given_back_and_the_notes_are_bounded() {
        let shares = Shares::default();
        for number in 0..5_000_u64 {
            shares.landed(
                ["a", "b"][usize::from(number % 2 == 0)],
                3,
                3 * number + 3,
                at(i64::try_from(number).unwrap() * 60),
            );
        }
        assert!(shares.waiting().notes.len() <= NOTES_MAX);
        shares.waiting().advance(15_000, at(300_000));
        let waiting = shares.waiting();
        assert!(waiting.notes.is_empty() && waiting.by.values().all(|holder| holder.events == 0));
    }
}
