//! What is built for: the bar and the aim of each row that is promised, and the names under which runs report them.

/// Which way is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Better {
    /// More.
    Higher,
    /// Less.
    Lower,
}

/// A promised row.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bar {
    /// What it says.
    pub(super) what: &'static str,
    /// The measurement it is about.
    pub(super) name: &'static str,
    /// Must be reached.
    pub(super) bar: f64,
    /// Is aimed at.
    pub(super) aim: f64,
    /// Which way is better.
    pub(super) better: Better,
}

impl Bar {
    /// Is it reached?
    pub(super) fn is_passed(&self, value: f64) -> bool {
        match self.better {
            Better::Higher => value >= self.bar,
            Better::Lower => value <= self.bar,
        }
    }
}

pub(super) const INGEST: &str = "ingest, applied and queryable";
pub(super) const RIVAL_RATIO: &str = "ingest, times PostgreSQL";
pub(super) const SINGLE: &str = "single-event requests";
pub(super) const DISK: &str = "disk per event, everything";
pub(super) const IDLE_MEMORY: &str = "size, memory when idle";
pub(super) const SOAK_MEMORY: &str = "soak, memory at the end against the beginning";
pub(super) const SOAK_LATENCY: &str = "soak, propagation at the end against the beginning";
pub(super) const START: &str = "start after kill -9";

const fn higher(what: &'static str, name: &'static str, bar: f64, aim: f64) -> Bar {
    Bar { what, name, bar, aim, better: Better::Higher }
}

const fn lower(what: &'static str, name: &'static str, bar: f64, aim: f64) -> Bar {
    Bar { what, name, bar, aim, better: Better::Lower }
}

/// All of them.
pub(super) const BARS: [Bar; 13] = [
    higher("ingest over HTTP in batches, flushed, applied and queryable", INGEST, 30_000.0, 100_000.0),
    higher("the same events through a pipeline on PostgreSQL", RIVAL_RATIO, 5.0, 15.0),
    lower("propagation at half that rate, p99", "half rate, propagation to queryable p99", 250.0, 50.0),
    higher("single-event requests on 64 connections", SINGLE, 5_000.0, 20_000.0),
    lower("read of a profile under full load, p99", "full load, read of a profile p99", 20.0, 5.0),
    lower("read of a metric under full load, p99", "full load, read of a metric p99", 20.0, 5.0),
    lower("timeline of 50 events under full load, p99", "full load, read of a timeline p99", 50.0, 10.0),
    lower("disk per event, everything included", DISK, 250.0, 120.0),
    lower("resident memory when idle, after the size run", IDLE_MEMORY, 512.0, 200.0),
    lower("start after kill -9, after the size run", START, 3.0, 0.5),
    lower("memory stays flat over a soak", SOAK_MEMORY, 1.15, 1.02),
    lower("propagation p99 stays flat over a soak", SOAK_LATENCY, 1.5, 1.1),
    lower("live propagation with a backfill beside, p99", "backfill beside, propagation to queryable p99", 500.0, 50.0),
];
