//! The process's own measurements, read back from the text that `/metrics` shows, and how they moved over a while.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// How far back readings are kept: the longest window of a condition.
const KEPT: Duration = Duration::from_secs(10 * 60);
/// Readings closer together than this are not kept.
const APART: Duration = Duration::from_secs(5);

/// One line of the text.
#[derive(Clone, Debug, PartialEq)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

/// Readings, newest last, and the seconds since the first at which each was taken.
#[derive(Default)]
pub(super) struct Readings(VecDeque<(Duration, Vec<Sample>)>);

/// Which lines are meant: a name, and labels that have one of these values.
#[derive(Clone, Copy)]
pub(super) struct Which<'a> {
    /// Name of the measurement.
    pub(super) name: &'a str,
    /// Label and its values.
    pub(super) labels: &'a [(&'a str, &'a [&'a str])],
}

impl Which<'_> {
    fn fits(&self, sample: &Sample) -> bool {
        let has = |name: &str, values: &[&str]| sample.labels.get(name).is_some_and(|is| values.contains(&is.as_str()));
        sample.name == self.name && self.labels.iter().all(|(name, values)| has(name, values))
    }
}

impl Readings {
    /// Takes the text of one moment in; only lines of these measurements are kept.
    pub(super) fn take(&mut self, at: Duration, text: &str, names: &[&str]) {
        let wanted = |sample: &Sample| names.contains(&sample.name.as_str());
        let samples: Vec<Sample> = text.lines().filter_map(read_line).filter(wanted).collect();
        let close = self.0.len() > 1 && self.0.iter().rev().nth(1).is_some_and(|(then, _)| at - *then < APART);
        if close {
            self.0.pop_back();
        }
        self.0.push_back((at, samples));
        // One reading from before the window stays: what happened inside it is measured against that one.
        while self.0.get(1).is_some_and(|(then, _)| at.saturating_sub(*then) >= KEPT) {
            self.0.pop_front();
        }
    }

    /// The sums now, by one label; under an empty text where it is not there.
    pub(super) fn now(&self, which: Which<'_>, by: &str) -> BTreeMap<String, f64> {
        self.0.back().map(|(_, samples)| sums(samples, which, by)).unwrap_or_default()
    }

    /// How much the sums rose within a window.
    pub(super) fn rise(&self, which: Which<'_>, by: &str, window: Duration) -> BTreeMap<String, f64> {
        let Some((now, samples)) = self.0.back() else { return BTreeMap::new() };
        let inside = |then: &Duration| *now - *then < window;
        let before = self.0.iter().rev().find(|(then, _)| !inside(then)).or_else(|| self.0.front());
        let before = before.map(|(_, samples)| sums(samples, which, by)).unwrap_or_default();
        let mut rise = sums(samples, which, by);
        for (key, value) in &mut rise {
            *value -= before.get(key).copied().unwrap_or(0.0);
        }
        rise
    }

    /// The bound below which 99 % of what a histogram took in within a window lie, by one label.
    pub(super) fn p99(&self, which: Which<'_>, by: &str, window: Duration) -> BTreeMap<String, f64> {
        let bucket = format!("{}_bucket", which.name);
        let (mut bounds, mut found) = (BTreeMap::<String, Vec<(f64, f64)>>::new(), BTreeMap::new());
        let Some((_, samples)) = self.0.back() else { return found };
        let buckets = Which { name: &bucket, ..which };
        let mut seen: Vec<&str> = samples.iter().filter(|s| buckets.fits(s)).filter_map(le).collect();
        seen.sort_unstable();
        seen.dedup();
        for text in seen {
            let bound = text.parse().unwrap_or(f64::INFINITY);
            let le: [(&str, &[&str]); 1] = [("le", &[text])];
            let labels = [buckets.labels, &le].concat();
            for (key, count) in self.rise(Which { name: &bucket, labels: &labels }, by, window) {
                bounds.entry(key).or_default().push((bound, count));
            }
        }
        for (key, mut bounds) in bounds {
            bounds.sort_by(|one, other| one.0.total_cmp(&other.0));
            let all = bounds.last().map_or(0.0, |(_, count)| *count);
            let over = bounds.iter().find(|(_, count)| *count >= all * 0.99);
            if let Some((bound, _)) = over.filter(|_| all > 0.0) {
                found.insert(key, *bound);
            }
        }
        found
    }
}

fn le(sample: &Sample) -> Option<&str> {
    sample.labels.get("le").map(String::as_str)
}

fn sums(samples: &[Sample], which: Which<'_>, by: &str) -> BTreeMap<String, f64> {
    let mut sums = BTreeMap::new();
    for sample in samples.iter().filter(|sample| which.fits(sample)) {
        let key = sample.labels.get(by).cloned().unwrap_or_default();
        *sums.entry(key).or_insert(0.0) += sample.value;
    }
    sums
}

/// `name{label="value",…} 1.5`; values of labels here never hold a quote or a comma.
fn read_line(line: &str) -> Option<Sample> {
    if line.starts_with('#') {
        return None;
    }
    let (series, value) = line.rsplit_once(' ')?;
    let (name, labels) = series.split_once('{').unwrap_or((series, ""));
    let labels = labels.trim_end_matches('}').split(',').filter_map(|pair| pair.split_once('='));
    let labels = labels.map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned())).collect();
    Some(Sample { name: name.to_owned(), labels, value: value.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Which<'_> = Which { name: "a_total", labels: &[] };

    fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn lines_are_read_and_summed_by_a_label() {
        let mut readings = Readings::default();
        let text =
            "# HELP a_total x\na_total{m=\"x\",o=\"p\"} 1\na_total{m=\"x\",o=\"q\"} 2\na_total{m=\"y\",o=\"q\"} 4\nb 9";
        readings.take(secs(0), text, &["a_total"]);
        assert_eq!(readings.now(ALL, "m"), [("x".to_owned(), 3.0), ("y".to_owned(), 4.0)].into());
        let q = Which { name: "a_total", labels: &[("o", &["q"])] };
        assert_eq!(readings.now(q, ""), [(String::new(), 6.0)].into());
        assert!(readings.now(Which { name: "b", labels: &[] }, "").is_empty());
    }

    #[test]
    fn a_rise_is_measured_against_the_reading_before_the_window() {
        let mut readings = Readings::default();
        for second in 0..2_000 {
            readings.take(secs(second), &format!("a_total {second}"), &["a_total"]);
        }
        let rise = readings.rise(ALL, "", secs(300))[""];
        assert!((300.0..=305.0).contains(&rise), "{rise}");
        assert!(readings.0.len() < 160, "{} readings are kept", readings.0.len());
        let rise = readings.rise(ALL, "", secs(600))[""];
        assert!((595.0..=610.0).contains(&rise), "{rise}");
    }

    #[test]
    fn p99_is_the_bound_that_holds_99_in_100() {
        let text = |slow: u32| {
            format!("h_bucket{{le=\"1\"}} 99\nh_bucket{{le=\"5\"}} {}\nh_bucket{{le=\"+Inf\"}} {}", 99 + 1, 100 + slow)
        };
        let mut readings = Readings::default();
        readings.take(secs(0), "h_bucket{le=\"1\"} 0\nh_bucket{le=\"5\"} 0\nh_bucket{le=\"+Inf\"} 0", &["h_bucket"]);
        let h = Which { name: "h", labels: &[] };
        assert!(readings.p99(h, "", secs(60)).is_empty(), "nothing was measured");
        readings.take(secs(30), &text(0), &["h_bucket"]);
        assert_eq!(readings.p99(h, "", secs(60))[""], 1.0);
        readings.take(secs(40), &text(9), &["h_bucket"]);
        assert_eq!(readings.p99(h, "", secs(60))[""], f64::INFINITY);
    }
}
