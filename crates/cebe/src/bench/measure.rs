//! Latencies and the rows of a report.

use std::time::Duration;

use serde_json::{Value, json};

/// Times of many exchanges.
#[derive(Clone, Debug, Default)]
pub(super) struct Latencies(Vec<Duration>);

impl Latencies {
    /// One more.
    pub(super) fn note(&mut self, took: Duration) {
        self.0.push(took);
    }

    /// Those of another.
    pub(super) fn add(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many.
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The time that so many of a hundred stay within, in milliseconds.
    fn percentile_ms(&mut self, percent: usize) -> f64 {
        self.0.sort_unstable();
        let place = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(place).map_or(0.0, |took| took.as_secs_f64() * 1_000.0)
    }
}

/// What was measured, in order.
#[derive(Default)]
pub(super) struct Report(Vec<Value>);

impl Report {
    /// One more row.
    pub(super) fn add(&mut self, name: &str, value: f64, unit: &str) {
        let digits = if value >= 100.0 { 0 } else { 2 };
        let rounded: f64 = format!("{value:.digits$}").parse().unwrap_or(value);
        self.0.push(json!({"name": name, "value": rounded, "unit": unit}));
    }

    /// Median and 99th percentile.
    pub(super) fn add_latencies(&mut self, name: &str, mut latencies: Latencies) {
        if latencies.count() == 0 {
            return;
        }
        self.add(&format!("{name} p50"), latencies.percentile_ms(50), "ms");
        self.add(&format!("{name} p99"), latencies.percentile_ms(99), "ms");
    }

    /// All rows.
    pub(super) fn rows(self) -> Vec<Value> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_sorted_times() {
        let mut latencies = Latencies::default();
        (1..=100).rev().for_each(|ms| latencies.note(Duration::from_millis(ms)));
        assert_eq!((latencies.percentile_ms(50), latencies.percentile_ms(99)), (50.0, 99.0));
        assert_eq!(Latencies::default().percentile_ms(99), 0.0);
    }
}
