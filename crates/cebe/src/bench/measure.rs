//! Latencies, and the rows of one run.

use std::time::Duration;

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

    /// The time that so many of a thousand stay within, in milliseconds.
    pub(super) fn within_ms(&mut self, thousandths: usize) -> f64 {
        self.0.sort_unstable();
        let place = (self.0.len() * thousandths).div_ceil(1_000).saturating_sub(1);
        self.0.get(place).map_or(0.0, |took| took.as_secs_f64() * 1_000.0)
    }
}

/// One thing that was measured.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// What.
    pub(super) name: String,
    /// How much.
    pub(super) value: f64,
    /// Of what.
    pub(super) unit: &'static str,
}

/// What one run measured, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Report(Vec<Row>);

impl Report {
    /// One more row.
    pub(super) fn add(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.0.push(Row { name: name.into(), value, unit });
    }

    /// Median, 99 of a hundred, 999 of a thousand.
    pub(super) fn add_latencies(&mut self, name: &str, mut latencies: Latencies) {
        if latencies.count() == 0 {
            return;
        }
        for (part, thousandths) in [("p50", 500), ("p99", 990), ("p99.9", 999)] {
            self.add(format!("{name} {part}"), latencies.within_ms(thousandths), "ms");
        }
    }

    /// The value of a row.
    pub(super) fn value(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|row| row.name == name).map(|row| row.value)
    }

    /// All rows.
    pub(super) fn rows(&self) -> &[Row] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_the_sorted_times() {
        let mut latencies = Latencies::default();
        (1..=1_000).rev().for_each(|ms| latencies.note(Duration::from_millis(ms)));
        let found = [500, 990, 999].map(|thousandths| latencies.within_ms(thousandths));
        assert_eq!(found, [500.0, 990.0, 999.0]);
        assert_eq!(Latencies::default().within_ms(990), 0.0);
    }
}
